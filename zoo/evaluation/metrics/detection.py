"""Detection: boxes. Targets, `(n, boxes, 5)`, are ymin, xmin, ymax, xmax in [0, 1] and the class, -1 for no box.

Codes below -1 are boxes to ignore (`zoo.data.box_codes`).
The output, `(n, detections, 6)`, is the same four, the class, and the score, 0 for no detection.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from zoo.data.box_codes import ignored_boxes
from zoo.evaluation.metrics.common import MAX_WORST_EXAMPLES, Statistic, check, highest, label_of, typical

METRICS = ("ap50", "ap", "ap75")
IOU_THRESHOLDS = np.linspace(0.5, 0.95, 10)
RECALL_LEVELS = np.linspace(0, 1, 101)
MAX_DETECTIONS = 100  # of one class in an image, as in COCO
MIN_SHOWN_SCORE = 0.3  # a detection below is not drawn, and no mistake if it is wrong
_CHUNK_IMAGES = 256


@dataclass(frozen=True)
class Matches:
    """Detections, what they match, and the number of true boxes.

    Attributes:
        image: index of the image, shape `(detections,)`.
        label: class, shape `(detections,)`.
        score: shape `(detections,)`.
        hit: whether it matches a true box at each of `IOU_THRESHOLDS`, shape `(detections, 10)`.
        ignored: whether it matches no true box and one to ignore, likewise: it is neither a hit nor a mistake.
        found: true boxes of each class in each image, floats of shape `(n, classes)`.
    """

    image: np.ndarray
    label: np.ndarray
    score: np.ndarray
    hit: np.ndarray
    ignored: np.ndarray
    found: np.ndarray


def resampled(y: np.ndarray, output: np.ndarray) -> Statistic:
    """Return a function from how often each image counts, shape `(n,)`, to `METRICS`, as COCO defines them.

    Lin et al., "Microsoft COCO", 2014, https://arxiv.org/abs/1405.0312, and its reference evaluation: in the order of
    their scores, detections take the best true box of their class that is still free, or else one to ignore; precision
    is interpolated at 101 values of recall; the mean is over the classes that have true boxes (NaN if there are none).
    AP50 and AP75 match at an intersection over union of 0.5 and 0.75, AP is the mean over 0.50, 0.55, …, 0.95. By hand,
    because pycocotools cannot weigh images, which the bootstrap needs; a test compares the two.

    Raises:
        ValueError: shapes that do not fit.
    """
    matches = match(y, output)
    curves = [_Curve.of(matches, label) for label in range(matches.found.shape[1])]

    def statistic(counts: np.ndarray) -> np.ndarray:
        per_class = [curve.precision(counts) for curve in curves if counts @ curve.found > 0]
        if not per_class:
            return np.full(len(METRICS), np.nan)
        average = np.mean(per_class, axis=(0, 2))
        return np.array([average[0], average.mean(), average[5]])

    return statistic


@dataclass(frozen=True)
class _Curve:
    """One class: its detections by falling score, and which of them are hits at any threshold, and at which.

    `counted`, of shape `(10, detections)`, says which are not ignored; None where all count.
    """

    image: np.ndarray
    hits: np.ndarray
    levels: np.ndarray
    counted: np.ndarray | None
    found: np.ndarray

    @classmethod
    def of(cls, matches: Matches, label: int) -> _Curve:
        chosen = np.flatnonzero(matches.label == label)
        chosen = chosen[np.argsort(-matches.score[chosen], kind="stable")]
        hits = np.flatnonzero(matches.hit[chosen].any(1))
        ignored = matches.ignored[chosen].T
        counted = ~ignored if ignored.any() else None
        return cls(matches.image[chosen], hits, matches.hit[chosen[hits]].T, counted, matches.found[:, label])

    def precision(self, counts: np.ndarray) -> np.ndarray:
        """Return the interpolated precision at each of `RECALL_LEVELS`, shape `(10, 101)`.

        Only hits matter: precision is highest right after one, and recall changes at none but these.
        """
        weight = counts[self.image]
        right = (weight[self.hits] * self.levels).cumsum(1)
        precision = np.zeros((len(IOU_THRESHOLDS), len(self.hits) + 1))  # ends with 0: what is never recalled
        weights = weight if self.counted is None else weight * self.counted
        precision[:, :-1] = right / np.maximum(weights.cumsum(-1)[..., self.hits], 1e-9)
        best = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
        recall = right / (counts @ self.found)
        at = np.stack([np.searchsorted(row, RECALL_LEVELS) for row in recall])
        return np.take_along_axis(best, at, axis=1)


def match(y: np.ndarray, output: np.ndarray) -> Matches:
    """Match detections with true boxes, image by image and class by class, at each of `IOU_THRESHOLDS`.

    All images advance together: first the best-scored detection of each, then the second, and so on.

    Raises:
        ValueError: shapes that do not fit.
    """
    y, output = np.asarray(y, dtype=np.float64), np.asarray(output, dtype=np.float64)
    fits = y.ndim == output.ndim == 3 and len(y) == len(output) and y.shape[2] == 5 and output.shape[2] == 6
    check(y, output, fits, "y of shape (n, boxes, 5) and output of shape (n, detections, 6)")
    order = np.argsort(-output[..., 5], axis=1, kind="stable")
    output = np.take_along_axis(output, order[..., None], axis=1)
    used = output[..., 5] > 0
    if output.shape[1] > MAX_DETECTIONS:
        used &= _rank_in_class(np.where(used, output[..., 4], -1)) < MAX_DETECTIONS
    starts = range(0, len(y), _CHUNK_IMAGES)
    parts = [np.s_[i : i + _CHUNK_IMAGES] for i in starts]
    hit, ignored = (
        np.concatenate(found)
        for found in zip(*(_match(y[part], output[part], used[part]) for part in parts), strict=True)
    )
    image = np.broadcast_to(np.arange(len(y))[:, None], used.shape)
    real = y[..., 4] >= 0
    classes = int(max(y[..., 4].max(initial=-1), np.where(used, output[..., 4], -1).max(initial=-1))) + 1
    found = np.zeros((len(y), classes))
    np.add.at(found, (np.nonzero(real)[0], y[real][:, 4].astype(int)), 1)
    return Matches(image[used], output[used][:, 4].astype(int), output[used][:, 5], hit[used], ignored[used], found)


def _match(y: np.ndarray, output: np.ndarray, used: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return which detections, sorted by falling score, are hits and which are ignored: bool `(n, detections, 10)`."""
    hit = np.zeros((*used.shape, len(IOU_THRESHOLDS)), dtype=bool)
    passed = np.zeros_like(hit)
    boxes = y.shape[1]
    if not boxes:
        return hit, passed
    ignored, labels, crowd = ignored_boxes(y[..., 4])
    beside = _ignored_overlap(y, output, labels, crowd) if ignored.any() else None
    overlap = intersection_over_union(output[..., :4], y[..., :4])
    overlap[output[..., 4, None] != y[:, None, :, 4]] = -1
    overlap[~used] = -1
    free = np.ones((len(y), len(IOU_THRESHOLDS), boxes), dtype=bool)
    for rank in np.flatnonzero(used.any(0)):
        candidates = np.where(free, overlap[:, rank, None, :], -1)
        best = boxes - 1 - candidates[..., ::-1].argmax(-1)  # on a tie the last, as COCO's evaluation does
        hit[:, rank] = np.take_along_axis(candidates, best[..., None], -1)[..., 0] >= IOU_THRESHOLDS
        images, levels = np.nonzero(hit[:, rank])
        free[images, levels, best[images, levels]] = False
        if beside is not None:
            candidates = np.where(free, beside[:, rank, None, :], -1)
            best = boxes - 1 - candidates[..., ::-1].argmax(-1)
            near = np.take_along_axis(candidates, best[..., None], -1)[..., 0] >= IOU_THRESHOLDS
            passed[:, rank] = near & ~hit[:, rank] & used[:, rank, None]
            images, levels = np.nonzero(passed[:, rank])
            free[images, levels, best[images, levels]] = crowd[images, best[images, levels]]
    return hit, passed


