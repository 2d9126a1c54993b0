"""Height and width of the images of a split."""

from __future__ import annotations

import numpy as np

from zoo.data.dataset import Split
from zoo.data.inputs import ArrayInputs, ImageInputs


def image_sizes(split: Split, most: int | None = None) -> np.ndarray:
    """Return height and width of images of a split, `(images, 2)`.

    Args:
        split: the images.
        most: number of images that are decoded to know their sizes, spread evenly; all where it is left out. Of images
            whose sizes are known all are returned.
    """
    if isinstance(split.inputs, ArrayInputs):
        return np.tile(split.inputs.array.shape[1:3], (len(split), 1))
    if isinstance(split.inputs, ImageInputs) and split.inputs.sizes is not None:
        return split.inputs.sizes[split.indices]
    count = min(len(split), len(split) if most is None else most)
    places = np.unique(np.linspace(0, len(split) - 1, count).astype(int))
    return np.array([image.shape[:2] for place in places for image in split.take([place])])
