"""One run of a trial as a job for a process, and the outcome that it leaves in its run folder."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.errors import ZooError
from zoo.recipe import LoadedRecipe, load_recipe
from zoo.recipe.search import Search
from zoo.recipe.space import greater_is_better, objective_of
from zoo.search.records import TrialRecord, TrialStore
from zoo.utils.files import read_json

OUTCOME, LOG, ERROR = "outcome.json", "log.txt", "error.txt"  # in a run folder


@dataclass(frozen=True, kw_only=True)
class TrialJob:
    """What a run of a trial has to do.

    Attributes:
        recipe: the trial's recipe file.
        name: the recipe's name, as runs have it.
        search: the search; overrides of the command line are not in the trial's own recipe.
        objective: the metric that the search looks at.
        greater_is_better: its direction.
        folder: the run folder.
        seed: the training seed.
        parent_run: run folder of the same training for fewer epochs, to resume; None where there is none.
        finished_curves: the objective of finished trials by epoch, for median stopping.
    """

    recipe: Path
    name: str
    search: Search
    objective: str
    greater_is_better: bool
    folder: Path
    seed: int
    parent_run: Path | None = None
    finished_curves: tuple[tuple[float, ...], ...] = ()

    def load(self, *overrides: str) -> LoadedRecipe:
        """Return the recipe of the run."""
        loaded = load_recipe(self.recipe, [f"training.seed={self.seed}", *overrides])
        return LoadedRecipe(self.name, loaded.recipe, loaded.origins)


def trial_job(store: TrialStore, record: TrialRecord, loaded: LoadedRecipe, seed: int) -> TrialJob:
    """Return the job of a trial's run with a seed."""
    assert loaded.recipe.search is not None
    curves = [r.curve for r in store.finished if r.number != record.number]
    return TrialJob(
        recipe=store.recipe_file(record.number),
        name=loaded.name,
        search=loaded.recipe.search,
        objective=objective_of(loaded.recipe),
        greater_is_better=greater_is_better(loaded.recipe),
        folder=store.run_folder(record.number, seed),
        seed=seed,
        parent_run=None if record.parent is None else store.run_folder(record.parent, seed),
        finished_curves=tuple(tuple(v for v in curve if v is not None) for curve in curves),
    )


def outcome_of(folder: Path, recipe: str | None = None) -> dict[str, Any] | None:
    """Return what came of a run; None where it has not ended, or the file is damaged or of another recipe.

    Args:
        folder: the run folder.
        recipe: what `digest` gives for the recipe that it must be of; any if left out.
    """
    try:
        found = read_json(folder / OUTCOME)
    except ZooError:
        return None
    if not isinstance(found, dict) or not ("failed" in found or "objective" in found):
        return None
    return found if recipe is None or found.get("recipe") == recipe else None


def digest(loaded: LoadedRecipe) -> str:
    """Return what tells a run's recipe from others."""
    return hashlib.sha256(loaded.run_yaml().encode()).hexdigest()
