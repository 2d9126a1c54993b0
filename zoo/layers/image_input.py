"""What builders of networks for images ask of their input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

Stem = Literal["small", "imagenet"]


def check_image(input_shape: Sequence[int], smallest: int = 1) -> None:
    """Check the shape of an image.

    Raises:
        ValueError: it is no `(height, width, channels)` of a known size, or smaller than `smallest` pixels.
    """
    if len(input_shape) != 3:
        raise ValueError(f"needs images, (height, width, channels). Received: input_shape={tuple(input_shape)}")
    if None in input_shape:
        raise ValueError(
            f"needs images, (height, width, channels), of a known size. Received: input_shape={tuple(input_shape)}"
        )
    if min(input_shape[:2]) < smallest:
        raise ValueError(f"needs images of {smallest}x{smallest} or more. Received: input_shape={tuple(input_shape)}")


def check_stages(depths: Sequence[int], widths: Sequence[int]) -> None:
    """Check the stages of a network.

    Raises:
        ValueError: there is none, or not a depth and a width for each.
    """
    if not depths or len(depths) != len(widths):
        raise ValueError(f"needs a depth and a width for each stage. Received: depths={depths}, widths={widths}")


def check_divisible(input_shape: Sequence[int], by: int) -> None:
    """Check that the sides of an image are multiples of a number.

    Raises:
        ValueError: they are not, or it is no image of a known size.
    """
    check_image(input_shape)
    if any(size % by for size in input_shape[:2]):
        raise ValueError(f"needs images whose sides are multiples of {by}. Received: input_shape={tuple(input_shape)}")
