"""`zoo improve`: the edits that a run's diagnosis proposes, tried in their order; validation says what is kept."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from zoo.backend.startup import start_keras
from zoo.commands.trial_runs import (
    Validated,
    bootstrapped,
    check_comparable,
    drawn_figures,
    train_trial,
    trial_recipe,
    validate,
)
from zoo.errors import ZooError
from zoo.recipe import LoadedRecipe
from zoo.training.run import open_run
from zoo.training.run_files import Edit, read_edits
from zoo.utils.files import write_json
from zoo.utils.notebook import default_console

if TYPE_CHECKING:
    from zoo.data.memory.given import MemoryData
    from zoo.utils.stopping import StopRequests

FOLDER, FILE = "improve", "improve.json"
DEFAULT_MINUTES, DEFAULT_TRIALS = 30.0, 8


def improve(
    run: str | os.PathLike[str],
    *,
    minutes: float = DEFAULT_MINUTES,
    trials: int = DEFAULT_TRIALS,
    console: Console | None = None,
    stop: StopRequests | None = None,
) -> dict[str, Any]:
    """Try the edits that a run's diagnosis proposes, in their order, each on top of those that were kept.

    An edit is kept where validation calls the model better than the best before it, by a paired 95% interval (and
    McNemar's test, for accuracies), or calls a classifier no worse and its log loss lower, by such an interval; the
    test split is not asked. One that changes which examples are in validation
    cannot be compared, and is kept where it is an edit of the data. When the run's own edits are through, those that
    the best run's diagnosis proposes follow. Each trial is a run of its own, `RUN/improve/1` and so on: a second call
    continues where an earlier one was stopped.

    Args:
        run: a run folder, or a `zoo.Run`.
        minutes: after which no trial begins; one that would take longer than what is left is passed over.
        trials: how many are trained at most.
        console: where progress is shown; the cell, in a notebook, and nowhere in other programs, where it is left out.
        stop: what signals ask for.

    Returns:
        What `RUN/improve/improve.json` holds: `run`, `metric`, `greater_is_better`, `validation` of the run itself;
        `tried`, a list with `number`, `overrides`, `reason`, `lever` where known, `validation`, `difference` (positive
        is better), `interval`, `kept`, `note`, `seconds` and `run`; `best` with `run`, `overrides`, `validation` and
        `test`; `test` of the run itself; `left`, the edits that were not tried; and `ended`, why.

    Raises:
        ZooError: no such run, one without a report, or a task whose figure is not computed on validation.
    """
    opened = open_run(run)
    task = opened.recipe().recipe.task
    check_comparable(task)
    start_keras(opened.recipe().recipe.training.processors)
    search = _Improvement(
        folder=opened.folder,
        loaded=opened.recipe(),
        memory=getattr(run, "memory", None),
        console=console or default_console(),
        stop=stop,
        until=time.monotonic() + 60 * minutes,
        trials=trials,
    )
    return search.go()


@dataclass(kw_only=True)
class _Improvement:
    """One call: the best run so far, and what is still to be tried."""

    folder: Path
    loaded: LoadedRecipe
    memory: MemoryData | None
    console: Console
    stop: StopRequests | None
    until: float
    trials: int
    tried: list[dict[str, Any]] = field(default_factory=list)
    ended: str = ""

    def go(self) -> dict[str, Any]:
        self.base = self.best = validate(self.folder, self.memory)
        if self.best.report["metrics"].get("validation") is None:
            raise ZooError(f"{self.folder}: its report has no figures of a validation split, which has to choose")
        self.best_folder, self.kept = self.folder, list[str]()
        self.queue = read_edits(self.folder)
        seen = {tuple(edit.overrides) for edit in self.queue}
        while not self._is_over():
            if not self.queue:
                self.queue = [edit for edit in read_edits(self.best_folder) if tuple(edit.overrides) not in seen]
                seen |= {tuple(edit.overrides) for edit in self.queue}
                if not self.queue:
                    self.ended = "no edit is left"
                    break
            self._try(self.queue.pop(0))
            self._write()
        return self._write()

    def _is_over(self) -> bool:
        if len(self.tried) >= self.trials:
            self.ended = f"{self.trials} trials are through"
        elif time.monotonic() >= self.until:
            self.ended = "the time is up"
        return bool(self.ended)

    def _try(self, edit: Edit) -> None:
        number = len(self.tried) + 1
        row: dict[str, Any] = {"number": number, "overrides": list(edit.overrides), "reason": edit.reason}
        row |= {"validation": None, "difference": None, "interval": None, "kept": False, "note": "", "seconds": 0.0}
        self.tried.append(row)
        if all(text.startswith("evaluation.") for text in edit.overrides):
            row["note"] = "changes no model"
            return
        folder = self.folder / FOLDER / str(number)
        started = time.monotonic()
        try:
            recipe = trial_recipe(self.loaded, [*self.kept, *edit.overrides])
            if not (folder / "report.json").is_file() and started + self._expected(recipe) > self.until:
                row["note"] = "would take longer than the time that is left"
                return
            self.console.print(f"Trial {number}: {edit}", markup=False)
            row["run"] = str(folder)
            train_trial(recipe, folder, memory=self.memory, console=self.console, stop=self.stop)
            found = validate(folder, self.memory)
        except ZooError as error:
            row["note"] = str(error)
            return
        finally:
            row["seconds"] = time.monotonic() - started
        self._judge(row, found, edit)
        if row["kept"]:
            self.best, self.best_folder = found, folder
            self.kept += edit.overrides
        self.console.print(f"  {_line(row, self._metric)}", markup=False)

    def _judge(self, row: dict[str, Any], found: Validated, edit: Edit) -> None:
        """Say whether a trial is better than the best before it."""
        from zoo.evaluation.metrics.comparison import compare

        row["validation"] = found.figure
        if not found.has_same_examples(self.best):
            row["kept"] = any(text.startswith("data.") for text in edit.overrides)
            row["note"] = "other validation examples: not compared" + ", and kept as the data's edit" * row["kept"]
            return
        if self.best.figure is None:
            row["kept"] = found.figure is not None
            return
        compared = compare(
            found.task, found.targets, found.output, self.best.output, name="the best before", labels=found.labels
        )
        row |= {"difference": compared["difference"], "interval": compared["interval"]}
        row["kept"] = compared["relation"] == "better"
        gain = _gain_in_log_loss(found, self.best) if (compared["difference"] or 0) >= 0 and not row["kept"] else None
        if gain is not None and gain[0] > 0:
            row |= {"kept": True, "note": f"log loss lower by {gain[0]:.3g} to {gain[1]:.3g} (95% interval)"}

    def _expected(self, recipe: LoadedRecipe) -> float:
        """Return how many seconds a trial takes, by those of the run and the epochs of both."""
        report = self.base.report
        epochs = recipe.recipe.training.epochs / self.loaded.recipe.training.epochs
        return float(report["seconds"] or 0.0) * epochs

    @property
    def _metric(self) -> str:
        return self.base.task.primary

    def _write(self) -> dict[str, Any]:
        from zoo.evaluation.report.build import jsonable

        metric = self._metric
        found = {
            "run": str(self.folder),
            "metric": metric,
            "greater_is_better": self.base.task.greater_is_better,
            "validation": self.base.figure,
            "test": self.base.report["metrics"]["test"][metric],
            "tried": self.tried,
            "best": {
                "run": str(self.best_folder),
                "overrides": self.kept,
                "validation": self.best.figure,
                "test": self.best.report["metrics"]["test"][metric],
            },
            "left": [{"overrides": edit.overrides, "reason": edit.reason} for edit in self.queue],
            "ended": self.ended or "stopped",
        }
        (self.folder / FOLDER).mkdir(exist_ok=True)
        plain: dict[str, Any] = jsonable(found)
        write_json(self.folder / FOLDER / FILE, plain)
        return plain


def _gain_in_log_loss(found: Validated, best: Validated) -> list[float] | None:
    """Return the paired 95% interval of how far the log loss fell; None where the outputs are no probabilities.

    It tells two classifiers apart on fewer examples than their accuracies do.
    """
    from zoo.evaluation.metrics.intervals import percentile_interval

    if "log_loss" not in bootstrapped(found):
        return None
    return percentile_interval(drawn_figures(best, "log_loss") - drawn_figures(found, "log_loss"))


def _line(row: dict[str, Any], metric: str) -> str:
    if row["validation"] is None:
        return f"{'kept' if row['kept'] else 'not kept'}: {row['note'] or f'{metric} is not finite'}"
    parts = [f"{metric} {row['validation']:.4f}"]
    if row["interval"] is not None:
        low, high = row["interval"]
        parts.append(f"{row['difference']:+.4f} (95% interval {low:+.4f} to {high:+.4f})")
    return f"{'kept' if row['kept'] else 'not kept'}: {', '.join([*parts, *filter(None, [row['note']])])}"


def summary(found: dict[str, Any]) -> list[str]:
    """Return a table of what was tried, and the best, for a person to read."""
    metric, best = found["metric"], found["best"]
    lines = [f"{found['run']}: {metric} on validation {_written(found['validation'])}"]
    for row in found["tried"]:
        lines += [f"{row['number']:>3} {' '.join(row['overrides'])}", f"      {_line(row, metric)}"]
    lines.append(f"{found['ended']}; {len(found['left'])} edits of the diagnosis were not tried")
    if best["run"] == found["run"]:
        return [*lines, "nothing was kept: validation calls no trial better"]
    lines.append(
        f"best: {best['run']}: {metric} {_written(best['validation'])} on validation; on the test split "
        f"{_written(best['test'])}, and {_written(found['test'])} before"
    )
    return [*lines, f"  {' '.join(best['overrides'])}", f"next: zoo export {best['run']}"]


def _written(value: float | None) -> str:
    return "not finite" if value is None else f"{value:.4f}"
