"""What stands in the class column of a box in place of a class: padding, and boxes that the evaluation ignores."""

from __future__ import annotations

from typing import TypeVar

import numpy as np

Number = TypeVar("Number", int, np.ndarray)
PADDING = -1  # no box


def ignored_code(label: Number, *, crowd: bool) -> Number:
    """Return the code of a box that is no target of training, and in the evaluation neither a hit nor a miss.

    Args:
        label: its class, or the classes of several boxes.
        crowd: it stands for many objects, as COCO's `iscrowd`; else it is one, as VOC's `difficult`.
    """
    return -2 - 2 * label - crowd


def ignored_boxes(codes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return of each box whether it is ignored, its class, and whether it is a crowd; all of the shape of `codes`."""
    codes = np.asarray(codes).astype(int)
    ignored = codes < PADDING
    return ignored, np.where(ignored, (-2 - codes) // 2, -1), ignored & ((-2 - codes) % 2 == 1)
