"""Masks follow the steps of preprocessing that fix the shape of their images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from zoo.errors import ZooError, counted
from zoo.tasks import IGNORED_PIXEL

if TYPE_CHECKING:
    from zoo.recipe.steps import PreprocessStep, Resize


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
    if any(step.resize is not None for step in steps):
        masks = np.stack([follow_mask(mask, steps, IGNORED_PIXEL) for mask in masks])
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
    padding = "; padding counts nowhere" * any(step.resize is not None and step.resize.mode == "pad" for step in steps)
    return [f"masks are resized with their images, to {sizes[-1]}: loss and metrics are of the resized masks{padding}"]


def follow_mask(mask: np.ndarray, steps: Sequence[PreprocessStep], outside: int | bool) -> np.ndarray:
    """Return a mask `(height, width)`, resized and cut as the recipe's steps resize and cut its image.

    Args:
        mask: of one image.
        steps: the recipe's steps.
        outside: what padding gets.
    """
    for step in steps:
        if step.resize is not None:
            mask = _resized(mask, step.resize, outside)
        if step.center_crop is not None:
            height, width = step.center_crop.height, step.center_crop.width
            top, left = (mask.shape[0] - height) // 2, (mask.shape[1] - width) // 2
            mask = mask[top : top + height, left : left + width]
    return mask


def _resized(mask: np.ndarray, resize: Resize, outside: int | bool) -> np.ndarray:
    ratios = mask.shape[0] / resize.height, mask.shape[1] / resize.width
    if resize.mode != "stretch":
        ratios = ((min if resize.mode == "crop" else max)(ratios),) * 2
    (rows, some_rows), (columns, some_columns) = (
        _places(size, target, ratio)
        for size, target, ratio in zip(mask.shape, (resize.height, resize.width), ratios, strict=True)
    )
    inside = some_rows[:, None] & some_columns[None]
    return np.where(inside, mask[rows[:, None], columns], np.asarray(outside, mask.dtype))


def _places(size: int, target: int, ratio: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the pixel on which the centre of each of `target` pixels falls, and whether there is one."""
    centers = (np.arange(target) + 0.5 - target / 2) * ratio + size / 2
    inside = (centers > 0) & (centers < size)
    return np.clip(centers.astype(int), 0, size - 1), inside
