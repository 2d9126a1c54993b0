"""What is known about published weights, by builder."""

from __future__ import annotations

import importlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import zoo.models.weights
from zoo.pretrained.keras_networks import NETWORKS

if TYPE_CHECKING:
    from zoo.models.weights.naming import Naming, Published

_FOLDER = Path(zoo.models.weights.__path__[0])
_TABLES = [path.stem for path in sorted(_FOLDER.glob("*.py")) if path.stem not in ("__init__", "naming")]


@cache
def _tables() -> dict[str, tuple[tuple[Naming, ...], tuple[Published, ...]]]:
    """Return names and published weights of each builder, from the files of `zoo.models.weights`."""
    found: dict[str, tuple[tuple[Naming, ...], tuple[Published, ...]]] = {}
    for table in _TABLES:
        module = importlib.import_module(f"zoo.models.weights.{table}")
        found |= {name: (module.NAMINGS, module.PUBLISHED.get(name, ())) for name in module.BUILDERS}
    return found


def namings_of(builder: str) -> tuple[Naming, ...]:
    """Return the names that libraries give the tensors of a builder; none where there is no map."""
    return _tables().get(builder, ((), ()))[0]


def published_of(builder: str) -> tuple[Published, ...]:
    """Return the published weights that are known for a builder."""
    return (*_tables().get(builder, ((), ()))[1], *NETWORKS.get(builder, ()))


def known_weights(builder: str, source: str) -> Published | None:
    """Return what is known about a source of weights; None where it is not in the list."""
    return next((each for each in published_of(builder) if each.source == source), None)


def mapped_builders() -> list[str]:
    """Return the builders whose tensors have a map, sorted."""
    return sorted(_tables().keys() | NETWORKS.keys())


def labels_of(name: str) -> tuple[str, ...]:
    """Return the classes of a list that is shipped, such as "imagenet"."""
    return tuple((_FOLDER / f"{name}_labels.txt").read_text("utf-8").splitlines())
