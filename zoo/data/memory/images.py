"""Images that a Python program holds: of Pillow, by the rules for files, or arrays of any size."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from zoo.data.arrays import as_pixels
from zoo.data.sources.images import DecodedImage, pixels_of, quiet_pillow
from zoo.errors import ZooError

_CHANNELS = (1, 3)


def is_image_list(x: Any) -> bool:
    """Return whether a list holds Pillow's images, or arrays."""
    return isinstance(x, list | tuple) and len(x) > 0 and isinstance(x[0], Image.Image | np.ndarray)


def decoded_images(x: Sequence[Any], channels: int | None, where: str, notes: list[str]) -> list[np.ndarray]:
    """Return images as uint8 `(height, width, channels)`, all of one number of channels.

    Args:
        x: Pillow's images, or arrays `(height, width)` or `(height, width, 1 or 3)`.
        channels: 1 (grey) or 3 (RGB); None: 1 where all are grey, else 3.
        where: what holds them, for messages.
        notes: what a reader of the results should know is added here.

    Raises:
        ZooError: one is no image.
    """
    remarks = Counter[str]()
    images = []
    with quiet_pillow():
        for number, image in enumerate(x, start=1):
            decoded = pixels(image, channels, f"{where}: image {number}")
            remarks.update(decoded.remarks)
            images.append(decoded.pixels)
    notes += [f"{count:,} of {len(x):,} images {remark}" for remark, count in sorted(remarks.items())]
    wanted = channels or max(image.shape[-1] for image in images)
    wrong = [number for number, image in enumerate(images, start=1) if image.shape[-1] > wanted]
    if wrong:
        raise ZooError(f"{where}: image {wrong[0]} has 3 channels and data.channels is 1 ({len(wrong)} such)")
    return [image if image.shape[-1] == wanted else np.repeat(image, 3, -1) for image in images]


def pixels(image: Any, channels: int | None, where: str) -> DecodedImage:
    """Return one of Pillow's images, or an array, as pixels; an array keeps its channels.

    Raises:
        ZooError: it is no image.
    """
    if isinstance(image, Image.Image):
        return pixels_of(image, channels, where)
    return DecodedImage(_array(image, where))


def digest_of(images: Sequence[np.ndarray]) -> str:
    """Return SHA-256 over shapes and pixels."""
    state = hashlib.sha256()
    for image in images:
        state.update(f"{image.shape}".encode() + np.ascontiguousarray(image).data)
    return state.hexdigest()


def _array(image: Any, where: str) -> np.ndarray:
    values = np.asarray(image)
    values = values[..., None] if values.ndim == 2 else values
    if values.ndim != 3 or values.shape[-1] not in _CHANNELS or not values.size:
        raise ZooError(
            f"{where}: expected (height, width) or (height, width, 1 or 3), received {values.dtype} {values.shape}"
        )
    return as_pixels(values, where)
