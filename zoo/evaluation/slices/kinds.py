"""For each kind of task, the error of each test example that slices are compared by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from zoo.evaluation.metrics import classification, forecasting, multi_label, sequences, transcription
from zoo.tasks import IGNORED_PIXEL, PADDING, Kind

Errors = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True, kw_only=True)
class ExampleErrors:
    """The errors of one kind of task.

    Attributes:
        metric: whose mean over examples they are: the mean error, or 1 less the mean error where more is better.
        errors: takes targets and output; returns the error of each example, `(n,)`.
        more_is_better: the metric is 1 less the mean error.
    """

    metric: str
    errors: Errors
    more_is_better: bool = False


def _wrong(correct: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Errors:
    return lambda y, output: 1.0 - correct(y, output)


def _absolute(y: np.ndarray, output: np.ndarray) -> np.ndarray:
    return np.abs(np.asarray(output, np.float64) - y).reshape(len(y), -1).mean(1)


def _scaled(y: np.ndarray, output: np.ndarray) -> np.ndarray:
    true, scale, forecast = forecasting.arrays(y, output)
    return (np.abs(forecast - true) / scale).reshape(len(true), -1).mean(1)


def _bits(y: np.ndarray, output: np.ndarray) -> np.ndarray:
    counted = y[:, : output.shape[1]] != PADDING
    return (output[..., 0] * counted).sum(1) / np.maximum(counted.sum(1), 1) / np.log(2)


def _pixels(y: np.ndarray, output: np.ndarray) -> np.ndarray:
    counted = y != IGNORED_PIXEL
    return ((y != output) & counted).sum((1, 2)) / np.maximum(counted.sum((1, 2)), 1)


_CLASSES = ExampleErrors(metric="accuracy", errors=_wrong(classification.correct), more_is_better=True)

# None: an example alone has no error.
KINDS: dict[Kind, ExampleErrors | None] = {
    "classification": _CLASSES,
    "multi_label": ExampleErrors(metric="exact_match", errors=_wrong(multi_label.correct), more_is_better=True),
    "regression": ExampleErrors(metric="mae", errors=_absolute),
    "forecasting": ExampleErrors(metric="mase", errors=_scaled),
    "tokens": ExampleErrors(metric="bits_per_token", errors=_bits),
    "sequences": ExampleErrors(metric="exact_match", errors=_wrong(sequences.correct), more_is_better=True),
    "transcription": ExampleErrors(metric="exact_match", errors=_wrong(transcription.correct), more_is_better=True),
    "segmentation": ExampleErrors(metric="pixel_accuracy", errors=_pixels, more_is_better=True),
    "detection": None,
    "reconstruction": ExampleErrors(metric="mse", errors=lambda y, output: output[:, 0]),
    "anomaly": None,
    "generation": None,
    "representation": _CLASSES,
}
