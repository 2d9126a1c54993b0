"""Outputs of an exported file that follow from its others: the rules by which the graph computes them, in NumPy.

Each function takes a file's outputs by name and the file's thresholds, and returns the outputs that follow.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np

from zoo.postprocessing.boxes import MAX_DETECTIONS, top_detections
from zoo.postprocessing.decoding import collapse_ctc
from zoo.tasks import IGNORED_PIXEL, LABEL_THRESHOLD

Outputs = Mapping[str, np.ndarray]  # of a file, by name


class Thresholds(Protocol):
    """What a file says of the scores above which an example is abnormal, or unlike training."""

    @property
    def threshold(self) -> float | None:
        """The score above which an example is abnormal."""

    @property
    def ood_threshold(self) -> float | None:
        """The out-of-distribution score above which an example is unusual."""


Derive = Callable[[Outputs, Thresholds], dict[str, np.ndarray]]


def nothing(found: Outputs, file: Thresholds) -> dict[str, np.ndarray]:
    """Return no outputs."""
    return {}


def unusual(found: Outputs, file: Thresholds) -> dict[str, np.ndarray]:
    """Return `unusual` `(batch,)`: the out-of-distribution score exceeds its threshold."""
    if file.ood_threshold is None:
        return {}
    return {"unusual": found["ood_score"] > np.float32(file.ood_threshold)}


def label_set(found: Outputs, file: Thresholds) -> dict[str, np.ndarray]:
    """Return `label_set` `(batch, classes)`: the labels whose probability is at least one half."""
    return {"label_set": found["probabilities"] >= np.float32(LABEL_THRESHOLD)}


def abnormal(found: Outputs, file: Thresholds) -> dict[str, np.ndarray]:
    """Return `abnormal` `(batch,)`: the score exceeds the threshold."""
    if file.threshold is None:
        return {}
    return {"abnormal": found["score"] > np.float32(file.threshold)}


def mask(found: Outputs, file: Thresholds) -> dict[str, np.ndarray]:
    """Return `mask` `(batch, height, width)`: the most probable class of each pixel, 255 where all are 0 (padding)."""
    probabilities = found["probabilities"]
    is_padding = probabilities.max(axis=-1) == 0
    return {"mask": np.where(is_padding, IGNORED_PIXEL, probabilities.argmax(axis=-1))}


def tokens(found: Outputs, file: Thresholds) -> dict[str, np.ndarray]:
    """Return CTC's best path: `tokens` `(batch, steps)`, padded on the right with 0, and their `count` `(batch,)`."""
    probabilities = found["probabilities"]
    symbols = collapse_ctc(probabilities.argmax(axis=-1))
    padding = probabilities.shape[1] - symbols.shape[1]
    return {"tokens": np.pad(symbols, ((0, 0), (0, padding))).astype(np.int64), "count": (symbols > 0).sum(axis=1)}


def boxes(found: Outputs, file: Thresholds) -> dict[str, np.ndarray]:
    """Return the best `boxes` `(batch, 100, 4)` with `scores` and `labels`, by falling score, and their `count`.

    What is behind the count is 0.
    """
    best = top_detections(found["detections"], most=MAX_DETECTIONS)
    return {
        "boxes": best[..., :4],
        "scores": best[..., 5],
        "labels": best[..., 4].astype(np.int64),
        "count": (best[..., 5] > 0).sum(axis=1),
    }
