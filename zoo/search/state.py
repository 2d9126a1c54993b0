"""The state of a search: which trials there are, what is tried next, and what the best is. Safe among threads."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Sequence
from pathlib import Path

from keras_tuner.engine.trial import TrialStatus
from rich.console import Console

from zoo.recipe import LoadedRecipe
from zoo.search.records import TrialRecord, describe
from zoo.search.resume import claim_folder, replay
from zoo.search.trials import SearchTrials
from zoo.utils.files import write_text

MAX_FAILURES_IN_A_ROW = 5  # after which a search stops


class SearchState:
    """The trials of a search, given to workers one by one.

    A search whose folder holds trials is resumed: trials that ended are kept, those under way are given to workers.

    Attributes:
        trials: all that is known of them.
        failed: why no more trials are given; None if they are.
        over: whether all trials have ended.

    Args:
        loaded: the recipe, with its search.
        source: how the recipe was named: shipped, or a file.
        overrides: what it was overridden with.
        folder: the search's.
        console: where it is said what was found.

    Raises:
        ZooError: the folder holds a search of something else.
    """

    def __init__(
        self, loaded: LoadedRecipe, source: str, overrides: Sequence[str], folder: Path, console: Console
    ) -> None:
        self.folder = folder
        self.trials = SearchTrials(loaded, source, overrides, folder)
        self.loaded, self.search, self.store = loaded, self.trials.search, self.trials.store
        self.objective, self.greater_is_better = self.trials.objective, self.trials.greater_is_better
        self.failed: str | None = None
        self.over = False
        self._lock = threading.RLock()
        claim_folder(folder, loaded, console)
        replay(self.trials, console)

    # === For workers ===

    def take(self, worker: str) -> TrialRecord | None:
        """Return the next trial for a worker; None if there is none now. `over` says whether there will be any."""
        with self._lock:
            if self.failed or self._is_spent():
                self.over = not self.trials.oracle.ongoing_trials
                return None
            status, record = self.trials.propose(worker)
            if record is None:
                self.over = status == TrialStatus.STOPPED and not self.trials.oracle.ongoing_trials
                return None
            record.worker = worker
            self.store.write(record)
            return record

    def put(self, number: int, message: str | None = None) -> TrialRecord | None:
        """Take in that a trial's runs have ended; what came of them is read from their folders.

        Args:
            number: the trial.
            message: why it failed, where its runs do not say.

        Returns:
            The trial; None if it had ended before, or its runs have not ended.
        """
        with self._lock:
            record = self.store.records[number]
            if record.status != "running":
                return None
            runs = self.trials.outcomes(number)
            outcomes = [o for o in runs if o is not None]
            failed = next((str(o["failed"]) for o in outcomes if "failed" in o), message)
            if failed is None and len(outcomes) < len(runs):
                return None
            record.ended = len(self.store.ended)
            record.status, record.message = ("finished", None) if failed is None else ("failed", failed)
            if failed is None:
                self.trials.enter(record, outcomes)
            self.store.write(record)
            self.trials.end(record)
            self._remove_old_checkpoints()
            self._check_failures()
            self.write_best()
            return record

    def give_back(self, number: int) -> None:
        """Let any worker resume a trial whose worker is gone."""
        with self._lock:
            self.trials.give_back(number)

    def update_over(self) -> None:
        """See whether the search is over, where no worker asks."""
        with self._lock:
            records = self.store.records
            spent = self.failed or self._is_spent() or len(records) >= self.search.max_trials
            self.over = self.over or bool(spent and all(r.status != "running" for r in records.values()))

    def _is_spent(self) -> bool:
        minutes = sum(r.seconds for r in self.store.ended) / 60
        return self.search.max_minutes is not None and minutes >= self.search.max_minutes

    def _check_failures(self) -> None:
        last = self.store.ended[-MAX_FAILURES_IN_A_ROW:]
        if len(last) == MAX_FAILURES_IN_A_ROW and all(r.status == "failed" for r in last):
            self.failed = (
                f"{MAX_FAILURES_IN_A_ROW} trials in a row have failed, the last with: {describe(last[-1].values)}\n"
                f"{last[-1].message}"
            )

    # === The best ===

    @property
    def best(self) -> TrialRecord | None:
        """The best trial so far."""
        return self.store.best(greater_is_better=self.greater_is_better)

    def write_best(self) -> Path | None:
        """Write the best trial as a recipe; return its file, None if there is no trial yet."""
        with self._lock:
            best = self.best
            if best is None:
                return None
            path = self.folder / "best.yaml"
            what = f"the best of {len(self.store.ended)} trials, "
            write_text(path, self.trials.recipe_text(best, path, what))
            return path

    # === Disk space ===

    def remove_checkpoints(self) -> None:
        """Remove the checkpoints of all runs but the best, at the end."""
        with self._lock:
            for path in self.folder.glob("trials/[0-9]*/seed-*/checkpoints"):
                if self.best is None or path.parents[1] != self.store.trial_folder(self.best.number):
                    shutil.rmtree(path, ignore_errors=True)

    def _remove_old_checkpoints(self) -> None:
        """Remove the checkpoints of runs that no trial will resume; those of the best stay."""
        best = self.best
        resumed = {r.parent for r in self.store.records.values() if r.status != "running"}
        for record in self.store.ended:
            may_be_resumed = record.epochs is not None and record.number not in resumed
            if may_be_resumed or record is best:
                continue
            for seed in self.trials.seeds:
                shutil.rmtree(self.store.run_folder(record.number, seed) / "checkpoints", ignore_errors=True)
