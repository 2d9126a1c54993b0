"""Boxes in the frame that padded images are seen in."""

from __future__ import annotations

import numpy as np

from zoo.data.box_codes import PADDING
from zoo.data.dataset import Split
from zoo.data.image_sizes import image_sizes
from zoo.recipe.steps import Resize


def boxes_in_frame(targets: np.ndarray, split: Split, resize: Resize) -> np.ndarray:
    """Return boxes as fractions of the frame that a resize of mode "pad" puts each image into.

    Args:
        targets: `(examples, boxes, 5)`: ymin, xmin, ymax, xmax as fractions of the image, and the class.
        split: the images.
        resize: the step.
    """
    sizes = image_sizes(split).astype(np.float64)
    frame = np.array([resize.height, resize.width], np.float64)
    parts = sizes / (sizes / frame).max(axis=1, keepdims=True) / frame  # of the frame that each image takes
    parts = np.tile(parts, 2)[:, None]
    moved = targets.copy()
    moved[..., :4] = (targets[..., :4] - 0.5) * parts + 0.5
    return np.where(targets[..., 4:] == PADDING, targets, moved)
