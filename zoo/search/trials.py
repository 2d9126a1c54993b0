"""The trials of a search: proposed by the oracle, kept in the folder. Both always know the same of them."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from keras_tuner.engine.trial import Trial, TrialStatus

from zoo.recipe import LoadedRecipe
from zoo.recipe.space import dimensions, greater_is_better, objective_of
from zoo.search.hyperparameters import decoded
from zoo.search.oracle import EPOCHS, PARENT, build_oracle
from zoo.search.records import TrialRecord, TrialStore
from zoo.search.trial_job import outcome_of
from zoo.search.trial_recipe import TrialRecipes
from zoo.utils.files import write_text


class SearchTrials:
    """The trials of a search, not safe among threads.

    Args:
        loaded: the recipe, with its search.
        source: how the recipe was named: shipped, or a file.
        overrides: what it was overridden with.
        folder: the search's.
    """

    def __init__(self, loaded: LoadedRecipe, source: str, overrides: Sequence[str], folder: Path) -> None:
        assert loaded.recipe.search is not None
        self.loaded, self.search = loaded, loaded.recipe.search
        self.objective, self.greater_is_better = objective_of(loaded.recipe), greater_is_better(loaded.recipe)
        self.dimensions = dimensions(loaded.recipe, loaded.tree())
        self.store = TrialStore(folder)
        self.oracle = build_oracle(loaded.recipe, self.dimensions)
        self._recipes = TrialRecipes(loaded, source, overrides)

    @property
    def seeds(self) -> range:
        """The training seeds of each trial."""
        first = self.loaded.recipe.training.seed
        return range(first, first + self.search.seeds)

    def propose(self, worker: str) -> tuple[str, TrialRecord | None]:
        """Return keras-tuner's status (RUNNING, IDLE, STOPPED), and the next trial for a worker if it is RUNNING."""
        trial = self.oracle.create_trial(worker)
        return trial.status, self._record(trial, worker) if trial.status == TrialStatus.RUNNING else None

    def replay(self, number: int, record: TrialRecord | None) -> TrialRecord | None:
        """Have the oracle propose a trial of an earlier process again; None where it has none to propose.

        Args:
            number: of the trial.
            record: what is known of it; its values are proposed anew where nothing is.
        """
        self.oracle.known_values = record.proposed if record is not None else None
        try:
            return self.propose(f"trial {number}")[1]
        finally:
            self.oracle.known_values = None

    def outcomes(self, number: int) -> list[dict[str, Any] | None]:
        """Return what came of a trial's runs, by seed; None for those that have not ended."""
        return [outcome_of(self.store.run_folder(number, seed)) for seed in self.seeds]

    def enter(self, record: TrialRecord, outcomes: Sequence[Mapping[str, Any]]) -> None:
        """Enter what came of a trial's runs, and write its recipe with it."""
        first = outcomes[0]
        record.objective_values = [o["objective"] for o in outcomes]
        record.objective_value = statistics.fmean(record.objective_values) if len(outcomes) > 1 else first["objective"]
        losses = [o["figures"]["val_loss"] for o in outcomes if "val_loss" in o.get("figures", ())]
        record.loss = statistics.fmean(losses) if len(losses) == len(outcomes) else None
        record.curve, record.kept_epoch = first["curve"], first["kept_epoch"]
        # A resumed run counts the seconds of its parent, too.
        before = self.store.records[record.parent].seconds if record.parent is not None else 0.0
        record.seconds = max(0.0, sum(o["seconds"] for o in outcomes) - before)
        record.parameters = first["parameters"]
        record.stopped_after = first["stopped_after"]
        record.score = record.objective_value
        if self.search.cost is not None:
            record.cost = statistics.fmean(o["cost"] for o in outcomes)
            worth = self.search.cost.weight * record.cost
            record.score = record.objective_value + (-worth if self.greater_is_better else worth)
        self._write_recipe(record)

    def end(self, record: TrialRecord) -> None:
        """Tell the oracle how a trial ended."""
        self.oracle.end(self._id(record.number), record.score, record.message)

    def give_back(self, number: int) -> None:
        """Let any worker resume a trial whose worker is gone."""
        self.oracle.give_back(self._id(number))

    def recipe_text(self, record: TrialRecord, path: Path, what: str = "") -> str:
        """Return a trial as a recipe file, with what it reached in comments."""
        heading = [f"{self.loaded.name}: {what}trial {record.number}"]
        if record.objective_value is not None:
            seeds = f"seed {self.seeds[0]}" if len(self.seeds) == 1 else f"mean of seeds {[*self.seeds]}"
            heading.append(f"{self.objective} {record.objective_value!r}, epoch {record.kept_epoch} ({seeds})")
        return self._recipes.text(record, path, heading)

    def _record(self, trial: Trial, worker: str) -> TrialRecord:
        """Return the record of a trial, which is made with the recipe if there is none."""
        number = int(trial.trial_id)
        if number in self.store.records:
            return self.store.records[number]
        proposed = dict(trial.hyperparameters.values)
        epochs, parent = proposed.get(EPOCHS), proposed.get(PARENT)
        record = TrialRecord(
            number=number,
            values={} if number == 0 else decoded(self.dimensions, proposed),
            proposed=proposed,
            began_after=len(self.store.ended),
            worker=worker,
            epochs=epochs if epochs and epochs < self.loaded.recipe.training.epochs else None,
            parent=None if parent is None else int(parent),
        )
        self._write_recipe(record)
        return record

    def _write_recipe(self, record: TrialRecord) -> None:
        path = self.store.recipe_file(record.number)
        write_text(path, self.recipe_text(record, path))

    def _id(self, number: int) -> str:
        return next(trial_id for trial_id in self.oracle.trials if int(trial_id) == number)
