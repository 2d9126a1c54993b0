"""The best boxes of an image, from the boxes and scores of every cell."""

from __future__ import annotations

import numpy as np

MAX_DETECTIONS = 100  # boxes of an image that are kept
MIN_SCORE = 0.01  # of a box that is kept


def top_detections(decoded: np.ndarray, *, most: int = MAX_DETECTIONS, threshold: float = MIN_SCORE) -> np.ndarray:
    """Return the boxes with the highest scores; of equal ones the first.

    Args:
        decoded: `(images, cells, 4 + classes)`: ymin, xmin, ymax, xmax as fractions of the image, then the score of
            each class.
        most: how many boxes to keep of an image.
        threshold: the least score of a box that is kept.

    Returns:
        float32 `(images, most, 6)`: ymin, xmin, ymax, xmax, class, score, by falling score; rows of score 0 (and of
        zeros) are padding.
    """
    images, cells, classes = decoded.shape[0], decoded.shape[1], decoded.shape[2] - 4
    scores = decoded[:, :, 4:].reshape(images, cells * classes)
    kept = _largest(np.nan_to_num(scores), min(most, scores.shape[1]))
    kept = np.take_along_axis(
        kept, np.argsort(-np.take_along_axis(scores, kept, axis=1), axis=1, kind="stable"), axis=1
    )
    score = np.take_along_axis(scores, kept, axis=1)[:, :, None]
    boxes = np.take_along_axis(decoded[:, :, :4], (kept // classes)[:, :, None], axis=1)
    found = np.concatenate([boxes, (kept % classes)[:, :, None], score], axis=2)
    found = np.where((score > 0) & (score >= threshold), found, 0)
    return np.pad(found, ((0, 0), (0, most - found.shape[1]), (0, 0))).astype(np.float32)


def _largest(scores: np.ndarray, count: int) -> np.ndarray:
    """Return the places of the `count` largest scores of each row, in their order; of equal ones the first."""
    least = -np.partition(-scores, count - 1, axis=1)[:, count - 1 : count]
    is_above, is_least = scores > least, scores == least
    is_kept = is_above | (is_least & (np.cumsum(is_least, axis=1) <= count - is_above.sum(axis=1, keepdims=True)))
    return np.nonzero(is_kept)[1].reshape(len(scores), count)
