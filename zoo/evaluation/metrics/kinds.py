"""The figures of each kind of task whose target is more than a class or a number, one file a kind.

Each figure of these kinds, but for generation, is a function of how often each example counts. With every example
counted once it is the metric, with a bootstrap resample's counts it is one draw, so both come from one piece of code.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from zoo.evaluation.metrics import (
    anomaly,
    detection,
    forecasting,
    generation,
    reconstruction,
    segmentation,
    sequences,
    tokens,
    transcription,
)

Statistic = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Kind:
    """What is computed for one kind of task, from its targets and the compact output that its module describes.

    Attributes:
        metrics: names of the figures, the primary one first.
        resampled: takes targets and output; returns a function from how often each example counts, floats of shape
            `(n,)`, to the values of `metrics`.
        details: takes targets, output, labels and the baseline's output or None; returns what `report.json` says
            beyond the figures.
        correct: takes targets and output; returns which examples are right, bool of shape `(n,)`. None where an
            example is not simply right or wrong.
        overlap: takes the targets; returns how many examples in a row share what they are to predict.
        figures: takes targets and output and returns the figures by name, where they cannot be resampled; `resampled`
            is None then.
    """

    metrics: tuple[str, ...]
    resampled: Callable[[np.ndarray, np.ndarray], Statistic] | None
    details: Callable[..., dict[str, Any]]
    correct: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None
    overlap: Callable[[np.ndarray], int] | None = None
    figures: Callable[[np.ndarray, np.ndarray], dict[str, float]] | None = None


KINDS: dict[str, Kind] = {
    "forecasting": Kind(
        forecasting.METRICS, forecasting.resampled, forecasting.details, overlap=forecasting.overlapping
    ),
    "tokens": Kind(tokens.METRICS, tokens.resampled, tokens.details),
    "sequences": Kind(sequences.METRICS, sequences.resampled, sequences.details, correct=sequences.correct),
    "transcription": Kind(
        transcription.METRICS, transcription.resampled, transcription.details, correct=transcription.correct
    ),
    "segmentation": Kind(segmentation.METRICS, segmentation.resampled, segmentation.details),
    "detection": Kind(detection.METRICS, detection.resampled, detection.details),
    "reconstruction": Kind(reconstruction.METRICS, reconstruction.resampled, reconstruction.details),
    "anomaly": Kind(anomaly.METRICS, anomaly.resampled, anomaly.details),
    "generation": Kind(generation.METRICS, None, generation.details, figures=generation.figures),
}
