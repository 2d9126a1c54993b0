"""What is known of each trial, one folder a trial: `trial.json`, `recipe.yaml`, and the runs.

The recipe of a trial is a small file that extends the recipe that is searched. Nothing but these files is needed to go
on with a search.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from zoo.errors import ZooError
from zoo.recipe import LoadedRecipe
from zoo.recipe.search import Search
from zoo.recipe.space import greater_is_better, objective_of
from zoo.utils.files import read_json, write_json

OUTCOME = "outcome.json"  # of a run
Status = Literal["running", "finished", "failed"]


@dataclass
class Record:
    """A trial.

    Attributes:
        number: from 0, the recipe's own values.
        values: by dotted key, as a recipe has them.
        proposed: the same as keras-tuner has them.
        status: how far it is.
        began_after: trials that had ended when it began.
        ended: its place in the order in which trials ended, from 0.
        worker: who runs it.
        epochs: epochs that it is trained for at most, where that is not what the recipe says.
        parent: number of the trial whose training it goes on with.
        figure: the objective, the mean over its seeds.
        figures: the objective with each seed.
        score: what the tuner sees: the figure, less what the cost is worth.
        cost: what the model costs, where the search asks for it.
        kept_epoch: the epoch whose figure it is, with the first seed.
        stopped_after: epochs after which it was stopped as hopeless.
        seconds: of training.
        parameters: numbers that the model learns.
        curve: the objective by epoch, with the first seed.
        message: why it failed.
    """

    number: int
    values: dict[str, Any]
    proposed: dict[str, Any]
    status: Status = "running"
    began_after: int = 0
    ended: int | None = None
    worker: str = ""
    epochs: int | None = None
    parent: int | None = None
    figure: float | None = None
    figures: list[float] = field(default_factory=list)
    score: float | None = None
    cost: float | None = None
    kept_epoch: int | None = None
    stopped_after: int | None = None
    seconds: float = 0.0
    parameters: int | None = None
    curve: list[float | None] = field(default_factory=list)
    message: str | None = None


class Book:
    """The trials of a search, in a folder.

    Args:
        folder: the search's.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.records: dict[int, Record] = {}
        self.damaged: list[Path] = []

    def trial_folder(self, number: int) -> Path:
        """Return the folder of a trial."""
        return self.folder / "trials" / f"{number:04}"

    def run_folder(self, number: int, seed: int) -> Path:
        """Return the run folder of a trial with a seed."""
        return self.trial_folder(number) / f"seed-{seed}"

    def read(self) -> None:
        """Read all trials; those whose file is damaged are named in `damaged`, and are run (or found run) again."""
        self.records, self.damaged = {}, []
        for path in sorted(self.folder.glob("trials/[0-9]*/trial.json")):
            try:
                record = Record(**read_json(path))
            except (ZooError, TypeError):
                self.damaged.append(path)
                continue
            self.records[record.number] = record

    def write(self, record: Record) -> None:
        """Keep a trial."""
        self.records[record.number] = record
        write_json(self.trial_folder(record.number) / "trial.json", asdict(record))

    @property
    def ended(self) -> list[Record]:
        """The trials that have ended, in that order."""
        return sorted((r for r in self.records.values() if r.ended is not None), key=lambda r: r.ended or 0)

    @property
    def finished(self) -> list[Record]:
        """The trials that have a score, by number."""
        return [r for _, r in sorted(self.records.items()) if r.status == "finished" and r.score is not None]

    def best(self, *, greater_is_better: bool) -> Record | None:
        """Return the trial with the best score, of several the earliest."""
        sign = -1 if greater_is_better else 1
        return min(self.finished, key=lambda r: (sign * (r.score or 0.0), r.number), default=None)


@dataclass(frozen=True)
class Order:
    """What a run of a trial is to do.

    Attributes:
        recipe: the trial's recipe file.
        name: the recipe's name, as runs have it.
        search: how the trial is judged; the trial's own recipe does not know what the command line said of it.
        objective: the figure that is looked at.
        greater_is_better: its direction.
        folder: the run folder.
        seed: the training seed.
        before: run folder of the same training for fewer epochs, to go on from; None where there is none.
        rivals: the objective of finished trials by epoch, for telling that this one will not win.
    """

    recipe: Path
    name: str
    search: Search
    objective: str
    greater_is_better: bool
    folder: Path
    seed: int
    before: Path | None = None
    rivals: tuple[tuple[float, ...], ...] = ()


def order(book: Book, record: Record, loaded: LoadedRecipe, seed: int) -> Order:
    """Return what a trial's run with a seed is to do."""
    assert loaded.recipe.search is not None
    curves = [r.curve for r in book.finished if r.number != record.number]
    return Order(
        book.trial_folder(record.number) / "recipe.yaml",
        loaded.name,
        loaded.recipe.search,
        objective_of(loaded.recipe),
        greater_is_better(loaded.recipe),
        book.run_folder(record.number, seed),
        seed,
        None if record.parent is None else book.run_folder(record.parent, seed),
        tuple(tuple(v for v in curve if v is not None) for curve in curves),
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


def pareto(records: list[Record], *, greater_is_better: bool) -> list[Record]:
    """Return the trials that no other beats in figure and cost at once, the cheapest first."""
    known = [r for r in records if r.figure is not None and r.cost is not None]
    sign = -1 if greater_is_better else 1
    front: list[Record] = []
    for record in sorted(known, key=lambda r: (r.cost, sign * (r.figure or 0.0), r.number)):
        if not front or sign * (record.figure or 0.0) < sign * (front[-1].figure or 0.0):
            front.append(record)
    return front


def describe(values: Mapping[str, Any]) -> str:
    """Return a trial's values on one line, each with as much of its key as tells it from the others."""
    if not values:
        return "the recipe's own values"
    names = {key: [part for part in key.split(".") if not part.isdigit()] for key in values}
    last = [parts[-1] for parts in names.values()]
    short = {key: parts[-1] if last.count(parts[-1]) == 1 else ".".join(parts[-2:]) for key, parts in names.items()}
    return ", ".join(f"{short[key]} {value}" for key, value in values.items())
