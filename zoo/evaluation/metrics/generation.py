"""Generation: images that a model made from noise, as a classifier of real ones sees them.

Targets are real images that the model was not trained on, the output is images that it made, each as rows of floats:
the number of classes, the classifier's probability of each class, and its features, `(n, 1 + classes + features)`.
There need not be as many of the one as of the other. Every figure is of all the images together, and none is
resampled: copies of an image among the resampled ones would pass for diversity that is missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from zoo.evaluation.metrics.common import label_of
from zoo.evaluation.metrics.generation_distances import METRICS, class_coverage, generation_metrics


def rows(probabilities: np.ndarray, features: np.ndarray) -> np.ndarray:
    """Return what a classifier says of images as rows, float32 `(n, 1 + classes + features)`."""
    count = np.full((len(probabilities), 1), probabilities.shape[1])
    return np.concatenate([count, probabilities, features.reshape(len(features), -1)], axis=1).astype(np.float32)


def split_rows(seen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return probabilities `(n, classes)` and features `(n, features)`.

    Raises:
        ValueError: there are no rows of this form.
    """
    seen = np.asarray(seen)
    if seen.ndim != 2 or not len(seen) or seen.shape[1] <= 1 + seen[0, 0]:
        raise ValueError(f"expected rows of shape (n, 1 + classes + features); received {seen.shape}")
    classes = int(seen[0, 0])
    return seen[:, 1 : 1 + classes], seen[:, 1 + classes :]


def figures(y: np.ndarray, output: np.ndarray) -> dict[str, float]:
    """Return `METRICS`; NaN if the output is not finite.

    Raises:
        ValueError: shapes that do not fit.
    """
    if not np.isfinite(output).all():
        return dict.fromkeys(METRICS, float("nan"))
    (real, real_features), (made, made_features) = split_rows(y), split_rows(output)
    return generation_metrics(real_features, made_features, real, made)


def details(
    y: np.ndarray, output: np.ndarray, labels: Sequence[str], baseline: np.ndarray | None = None
) -> dict[str, Any]:
    """Return `classes`: how often the classifier finds each among what was made, see `class_coverage`."""
    (real, _), (made, _) = split_rows(y), split_rows(output)
    found = class_coverage(made, real)
    return {"classes": {**found, "labels": [label_of(labels, c) for c in range(real.shape[1])]}}
