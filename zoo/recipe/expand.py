"""Steps of `preprocess:` that stand for others: those that pretrained weights expect."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from zoo.errors import ZooError
from zoo.recipe.source import KeyPath, Origin, dump_line, nearest_origin

if TYPE_CHECKING:
    from zoo.recipe.schema import Recipe

_STEPS = "zoo.pretrained.recipe_steps"  # by name: what weights expect is a matter of the builders, above this room


def expand(recipe: Recipe, tree: dict[str, Any], origins: dict[KeyPath, Origin]) -> str | None:
    """Put the steps that the recipe's pretrained weights expect in the place of `pretrained: {}`.

    Args:
        recipe: of the tree, checked for its types.
        tree: what the recipe says, which is changed.
        origins: where its values were written, which is changed.

    Returns:
        A sentence on what was put there; None where there is no such step.

    Raises:
        ZooError: the recipe names no weights, or what they expect is not known or is another kind of input.
    """
    places = [i for i, step in enumerate(recipe.preprocess) if step.pretrained is not None]
    if not places:
        return None
    first = places[0]
    at: KeyPath = ("preprocess", first, "pretrained")
    place = nearest_origin(origins, at)
    source = recipe.model.pretrained or ""
    try:
        if len(places) > 1:
            raise ZooError("may stand only once")
        if not source:
            raise ZooError("is for the weights in model.pretrained, which the recipe does not name")
        settings = recipe.preprocess[first].pretrained
        assert settings is not None
        steps = importlib.import_module(_STEPS).expected_steps(recipe, settings.size)
    except ZooError as error:
        raise ZooError(f"{place}: preprocess.{first}.pretrained: {error}") from error
    more = len(steps) - 1
    tree["preprocess"][first : first + 1] = steps
    _move(origins, first, more)
    if place is not None:
        origins |= {("preprocess", i): place for i in range(first, first + more + 1)}
    return f"{place}: preprocess.{first}.pretrained: {source} expects {dump_line(steps)}"


def _move(origins: dict[KeyPath, Origin], first: int, more: int) -> None:
    """Leave out the origins within one step, and count those of later steps on."""
    steps = {path: origin for path, origin in origins.items() if path[:1] == ("preprocess",) and len(path) > 1}
    for path in steps:
        del origins[path]
    for (name, position, *inner), origin in steps.items():
        if isinstance(position, int) and position != first:
            origins[(name, position + more if position > first else position, *inner)] = origin
