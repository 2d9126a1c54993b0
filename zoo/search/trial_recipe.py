"""A trial as a recipe file: a small one, which extends the recipe that is searched."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from zoo.recipe import LoadedRecipe
from zoo.recipe.find import find_recipe
from zoo.recipe.source import dotted, dump
from zoo.recipe.space import changes
from zoo.search.records import TrialRecord

_YAML = (".yaml", ".yml")


class TrialRecipes:
    """Write trials as recipes.

    Args:
        loaded: the recipe that is searched.
        source: how it was named: shipped, or a file.
        overrides: what it was overridden with.
    """

    def __init__(self, loaded: LoadedRecipe, source: str, overrides: Sequence[str]) -> None:
        path, _ = find_recipe(source)
        self._loaded = loaded
        self._parent = str(path.resolve()) if source.endswith(_YAML) else source
        self._overrides = _typed_overrides(loaded, overrides)

    def text(self, record: TrialRecord, path: Path, heading: Sequence[str]) -> str:
        """Return the recipe file of a trial.

        Args:
            record: the trial.
            path: where the file will lie.
            heading: comments before the recipe.
        """
        parent = os.path.relpath(self._parent, path.parent) if self._parent.endswith(_YAML) else self._parent
        lines = [*heading, f"  zoo train {os.path.relpath(path)}"]
        return "".join(f"# {line}\n" for line in lines) + dump({"extends": parent, **self._changes(record)})

    def _changes(self, record: TrialRecord) -> dict[str, Any]:
        part = changes(self._loaded.tree(), {**self._overrides, **record.values})
        stop = record.stopped_after or record.epochs
        if stop is not None and stop < self._loaded.recipe.training.epochs:
            part.setdefault("training", {})["stop_after"] = stop
        return part


def _typed_overrides(loaded: LoadedRecipe, overrides: Sequence[str]) -> dict[str, Any]:
    """Return the values that overrides gave to the recipe, its search left out, as the schema typed them.

    Among them are those that follow from an override of the run's length.
    """
    tree, values = loaded.tree(), {}
    for key in (*(text.partition("=")[0].strip() for text in overrides), *map(dotted, loaded.shortened)):
        value: Any = tree
        for name in key.split("."):
            value = value.get(name) if isinstance(value, Mapping) else None
        if not key.startswith("search"):
            values[key] = value
    return values
