"""What is known of each trial, a folder a trial: `trial.json`, `recipe.yaml` and the runs.

These files are all that is needed to resume a search.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from math import inf
from pathlib import Path
from typing import Any, Literal

from zoo.errors import ZooError
from zoo.utils.files import read_json, write_json

Status = Literal["running", "finished", "failed"]
# The names of these fields in trial.json and report.json.
_JSON_NAMES = {"objective_value": "figure", "objective_values": "figures"}
_FIELD_NAMES = {name: field for field, name in _JSON_NAMES.items()}


@dataclass(kw_only=True)
class TrialRecord:
    """A trial.

    Attributes:
        number: from 0, the recipe's own values.
        values: by dotted key, as a recipe has them.
        proposed: the same as keras-tuner has them.
        status: how far it is.
        began_after: number of trials that had ended when it began.
        ended: its place in the order in which trials ended, from 0.
        worker: who runs it.
        epochs: epochs that it is trained for at most, where that is not what the recipe says.
        parent: number of the trial whose training it resumes.
        objective_value: the objective on validation, the mean over its seeds.
        objective_values: the objective with each seed.
        loss: the validation loss of the same epochs, which decides between equal scores.
        score: what the tuner sees: `objective_value`, less what the cost is worth.
        cost: what the model costs, where the search asks for it.
        kept_epoch: the epoch whose value it is, with the first seed.
        stopped_after: epochs after which median stopping ended it.
        seconds: of training.
        parameters: number of trainable parameters.
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
    objective_value: float | None = None
    objective_values: list[float] = field(default_factory=list)
    loss: float | None = None
    score: float | None = None
    cost: float | None = None
    kept_epoch: int | None = None
    stopped_after: int | None = None
    seconds: float = 0.0
    parameters: int | None = None
    curve: list[float | None] = field(default_factory=list)
    message: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it as `trial.json` and `report.json` have it."""
        return {_JSON_NAMES.get(key, key): value for key, value in asdict(self).items()}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> TrialRecord:
        """Return the trial of a document that `to_json` made.

        Raises:
            TypeError: a field is missing or unknown.
        """
        return cls(**{_FIELD_NAMES.get(key, key): value for key, value in document.items()})

    def value_of(self, key: str) -> Any:
        """Return the value of a key of the space; None where the trial has none.

        The recipe's own values are those that its trial was proposed with.
        """
        return self.values.get(key, self.proposed.get(key))


class TrialStore:
    """The trials of a search, in a folder.

    Args:
        folder: the search's.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.records: dict[int, TrialRecord] = {}
        self.damaged: list[Path] = []

    def trial_folder(self, number: int) -> Path:
        """Return the folder of a trial."""
        return self.folder / "trials" / f"{number:04}"

    def recipe_file(self, number: int) -> Path:
        """Return the recipe of a trial."""
        return self.trial_folder(number) / "recipe.yaml"

    def run_folder(self, number: int, seed: int) -> Path:
        """Return the run folder of a trial with a seed."""
        return self.trial_folder(number) / f"seed-{seed}"

    def read(self) -> None:
        """Read all trials; those whose file is damaged are named in `damaged`, and are run (or found run) again."""
        self.records, self.damaged = {}, []
        for path in sorted(self.folder.glob("trials/[0-9]*/trial.json")):
            try:
                record = TrialRecord.from_json(read_json(path))
            except (ZooError, TypeError, AttributeError):  # AttributeError: it is JSON, but no object
                self.damaged.append(path)
                continue
            self.records[record.number] = record

    def write(self, record: TrialRecord) -> None:
        """Keep a trial."""
        self.records[record.number] = record
        write_json(self.trial_folder(record.number) / "trial.json", record.to_json())

    @property
    def ended(self) -> list[TrialRecord]:
        """The trials that have ended, in that order."""
        return sorted((r for r in self.records.values() if r.ended is not None), key=lambda r: r.ended or 0)

    @property
    def finished(self) -> list[TrialRecord]:
        """The trials that have a score, by number."""
        return [r for _, r in sorted(self.records.items()) if r.status == "finished" and r.score is not None]

    def best(self, *, greater_is_better: bool) -> TrialRecord | None:
        """Return the first of `ranked`."""
        return next(iter(ranked(self.finished, greater_is_better=greater_is_better)), None)


def ranked(records: Iterable[TrialRecord], *, greater_is_better: bool) -> list[TrialRecord]:
    """Return trials by their score, the best first; of equal ones that with the lowest loss, of those the earliest."""
    sign = -1 if greater_is_better else 1
    return sorted(records, key=lambda r: (sign * (r.score or 0.0), inf if r.loss is None else r.loss, r.number))


def pareto_front(
    records: Iterable[TrialRecord], costs: Mapping[int, float | None], *, greater_is_better: bool
) -> list[TrialRecord]:
    """Return the trials that no other beats in objective and cost at once, the cheapest first.

    Args:
        records: the trials; those without a value or a cost are left out.
        costs: by the number of a trial.
        greater_is_better: the direction of the objective.
    """
    sign = -1 if greater_is_better else 1
    known = [
        (cost, sign * r.objective_value, r.number, r)
        for r in records
        if r.objective_value is not None and (cost := costs.get(r.number)) is not None
    ]
    front: list[TrialRecord] = []
    lowest = float("inf")
    for _, loss, _, record in sorted(known, key=lambda entry: entry[:3]):
        if loss < lowest:
            front.append(record)
            lowest = loss
    return front


def describe(values: Mapping[str, Any]) -> str:
    """Return a trial's values on one line, each with as much of its key as tells it from the others."""
    if not values:
        return "the recipe's own values"
    names = {key: [part for part in key.split(".") if not part.isdigit()] for key in values}
    last = [parts[-1] for parts in names.values()]
    short = {key: parts[-1] if last.count(parts[-1]) == 1 else ".".join(parts[-2:]) for key, parts in names.items()}
    return ", ".join(f"{short[key]} {value}" for key, value in values.items())
