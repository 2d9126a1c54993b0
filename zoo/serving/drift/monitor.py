"""Drift of what a server was asked last."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from zoo.serving.drift.distribution import read_distribution
from zoo.serving.drift.features import Feature, input_features, joined
from zoo.serving.drift.kinds import KINDS
from zoo.serving.drift.report import drift_report
from zoo.tasks import TASKS

if TYPE_CHECKING:
    from zoo.serving.exported_model import ExportedModel
    from zoo.serving.prediction import Prediction


class DriftMonitor:
    """The last examples and predictions of an exported file, to compare with its training data.

    Features are kept, not the examples. Threads may share a monitor.

    Args:
        model: the file.
        window: examples that are kept.

    Raises:
        ZooError: the file does not carry the distribution of its training data.
    """

    def __init__(self, model: ExportedModel, window: int = 10_000) -> None:
        self._model = model
        self._distribution = read_distribution(model.metadata, model.path)
        self._inputs, self._predictions = _Window(window), _Window(window)
        self._lock = threading.Lock()

    def add(self, raw: Any, prediction: Prediction | None = None) -> None:
        """Add examples, as `ExportedModel.predict` takes them, and what it answered.

        Raises:
            ZooError: an example does not fit.
        """
        inputs = input_features(self._model, raw)
        predictions = [] if prediction is None else KINDS[TASKS[self._model.task].kind](prediction, self._model)
        with self._lock:
            self._inputs.add(inputs)
            self._predictions.add(predictions)

    def report(self) -> dict[str, Any]:
        """Return what `zoo.serving.drift.report.drift_report` says of the examples that are kept."""
        with self._lock:
            inputs, predictions = self._inputs.features(), self._predictions.features()
        task = TASKS[self._model.task]
        return drift_report(
            self._distribution,
            inputs,
            predictions,
            ood_threshold=self._model.ood_threshold,
            overlap=int(self._model.shape[0] or 1) if task.scans_series else 1,
        )


class _Window:
    """The features of the last examples."""

    def __init__(self, size: int) -> None:
        self._size, self._count = size, 0
        self._parts: deque[list[Feature]] = deque()

    def add(self, features: Sequence[Feature]) -> None:
        if not features or not len(features[0]):
            return
        self._parts.append([Feature(f.name, f.values[-self._size :]) for f in features])
        self._count += len(self._parts[-1][0])
        while self._count > self._size:
            oldest = self._parts.popleft()
            excess = min(self._count - self._size, len(oldest[0]))
            if excess < len(oldest[0]):
                self._parts.appendleft([Feature(f.name, f.values[excess:]) for f in oldest])
            self._count -= excess

    def features(self) -> list[Feature]:
        if len(self._parts) > 1:  # so that many requests of one example are joined once
            self._parts = deque([joined(self._parts)])
        return self._parts[0] if self._parts else []
