"""Test examples and outputs that the page shows beyond the metrics."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Predictions:
    """What the page shows beyond `report.json`: single test examples and their outputs.

    Attributes:
        y_true: the targets of the test split, as for `evaluate`.
        output: the output, as for `evaluate`.
        labels: names of the classes, or of the target's symbols by number; empty for numbers.
        example: takes the index of a test example and returns it as a uint8 image, shape `(height, width)` or
            `(height, width, channels)`, as a row, column to value, or as text; without it, the worst mistakes have no
            pictures.
        baseline_output: the same as `output`, for the baseline.
        samples: texts that a language model wrote: `settings` and `text` of each.
        context: forecasting: takes the index of a test window and returns the values before it, oldest first, shape
            `(any,)`.
        series: forecasting: the series of each test window; empty names where there is one.
        reconstruction: autoencoders: takes the index of a test image and returns its reconstruction, a uint8 image.
        pictures: see `zoo.evaluation.result.TaskResult`.
    """

    y_true: np.ndarray
    output: np.ndarray
    labels: Sequence[str] = ()
    example: Callable[[int], np.ndarray | Mapping[str, Any] | str] | None = None
    baseline_output: np.ndarray | None = None
    samples: Sequence[Mapping[str, str]] = ()
    context: Callable[[int], np.ndarray] | None = None
    series: Sequence[str] = ()
    reconstruction: Callable[[int], np.ndarray] | None = None
    pictures: Mapping[str, Any] = field(default_factory=dict)
