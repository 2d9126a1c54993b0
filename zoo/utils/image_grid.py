"""Images in a grid, as one picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from zoo.utils.files import replacing

DEFAULT_COLUMNS = 10
_LINE_VALUE = 40  # of 255: the grey of the line between two images


def write_grid(path: Path, images: np.ndarray) -> None:
    """Write images as one PNG file."""
    from PIL import Image

    grid = tile(images)
    with replacing(path) as temporary:
        Image.fromarray(grid[..., 0] if grid.shape[-1] == 1 else grid).save(temporary, format="PNG")


def tile(images: np.ndarray | Sequence[np.ndarray], columns: int = DEFAULT_COLUMNS) -> np.ndarray:
    """Return images `(n, height, width, channels)` as a grid, with a line of one pixel between them."""
    count, height, width, channels = np.shape(images)
    rows = -(-count // columns)
    grid = np.full((rows * (height + 1) - 1, columns * (width + 1) - 1, channels), _LINE_VALUE, np.uint8)
    for i, image in enumerate(images):
        top, left = i // columns * (height + 1), i % columns * (width + 1)
        grid[top : top + height, left : left + width] = image
    return grid