def _ignored_overlap(y: np.ndarray, output: np.ndarray, labels: np.ndarray, crowd: np.ndarray) -> np.ndarray:
    """Return how far detections overlap the boxes to ignore of their class, `(n, detections, boxes)`; -1 for others.

    A crowd may hold many detections: there it is the part of the detection that lies within, as in COCO.
    """
    within = intersection_over_union(output[..., :4], y[..., :4], of_first=True)
    overlap = np.where(crowd[:, None], within, intersection_over_union(output[..., :4], y[..., :4]))
    return np.where(output[..., 4, None] == labels[:, None], overlap, -1)


def _rank_in_class(labels: np.ndarray) -> np.ndarray:
    """Return how many detections of the same class come before each one, for classes of shape `(n, detections)`."""
    rank = np.zeros(labels.shape, dtype=int)
    for label in np.unique(labels):
        same = labels == label
        rank[same] = (same.cumsum(1) - 1)[same]
    return rank


def intersection_over_union(first: np.ndarray, second: np.ndarray, *, of_first: bool = False) -> np.ndarray:
    """Return the overlap of each box of `(n, a, 4)` with each of `(n, b, 4)`, shape `(n, a, b)`.

    Boxes are ymin, xmin, ymax, xmax. Two boxes without area overlap by 0. With `of_first` the intersection is divided
    by the area of the first box.
    """
    low = np.maximum(first[:, :, None, :2], second[:, None, :, :2])
    high = np.minimum(first[:, :, None, 2:], second[:, None, :, 2:])
    both = np.clip(high - low, 0, None).prod(-1)
    areas = [np.clip(boxes[..., 2:] - boxes[..., :2], 0, None).prod(-1) for boxes in (first, second)]
    either = areas[0][:, :, None] + areas[1][:, None, :] - both
    if of_first:
        either = np.broadcast_to(areas[0][:, :, None], both.shape)
    return np.divide(both, either, out=np.zeros_like(both), where=either > 0)


