"""The metric that a recipe chooses, on validation at the end of each epoch."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import keras

from zoo.backend.devices import one_device

if TYPE_CHECKING:
    from zoo.training.problem import Problem


class MeasuredMetric(keras.callbacks.Callback):
    """Add a metric of the validation split to each epoch; it stands before the callbacks that write and compare them.

    Args:
        problem: data and model.
        name: of the metric.
        measure: returns its value for the weights as they are.
    """

    def __init__(self, problem: Problem, name: str, measure: Callable[[], float]) -> None:
        super().__init__()
        self.problem, self.name, self.measure = problem, name, measure

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Measure the epoch."""
        assert logs is not None
        self.problem.views.settle()
        with one_device():
            logs[f"val_{self.name}"] = self.measure()
