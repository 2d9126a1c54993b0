"""What a diagnosis is made from: curves, figures, outputs, the recipe, and what the audit found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.evaluation.report.diagnosis.epochs import History, curve
from zoo.evaluation.report.diagnosis.findings import Finding
from zoo.evaluation.report.split_gaps import MIN_GAP_FRACTION, MIN_GAP_POINTS, Metrics, error_of
from zoo.tasks import Task, as_task

if TYPE_CHECKING:
    from zoo.recipe import LoadedRecipe

Outputs = Mapping[str, tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True, kw_only=True)
class Situation:
    """A run, as its diagnosis sees it.

    Attributes:
        task: the task, or its name; with the metric that the recipe chooses.
        history: one mapping an epoch.
        metrics: split (`train`, `validation`, `test`) to its metrics, evaluated on the finished model.
        baseline: `name` and the baseline's metrics under `validation` and `test`; empty where there is none.
        examples: number of examples in each split, as far as they are known.
        comparison: what `compare` returned for the test split; empty where nothing was compared.
        outputs: split to its targets and the model's outputs.
        loaded: the recipe.
        findings: of the audit.
        input_shape: of a raw example, as far as it is fixed.
        train_size: examples in the training split, of which `examples` counts those that were evaluated.
    """

    task: str | Task
    history: History
    metrics: Mapping[str, Metrics]
    baseline: Mapping[str, Any] = field(default_factory=dict)
    examples: Mapping[str, int] = field(default_factory=dict)
    comparison: Mapping[str, Any] = field(default_factory=dict)
    outputs: Outputs = field(default_factory=dict)
    loaded: LoadedRecipe | None = None
    findings: Sequence[Finding] = ()
    input_shape: tuple[int | None, ...] = ()
    train_size: int | None = None

    @property
    def loss(self) -> np.ndarray:
        """The training loss by epoch."""
        return curve(self.history, "loss")

    @property
    def validation_loss(self) -> np.ndarray:
        """The validation loss by epoch."""
        return curve(self.history, "val_loss")

    @property
    def learning_rate(self) -> np.ndarray:
        """The learning rate by epoch."""
        return curve(self.history, "learning_rate")

    @property
    def steps(self) -> int | None:
        """Training steps of the run; None where recipe or examples are not known."""
        if self.loaded is None or self.train_size is None:
            return None
        return self.train_size // self.loaded.recipe.training.batch_size * len(self.history)

    @property
    def trains_on_harder_examples(self) -> bool:
        """Whether the training metric of the last epoch, with augmentation and dropout, is far below that without."""
        task = as_task(self.task)
        metric, error = curve(self.history, task.monitor), self.error("train")
        if task.monitor != task.primary or not len(metric) or error is None or not np.isfinite(metric[-1]):
            return False
        harder = 1 - metric[-1] if task.greater_is_better else metric[-1]
        least = MIN_GAP_POINTS if task.greater_is_better else 0.0
        return bool(harder - error > max(least, MIN_GAP_FRACTION * harder))

    def error(self, split: str) -> float | None:
        """Return the model's error on a split in the primary metric, None where it is not known or not finite."""
        return error_of(self.task, self.metrics.get(split))

    @property
    def baseline_error(self) -> float | None:
        """The baseline's error on validation."""
        return error_of(self.task, self.baseline.get("validation"))
