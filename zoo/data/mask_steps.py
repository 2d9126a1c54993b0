"""Masks follow the steps of preprocessing that fix the shape of their images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from zoo.errors import ZooError, counted
from zoo.recipe.steps import PreprocessStep
from zoo.tasks import IGNORED_PIXEL


def follow_steps(masks: np.ndarray, steps: Sequence[PreprocessStep], where: str) -> np.ndarray:
    """Return the masks of a split, resized as the recipe's steps resize their images.

    Args:
        masks: uint8 `(examples, height, width)`, or `(examples,)` of masks of different sizes.
        steps: the recipe's steps.
        where: the source, for messages.

    Returns:
        uint8 `(examples, height, width)`. A resized pixel has the class of the pixel that its centre falls on.

    Raises:
        ZooError: masks have different sizes and no step resizes them, or all pixels of a mask are ignored.
    """
    for step in steps:
        if step.resize is not None:
            height, width = step.resize.height, step.resize.width
            masks = np.stack([_resized(mask, height, width) for mask in masks])
    if masks.dtype == object:
        sizes = sorted({mask.shape for mask in masks})
        shown = ", ".join(f"{height}×{width}" for height, width in sizes[:3])
        raise ZooError(
            f"{where}: the images have {len(sizes):,} different sizes ({shown}{', …' if len(sizes) > 3 else ''}); put "
            "a resize first in preprocess, for example {resize: {height: 64, width: 64}}: the masks follow it"
        )
    empty = np.flatnonzero((masks == IGNORED_PIXEL).all(axis=(1, 2)))
    if len(empty):
        raise ZooError(
            f"{where}: every pixel is ignored in {counted([int(i) + 1 for i in empty], 'masks of a split')}; remove "
            "these images"
        )
    return masks


def resize_notes(steps: Sequence[PreprocessStep]) -> list[str]:
    """Return a note where steps resize the masks."""
    sizes = [f"{step.resize.height}×{step.resize.width}" for step in steps if step.resize is not None]
    if not sizes:
        return []
    return [f"masks are resized with their images, to {sizes[-1]}: loss and metrics are of the resized masks"]


def _resized(mask: np.ndarray, height: int, width: int) -> np.ndarray:
    rows = ((np.arange(height) + 0.5) * mask.shape[0] / height).astype(int)
    columns = ((np.arange(width) + 0.5) * mask.shape[1] / width).astype(int)
    return mask[rows[:, None], columns]
