"""Reconstruction: images that went through a code smaller than they are.

The output, `(n, 2)`, is squared error and SSIM of each image (`zoo.postprocessing.image_similarity.errors`). Of the
targets, one an example, only the number counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from zoo.evaluation.metrics.common import MAX_WORST_EXAMPLES, Statistic, check, highest, typical
from zoo.postprocessing.image_similarity import psnr

METRICS = ("mse", "psnr", "ssim")


def resampled(y: np.ndarray, output: np.ndarray) -> Statistic:
    """Return a function from how often each image counts, shape `(n,)`, to `METRICS`.

    The signal-to-noise ratio, in decibels, is that of the mean error: the mean of the images' own ratios would be
    infinite as soon as one image is perfect.

    Raises:
        ValueError: shapes that do not fit.
    """
    each = arrays(y, output)

    def statistic(counts: np.ndarray) -> np.ndarray:
        error, similarity = counts @ each / counts.sum()
        return np.array([error, psnr(error), similarity])

    return statistic


def arrays(y: np.ndarray, output: np.ndarray) -> np.ndarray:
    """Check shapes, and return squared error and similarity in float64, shape `(n, 2)`."""
    y, output = np.asarray(y), np.asarray(output, dtype=np.float64)
    check(y, output, y.ndim > 0 and output.shape == (len(y), 2), "y of n examples and output of shape (n, 2)")
    return output


def details(
    y: np.ndarray, output: np.ndarray, labels: Sequence[str], baseline: np.ndarray | None = None
) -> dict[str, Any]:
    """Return images by their error, and the fraction on which the model beats the baseline.

    Returns:
        `worst` and `typical`: `index`, `mse` and `ssim`; `ahead`: fraction of the images with a smaller error
            than the baseline's, None without a finite baseline.
    """
    each = arrays(y, output)
    ahead = None
    if baseline is not None and np.isfinite(baseline).all():
        ahead = float((each[:, 0] < arrays(y, baseline)[:, 0]).mean())
    return {
        "worst": [_entry(int(i), each) for i in highest(each[:, 0], MAX_WORST_EXAMPLES)],
        "typical": [_entry(i, each) for i in typical(each[:, 0])],
        "ahead": ahead,
    }


def _entry(i: int, each: np.ndarray) -> dict[str, Any]:
    return {"index": i, "mse": float(each[i, 0]), "ssim": float(each[i, 1])}
