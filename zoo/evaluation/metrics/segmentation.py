"""Segmentation: a class for each pixel. Targets and output are integers of shape `(n, height, width)`.

Pixels whose target is `IGNORED_PIXEL` count nowhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from zoo.evaluation.metrics.common import MAX_WORST_EXAMPLES, Statistic, check, highest, label_of, typical
from zoo.tasks import IGNORED_PIXEL

METRICS = ("mean_iou", "pixel_accuracy", "mean_dice")


def resampled(y: np.ndarray, output: np.ndarray) -> Statistic:
    """Return a function from how often each image counts, shape `(n,)`, to `METRICS`.

    Intersection over union and the Dice coefficient are taken per class over the pixels of all images together, then
    averaged over the classes that occur in the targets or in the prediction.

    Raises:
        ValueError: shapes that do not fit.
    """
    both, true, claimed = overlaps(y, output)

    def statistic(counts: np.ndarray) -> np.ndarray:
        hit, actual, named = counts @ both, counts @ true, counts @ claimed
        seen = actual + named > 0
        hit, total = hit[seen], (actual + named)[seen]
        return np.array([(hit / (total - hit)).mean(), hit.sum() / actual.sum(), (2 * hit / total).mean()])

    return statistic


def overlaps(y: np.ndarray, output: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Count the pixels of each class in each image: in both, in the target, in the prediction.

    Returns:
        Three float64 arrays of shape `(n, classes)`, with one column for each class up to the highest that occurs.
    """
    y, output = np.asarray(y), np.asarray(output)
    check(y, output, y.ndim == 3 and y.shape == output.shape, "y and predicted classes of shape (n, height, width)")
    counts = y != IGNORED_PIXEL
    check(y, output, bool(counts.any(axis=(1, 2)).all()), "at least one pixel of each image that counts")
    classes = int(max(y[counts].max(), output.max())) + 1

    def count(image: np.ndarray) -> np.ndarray:
        return np.bincount(image, minlength=classes)

    rows = [
        (count(true[(true == claimed) & counted]), count(true[counted]), count(claimed[counted]))
        for true, claimed, counted in zip(y, output, counts, strict=True)
    ]
    both, true, claimed = np.array(rows, dtype=np.float64).transpose(1, 0, 2)
    return both, true, claimed


def details(
    y: np.ndarray, output: np.ndarray, labels: Sequence[str], baseline: np.ndarray | None = None
) -> dict[str, Any]:
    """Return metrics per class, and images by their own mean IoU.

    Returns:
        `per_class`: `label`, `iou`, `dice`, `share` (fraction of all pixels that count) and `support` (images that
            have the class), None where the class occurs nowhere; `worst` and `typical`: `index`, `mean_iou` and
            `pixel_accuracy` of the image alone.
    """
    both, true, claimed = overlaps(y, output)
    classes = max(len(labels), both.shape[1])
    both, true, claimed = (np.pad(a, ((0, 0), (0, classes - a.shape[1]))) for a in (both, true, claimed))
    total = true + claimed
    seen = total > 0
    each = np.where(seen, both / np.maximum(total - both, 1), 0).sum(1) / seen.sum(1)
    accuracy = both.sum(1) / true.sum(1)
    hit, actual, whole = both.sum(0), true.sum(0), total.sum(0)
    rows = [
        {
            "label": label_of(labels, c),
            "iou": float(hit[c] / (whole[c] - hit[c])) if whole[c] else None,
            "dice": float(2 * hit[c] / whole[c]) if whole[c] else None,
            "share": float(actual[c] / actual.sum()),
            "support": int((true[:, c] > 0).sum()),
        }
        for c in range(classes)
    ]
    worst = highest(-each, MAX_WORST_EXAMPLES)
    return {
        "per_class": rows,
        "worst": [_entry(int(i), each, accuracy) for i in worst],
        "typical": [_entry(i, each, accuracy) for i in typical(each)],
    }


def _entry(i: int, iou: np.ndarray, accuracy: np.ndarray) -> dict[str, Any]:
    return {"index": i, "mean_iou": float(iou[i]), "pixel_accuracy": float(accuracy[i])}
