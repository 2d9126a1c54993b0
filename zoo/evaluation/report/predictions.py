"""Test examples and outputs that the page shows beyond the figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Predictions:
    """What the page shows beyond the figures in `report.json`: single test examples and their outputs.

    Attributes:
        y_true: the targets of the test split, as for `evaluate`.
        output: the output, as for `evaluate`.
        labels: names of the classes, or of the target's symbols by number; empty for numbers.
        example: takes the index of a test example and returns it as a uint8 image, shape `(height, width)` or
            `(height, width, channels)`, as a row, column to value, or as text; None leaves the worst mistakes as
            figures.
        baseline_output: the same as `output`, for the baseline.
        samples: texts that a language model wrote: `settings` and `text` of each.
        context: forecasting: takes the index of a test window and returns the values before its first step to come,
            oldest first, shape `(any,)`.
        made: autoencoders: takes the index of a test image and returns its reconstruction, a uint8 image.
        pictures: generation: `samples`, images; `nearest`, pairs of a made image and the nearest training image; and
            `epochs`, number of the epoch to the file of its grid. Representations: `layout`, points of the plane and
            their classes.
    """

    y_true: np.ndarray
    output: np.ndarray
    labels: Sequence[str] = ()
    example: Callable[[int], np.ndarray | Mapping[str, Any] | str] | None = None
    baseline_output: np.ndarray | None = None
    samples: Sequence[Mapping[str, str]] = ()
    context: Callable[[int], np.ndarray] | None = None
    made: Callable[[int], np.ndarray] | None = None
    pictures: Mapping[str, Any] = field(default_factory=dict)
