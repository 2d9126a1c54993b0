"""The size that images of different sizes get where a recipe says none."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from zoo.data.dataset import Signature, Split
from zoo.data.image_sizes import image_sizes
from zoo.recipe.steps import PreprocessStep, Resize

MAX_SIDE = 128  # pixels of the longer side; larger images cost more than most small networks gain from them
LINE_HEIGHT = 32  # pixels of a line of text that is read, at most
MAX_LINE_WIDTH = 1024  # pixels
MULTIPLE = 16  # by which patches and the halvings of most networks can divide the sides
_MAX_SAMPLED_IMAGES = 256  # that are decoded for their sizes, where these are not known


def default_resize(
    steps: Sequence[PreprocessStep], train: Split, signature: Signature, *, lines: bool = False
) -> tuple[PreprocessStep | None, str]:
    """Return the step that a recipe lacks, and a note on it; None where it has one or needs none.

    Args:
        steps: the recipe's steps.
        train: the training split.
        signature: what its examples look like.
        lines: the images are lines of text, whose columns are read one by one.
    """
    given = any(step.resize is not None or step.center_crop is not None for step in steps)
    if signature.kind != "image" or None not in signature.shape[:2] or given:
        return None, ""
    sizes = image_sizes(train, _MAX_SAMPLED_IMAGES)
    resize = _of_lines(sizes) if lines else _of_photos(sizes)
    low, high = (f"{h}×{w}" for h, w in (sizes.min(axis=0), sizes.max(axis=0)))
    median = "×".join(f"{side:.0f}" for side in np.median(sizes, axis=0))
    done = "padded" if lines else "stretched"
    note = (
        f"the images have different sizes (of {len(sizes):,} training images, height × width from {low} to {high}, the "
        f"median {median}), and the recipe names none: they are {done} to {resize.height}×{resize.width}; choose by a "
        f"first step of preprocess: {{resize: {{height: {resize.height}, width: {resize.width}, mode: {resize.mode}}}}}"
    )
    return PreprocessStep(resize=resize), note


def _of_photos(sizes: np.ndarray) -> Resize:
    """Return the median height and width, made smaller to `MAX_SIDE`."""
    middle = np.median(sizes, axis=0)
    height, width = (_rounded(side) for side in middle * min(1.0, MAX_SIDE / middle.max()))
    return Resize(height=height, width=width)


def _of_lines(sizes: np.ndarray) -> Resize:
    """Return a height of `LINE_HEIGHT` or less, and the width of the longest line at this height."""
    height = min(float(LINE_HEIGHT), float(np.median(sizes[:, 0])))
    longest = MULTIPLE * math.ceil((sizes[:, 1] * height / sizes[:, 0]).max() / MULTIPLE)
    return Resize(height=_rounded(height), width=min(MAX_LINE_WIDTH, longest), mode="pad")


def _rounded(side: float) -> int:
    return max(1, int(side)) if side < MULTIPLE else MULTIPLE * max(1, int(side / MULTIPLE + 0.5))
