"""The size that images of different sizes get where a recipe says none."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from zoo.data.dataset import Signature, Split
from zoo.data.image_sizes import image_sizes
from zoo.recipe.steps import PreprocessStep, Resize

MAX_SIDE = 128  # pixels of the longer side; larger images cost more than most small networks gain from them
MULTIPLE = 16  # by which patches and the halvings of most networks can divide the sides
_MAX_SAMPLED_IMAGES = 256  # that are decoded for their sizes, where these are not known


def default_resize(
    steps: Sequence[PreprocessStep], train: Split, signature: Signature
) -> tuple[PreprocessStep | None, str]:
    """Return the step that a recipe lacks, and a note on it; None where it has one or needs none.

    The size is the median height and width of the training images, made smaller to `MAX_SIDE`, and of sides of
    `MULTIPLE` pixels or more in multiples of that.

    Args:
        steps: the recipe's steps.
        train: the training split.
        signature: what its examples look like.
    """
    given = any(step.resize is not None or step.center_crop is not None for step in steps)
    if signature.kind != "image" or None not in signature.shape[:2] or given:
        return None, ""
    sizes = image_sizes(train, _MAX_SAMPLED_IMAGES)
    middle = np.median(sizes, axis=0)
    height, width = (_rounded(side) for side in middle * min(1.0, MAX_SIDE / middle.max()))
    low, high = (f"{h}×{w}" for h, w in (sizes.min(axis=0), sizes.max(axis=0)))
    note = (
        f"the images have different sizes (of {len(sizes):,} training images, height × width from {low} to {high}, the "
        f"median {middle[0]:.0f}×{middle[1]:.0f}), and the recipe names none: they are stretched to {height}×{width}; "
        f"choose by a first step of preprocess: {{resize: {{height: {height}, width: {width}, mode: stretch}}}}, or "
        "mode crop or pad"
    )
    return PreprocessStep(resize=Resize(height=height, width=width)), note


def _rounded(side: float) -> int:
    return int(side) if side < MULTIPLE else MULTIPLE * max(1, int(side / MULTIPLE + 0.5))
