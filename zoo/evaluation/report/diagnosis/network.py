"""The builder's settings that say how large a network is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from zoo import registry

if TYPE_CHECKING:
    from zoo.recipe import Recipe

WIDTHS = ("widths", "width", "units", "filters", "channels", "encoder_widths", "generator_widths")
DEPTHS = ("depth", "layers", "depths")
DROP_RATES = ("dropout", "stage_dropout", "block_dropout", "stochastic_depth")  # settings that drop while training


def settings_of(recipe: Recipe) -> dict[str, Any]:
    """Return the builder's settings, defaults included."""
    return {**registry.defaults(recipe.model.name), **recipe.model.config}


def narrowest(settings: Mapping[str, Any]) -> int | None:
    """Return the width of the narrowest layer that a setting names."""
    values = [settings.get(name) for name in WIDTHS]
    widths = [w for v in values for w in (v if isinstance(v, list | tuple) else [v]) if type(w) is int]
    return min(widths, default=None)
