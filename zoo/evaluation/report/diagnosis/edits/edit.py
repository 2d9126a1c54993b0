"""An edit of a recipe, and what it is made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, get_args

from zoo.evaluation.report.diagnosis.network import settings_of
from zoo.recipe.overrides import override_lines
from zoo.recipe.task import task_of
from zoo.tasks import Task

if TYPE_CHECKING:
    from zoo.evaluation.report.diagnosis.situation import Situation
    from zoo.recipe import Recipe

Lever = Literal["data", "preprocessing", "loss", "optimization", "architecture"]
LEVERS: tuple[Lever, ...] = get_args(Lever)  # in the order of leverage


@dataclass(frozen=True, kw_only=True)
class Edit:
    """Overrides that belong together.

    Attributes:
        lever: what kind of change it is.
        overrides: `key.path=value`.
        reason: why, a sentence.
    """

    lever: Lever
    overrides: tuple[str, ...]
    reason: str

    def to_json(self) -> dict[str, Any]:
        """Return the edit as it stands in `report.json`."""
        return {"overrides": list(self.overrides), "reason": self.reason, "lever": self.lever}


def edit(lever: Lever, changes: Mapping[str, Any], reason: str) -> Edit:
    """Return an edit that sets keys to values."""
    return Edit(lever=lever, overrides=tuple(override_lines(changes)), reason=reason)


@dataclass(frozen=True, kw_only=True)
class Context:
    """What edits are made from.

    Attributes:
        situation: the run.
        recipe: its recipe.
        tree: the recipe as plain data.
        causes: those of the signs that were seen.
    """

    situation: Situation
    recipe: Recipe
    tree: Mapping[str, Any]
    causes: frozenset[str]

    @property
    def task(self) -> Task:
        """The recipe's task."""
        return task_of(self.recipe)

    @cached_property
    def settings(self) -> dict[str, Any]:
        """The builder's settings, defaults included."""
        return settings_of(self.recipe)
