"""The state of a search: which trials there are, what is tried next, and what the best is. Safe among threads."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from zoo.errors import ZooError
from zoo.recipe import LoadedRecipe, load_recipe
from zoo.recipe.load import find_recipe
from zoo.recipe.source import dump
from zoo.recipe.space import changes, dimensions, greater_is_better, objective_of
from zoo.search.hyperparameters import decoded
from zoo.search.oracle import EPOCHS, PARENT, build_oracle
from zoo.search.records import Book, Record, describe, digest, outcome_of
from zoo.utils.files import read_json, write_json, write_text

MOST_FAILURES = 5  # in a row, after which a search stops
SEARCH = "search.json"
_LATER = ("max_trials", "max_minutes")  # what may be changed when a search goes on


class Board:
    """The trials of a search, told to workers one by one.

    A search whose folder holds trials goes on: trials that ended are kept, those under way are given to workers again.

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
        assert loaded.recipe.search is not None
        self.loaded, self.folder, self.search = loaded, folder, loaded.recipe.search
        self.objective, self.rises = objective_of(loaded.recipe), greater_is_better(loaded.recipe)
        self.dimensions = dimensions(loaded.recipe, loaded.tree())
        self._base = self._what_is_searched(source, overrides)
        self.book = Book(folder)
        self.oracle = build_oracle(loaded.recipe, self.dimensions)
        self.failed: str | None = None  # why no more trials are told
        self.over = False
        self._lock = threading.RLock()
        self._claim(console)
        self._recall(console)

    # === For workers ===

    def take(self, worker: str) -> Record | None:
        """Return the next trial for a worker; None if there is none now. `over` says whether there will be any."""
        with self._lock:
            if self.failed or self._spent():
                self.over = not self.oracle.ongoing_trials
                return None
            trial = self.oracle.create_trial(worker)
            if trial.status != "RUNNING":
                self.over = trial.status == "STOPPED" and not self.oracle.ongoing_trials
                return None
            record = self._record(trial, worker)
            record.worker = worker
            self.book.write(record)
            return record

    def put(self, number: int, message: str | None = None) -> Record | None:
        """Take in that a trial's runs have ended; what came of them is read from their folders.

        Args:
            number: the trial.
            message: why it failed, where its runs do not say.

        Returns:
            The trial; None if it had ended before, or its runs have not ended.
        """
        with self._lock:
            record = self.book.records[number]
            if record.status != "running":
                return None
            found = [outcome_of(self.book.run_folder(number, seed)) for seed in self.seeds]
            failed = next((o["failed"] for o in found if o is not None and "failed" in o), message)
            outcomes = [o for o in found if o is not None]
            if failed is None and len(outcomes) < len(found):
                return None
            record.ended = len(self.book.ended)
            record.status, record.message = ("finished", None) if failed is None else ("failed", failed)
            if failed is None:
                self._enter(record, outcomes)
            self.book.write(record)
            self.oracle.end(self._id(number), record.score, record.message)
            self._tidy()
            self._judge_failures()
            self.write_best()
            return record

    def give_back(self, number: int) -> None:
        """Let any worker go on with a trial whose worker is gone."""
        with self._lock:
            self.oracle.give_back(self._id(number))

    def look(self) -> None:
        """See whether the search is over, where no worker asks."""
        with self._lock:
            spent = self.failed or self._spent() or len(self.book.records) >= self.search.max_trials
            self.over = self.over or bool(spent and all(r.status != "running" for r in self.book.records.values()))

    @property
    def seeds(self) -> range:
        """The training seeds of each trial."""
        first = self.loaded.recipe.training.seed
        return range(first, first + self.search.seeds)

    # === What came of it ===

    @property
    def best(self) -> Record | None:
        """The best trial so far."""
        return self.book.best(greater_is_better=self.rises)

    def write_best(self) -> Path | None:
        """Write the best trial as a recipe; return its file, None if there is no trial yet."""
        with self._lock:
            best = self.best
            if best is None:
                return None
            path = self.folder / "best.yaml"
            write_text(path, self.recipe_text(best, path, f"the best of {len(self.book.ended)} trials, "))
            return path

    def recipe_text(self, record: Record, path: Path, what: str = "") -> str:
        """Return a trial as a recipe file: a small one, which extends the recipe that is searched."""
        part = self._part(record)
        lines = [f"# {self.loaded.name}: {what}trial {record.number}"]
        if record.figure is not None:
            seeds = f"seed {self.seeds[0]}" if len(self.seeds) == 1 else f"mean of seeds {[*self.seeds]}"
            lines.append(f"# {self.objective} {record.figure!r}, epoch {record.kept_epoch} ({seeds})")
        lines.append(f"#   zoo train {os.path.relpath(path)}")
        parent = self._base["source"]
        extends = os.path.relpath(parent, path.parent) if parent.endswith((".yaml", ".yml")) else parent
        return "\n".join(lines) + "\n" + dump({"extends": extends, **part})

    # === Inside ===

    def _part(self, record: Record) -> dict[str, Any]:
        plain = self.loaded.tree()
        part = changes(plain, {**self._base["overrides"], **record.values})
        stop = record.stopped_after or record.epochs
        if stop is not None and stop < self.loaded.recipe.training.epochs:
            part.setdefault("training", {})["stop_after"] = stop
        return part

    def _what_is_searched(self, source: str, overrides: Sequence[str]) -> dict[str, Any]:
        """Return the recipe's place, and the values that overrides gave it, typed."""
        path, _ = find_recipe(source)
        place = str(path.resolve()) if source.endswith((".yaml", ".yml")) else source
        plain, values = self.loaded.tree(), {}
        for key in (text.partition("=")[0].strip() for text in overrides):
            value: Any = plain
            for name in key.split("."):
                value = value.get(name) if isinstance(value, Mapping) else None
            if not key.startswith("search"):
                values[key] = value
        return {"source": place, "overrides": values}

    def _claim(self, console: Console) -> None:
        """Write what is searched, or compare it with what is there."""
        fixed = self.search.tuner == "hyperband"  # the sizes of its rounds follow from the number of trials
        space = {key: v for key, v in self.loaded.tree()["search"].items() if fixed or key not in _LATER}
        now = {"recipe": self.loaded.name, "search": space, "resolved": self.loaded.run_yaml()}
        now = json.loads(json.dumps(now))
        path = self.folder / SEARCH
        if path.is_file():
            try:
                before = read_json(path)
            except ZooError:
                console.print(f"  {path} is damaged: going on by the trials themselves", style="yellow", markup=False)
                before = now
            if before != now:
                other = next(key for key in ("recipe", "search", "resolved") if before.get(key) != now[key])
                what = {"recipe": "another recipe", "search": "another search", "resolved": "other settings"}[other]
                raise ZooError(
                    f"{self.folder} holds a search with {what}; go on with what it was begun with, or name another "
                    "--folder (max_trials and max_minutes may be raised, but for hyperband)"
                )
        write_json(path, now)

    def _recall(self, console: Console) -> None:
        """Tell the oracle of the trials that there are."""
        self.book.read()
        for path in self.book.damaged:
            console.print(f"  {path} is damaged: its runs are looked at again", style="yellow", markup=False)
        numbers = [int(p.name) for p in self.folder.glob("trials/[0-9]*") if p.name.isdigit()]
        known, queue = dict(self.book.records), self.book.ended
        lost = [n for n in range(max(numbers, default=-1) + 1) if n not in known]
        places = sorted(set(range(len(queue) + len(lost))) - {r.ended for r in queue})  # in the order of ends
        running = []
        for number in range(len(known) + len(lost)):
            record = known.get(number)
            after = record.began_after if record is not None else number
            while queue and (queue[0].ended or 0) < after and queue[0].number < number:
                self._recall_end(queue.pop(0))
            self.oracle.recalled = record.proposed if record is not None else None
            trial = self.oracle.create_trial(f"trial {number}")
            self.oracle.recalled = None
            if trial.status != "RUNNING":
                break
            if record is None:
                record = self._find_again(trial, places)
                if record.ended is not None:
                    queue = sorted([*queue, record], key=lambda r: r.ended or 0)
            if record.ended is None:
                running.append(record)
        for record in queue:
            self._recall_end(record)
        for record in running:
            self.give_back(record.number)
        if self.book.records:
            console.print(
                f"Going on: {len(self.book.ended)} of {self.search.max_trials} trials have ended"
                + (f", {len(running)} under way" if running else "")
            )

    def _find_again(self, trial: Any, places: list[int]) -> Record:
        """Return the record of a trial whose file is lost, with what its runs say of it."""
        record = self._record(trial, "")
        path = self.book.trial_folder(record.number) / "recipe.yaml"
        outcomes = []
        for seed in self.seeds:
            recipe = digest(load_recipe(path, [f"training.seed={seed}"]))
            outcomes.append(outcome_of(self.book.run_folder(record.number, seed), recipe))
        found = [o for o in outcomes if o is not None]
        if len(found) == len(outcomes) and not any("failed" in o for o in found):
            record.status, record.ended = "finished", places.pop(0)
            self._enter(record, found)
        self.book.write(record)
        return record

    def _recall_end(self, record: Record) -> None:
        self.oracle.end(self._id(record.number), record.score, record.message)

    def _record(self, trial: Any, worker: str) -> Record:
        """Return the record of a trial, which is made with the recipe if there is none."""
        number = int(trial.trial_id)
        if number in self.book.records:
            return self.book.records[number]
        proposed = dict(trial.hyperparameters.values)
        values = {} if number == 0 else decoded(self.dimensions, proposed)
        epochs = proposed.get(EPOCHS)
        parent = proposed.get(PARENT)
        record = Record(
            number,
            values,
            proposed,
            began_after=len(self.book.ended),
            worker=worker,
            epochs=epochs if epochs and epochs < self.loaded.recipe.training.epochs else None,
            parent=None if parent is None else int(parent),
        )
        path = self.book.trial_folder(number) / "recipe.yaml"
        write_text(path, self.recipe_text(record, path))
        return record

    def _enter(self, record: Record, outcomes: Sequence[Mapping[str, Any]]) -> None:
        first = outcomes[0]
        record.figures = [o["objective"] for o in outcomes]
        record.figure = statistics.fmean(record.figures) if len(outcomes) > 1 else first["objective"]
        record.curve, record.kept_epoch = first["curve"], first["kept_epoch"]
        parent = self.book.records[record.parent].seconds if record.parent is not None else 0.0  # its runs go on
        record.seconds = max(0.0, sum(o["seconds"] for o in outcomes) - parent)
        record.parameters = first["parameters"]
        record.stopped_after = first["stopped_after"]
        record.score = record.figure
        if self.search.cost is not None:
            record.cost = statistics.fmean(o["cost"] for o in outcomes)
            worth = self.search.cost.weight * record.cost
            record.score = record.figure - worth if self.rises else record.figure + worth
        path = self.book.trial_folder(record.number) / "recipe.yaml"
        write_text(path, self.recipe_text(record, path))

    def _judge_failures(self) -> None:
        last = self.book.ended[-MOST_FAILURES:]
        if len(last) == MOST_FAILURES and all(r.status == "failed" for r in last):
            self.failed = (
                f"{MOST_FAILURES} trials in a row have failed, the last with: {describe(last[-1].values)}\n"
                f"{last[-1].message}"
            )

    def tidy(self) -> None:
        """Remove the states of all runs but the best, at the end."""
        with self._lock:
            for path in self.folder.glob("trials/[0-9]*/seed-*/checkpoints"):
                if self.best is None or path.parents[1] != self.book.trial_folder(self.best.number):
                    shutil.rmtree(path, ignore_errors=True)

    def _tidy(self) -> None:
        """Remove the states of runs that nobody will go on from: that of the best stays."""
        best = self.best
        gone_on = {r.parent for r in self.book.records.values() if r.status != "running"}
        for record in self.book.ended:
            waits = record.epochs is not None and record.number not in gone_on
            if waits or record is best:
                continue
            for seed in self.seeds:
                shutil.rmtree(self.book.run_folder(record.number, seed) / "checkpoints", ignore_errors=True)

    def _spent(self) -> bool:
        minutes = sum(r.seconds for r in self.book.ended) / 60
        return self.search.max_minutes is not None and minutes >= self.search.max_minutes

    def _id(self, number: int) -> str:
        return next(trial_id for trial_id in self.oracle.trials if int(trial_id) == number)
