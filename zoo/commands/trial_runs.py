"""Runs that `zoo improve`, `zoo curve` and `zoo ablate` train to compare them on validation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console

from zoo.commands.reopen import SILENT, reopen
from zoo.commands.run import Run
from zoo.commands.train import train_together
from zoo.errors import ZooError
from zoo.recipe import LoadedRecipe, overridden
from zoo.recipe.task import task_of
from zoo.tasks import ANALYSES, TASKS, Task
from zoo.training.run import fill_run
from zoo.training.run_files import read_run_file
from zoo.training.stages import missing_stages

if TYPE_CHECKING:
    from zoo.data.memory.given import MemoryData
    from zoo.utils.stopping import StopRequests

NOT_OF_TRIALS = (
    "evaluation.folds=null",
    *(f"evaluation.{name}=false" for name in ANALYSES),
)  # what runs that are only compared do without


@dataclass(frozen=True, kw_only=True)
class Validated:
    """A run's model on the validation split.

    Attributes:
        report: what its `report.json` holds.
        places: which examples of the source are in the split.
        targets: of the split.
        output: of the saved model, in compact form.
        labels: names of the classes.
        task: with the metric that the recipe chooses.
    """

    report: dict[str, Any]
    places: np.ndarray
    targets: np.ndarray
    output: np.ndarray
    labels: Sequence[str]
    task: Task

    @property
    def figure(self) -> float | None:
        """The primary metric on validation; None where it is not finite."""
        value: float | None = self.report["metrics"]["validation"][self.task.primary]
        return value

    def has_same_examples(self, other: Validated) -> bool:
        """Return whether two runs were validated on the same examples."""
        return np.array_equal(self.places, other.places) and np.array_equal(self.targets, other.targets)


def check_comparable(task: str) -> None:
    """Refuse tasks whose models have no figure on validation to compare.

    Raises:
        ZooError: it is such a task.
    """
    if TASKS[task].makes_images or TASKS[task].embeds:
        raise ZooError(
            f"{task}: its figure is computed on the test split alone, so validation cannot choose; compare runs of "
            "`zoo train` by their reports"
        )


def trial_recipe(loaded: LoadedRecipe, overrides: Sequence[str] = ()) -> LoadedRecipe:
    """Return the recipe of a trial.

    Raises:
        ZooError: an override is refused.
    """
    return overridden(loaded, [*NOT_OF_TRIALS, *overrides])


def train_trial(
    loaded: LoadedRecipe,
    folder: Path,
    *,
    memory: MemoryData | None = None,
    console: Console = SILENT,
    stop: StopRequests | None = None,
) -> dict[str, Any]:
    """Train and report a recipe in a folder, from where it was stopped if it was; nothing is done where it is whole.

    Returns:
        The report.

    Raises:
        ZooError: the folder holds another recipe, or the training fails.
    """
    if not (folder / "environment.json").is_file():
        fill_run(loaded, folder, run_id=f"trial-{folder.name}")
    elif Run(folder).recipe().recipe != loaded.recipe:
        raise ZooError(f"{folder} holds a run of another recipe; remove it, or name another folder")
    if missing_stages(Run(folder), export=False):
        train_together(None, None, resume=folder, export=False, console=console, stop=stop, memory=memory)
    return read_run_file(folder / "report.json")


def validate(folder: Path, memory: MemoryData | None = None) -> Validated:
    """Run the saved model of a run on its validation split."""
    from zoo.training.saved_model import load_model
    from zoo.training.saved_outputs import saved_outcomes

    run, loaded, dataset = reopen(folder, memory)
    held = dataset.validation
    return Validated(
        report=read_run_file(run.folder / "report.json"),
        places=held.indices,
        targets=held.targets,
        output=saved_outcomes(load_model(run), held, dataset.signature, TASKS[loaded.recipe.task]),
        labels=dataset.signature.labels or dataset.signature.targets,
        task=task_of(loaded.recipe),
    )


def bootstrapped(one: Validated) -> tuple[str, ...]:
    """Return the metrics that are computed on resamples."""
    from zoo.evaluation.metrics.kinds import kind_metrics

    return kind_metrics(one.task, one.labels).bootstrapped


def drawn_figures(one: Validated, metric: str | None = None) -> np.ndarray:
    """Return a metric, the primary one unless named, on resamples of the validation examples, `(resamples,)`.

    The resamples of two runs that were validated on the same examples are the same.
    """
    from zoo.evaluation.metrics.intervals import draws

    metric = metric or one.task.primary
    names = bootstrapped(one)
    if metric not in names or not np.isfinite(one.output).all():
        return np.full(1, np.nan if one.figure is None else one.figure, np.float64)
    return draws(one.task, one.targets, one.output, labels=one.labels)[:, names.index(metric)]


def check_data(loaded: LoadedRecipe, memory: MemoryData | None = None) -> int:
    """Refuse data with errors that the recipe does not accept, as `zoo train` does; return its training examples.

    Raises:
        ZooError: there are such errors.
    """
    from zoo.audit.accept import refuse_errors
    from zoo.audit.audit import audit
    from zoo.audit.finding import as_findings
    from zoo.data.sources.load import load_dataset

    recipe = loaded.recipe
    dataset = load_dataset(recipe.data, TASKS[recipe.task], recipe.preprocess, memory)
    findings = audit(dataset, recipe, loaded.notes)["findings"]
    refuse_errors(as_findings(findings), recipe.data.accept, dataset.name)
    return len(dataset.train)