def details(
    y: np.ndarray, output: np.ndarray, labels: Sequence[str], baseline: np.ndarray | None = None
) -> dict[str, Any]:
    """Return metrics per class, the precision-recall curve, and images by their mistakes.

    Returns:
        `per_class`: `label`, `ap50`, `ap` (None without true boxes) and `support` (true boxes); `precision_recall` at
            an intersection over union of 0.5: `recall`, the mean `precision` over the classes and `classes`, name to
            precision; `worst` and `typical`: `index`, `boxes`, `missed` and `false`, where detections with a score
            of at least 0.3 count, unless they are ignored.
    """
    matches = match(y, output)
    ones = np.ones(len(y))
    rows, curves = [], {}
    for label in range(max(len(labels), matches.found.shape[1])):
        support = int(matches.found[:, label].sum()) if label < matches.found.shape[1] else 0
        row: dict[str, Any] = {"label": label_of(labels, label), "ap50": None, "ap": None, "support": support}
        if support:
            precision = _Curve.of(matches, label).precision(ones)
            row |= {"ap50": float(precision[0].mean()), "ap": float(precision.mean())}
            curves[row["label"]] = precision[0]
        rows.append(row)
    shown = (matches.score >= MIN_SHOWN_SCORE) & ~matches.ignored[:, 0]
    right = np.bincount(matches.image[shown & matches.hit[:, 0]], minlength=len(y))
    boxes = matches.found.sum(1).astype(int)
    false = np.bincount(matches.image[shown], minlength=len(y)) - right
    mistakes = boxes - right + false
    mean = np.mean(list(curves.values()), axis=0) if curves else None

    def entry(i: int) -> dict[str, int]:
        return {"index": i, "boxes": int(boxes[i]), "missed": int(boxes[i] - right[i]), "false": int(false[i])}

    return {
        "per_class": rows,
        "precision_recall": {"recall": RECALL_LEVELS, "precision": mean, "classes": curves},
        "worst": [entry(int(i)) for i in highest(mistakes.astype(float), MAX_WORST_EXAMPLES) if mistakes[i]],
        "typical": [entry(i) for i in typical(mistakes)],
    }
