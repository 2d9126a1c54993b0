"""Image files to arrays: the one decoder that training, evaluation and serving use."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from zoo.errors import ZooError

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff")
_MODES = {1: "L", 3: "RGB"}


def decode_image(content: bytes, channels: int, name: str) -> np.ndarray:
    """Decode an image file.

    The image is turned by its EXIF orientation and converted to grey or RGB; an alpha channel is dropped, a palette
    resolved, and of several frames the first is taken.

    Args:
        content: the file's bytes.
        channels: 1 (grey) or 3 (RGB).
        name: the file's name, for messages.

    Returns:
        uint8 array `(height, width, channels)`.

    Raises:
        ZooError: the file is damaged, cut short or not an image.
    """
    try:
        with warnings.catch_warnings(), Image.open(io.BytesIO(content)) as image:
            warnings.simplefilter("ignore")
            if image.mode.startswith(("I", "F")):  # 16 and 32 bits a pixel: Pillow would clip, not scale
                raise ZooError(
                    f"{name}: images of mode '{image.mode}' are not supported; save it with 8 bits a channel"
                )
            upright = ImageOps.exif_transpose(image)
            pixels = np.asarray(upright.convert(_MODES[channels]), dtype=np.uint8)
    except ZooError:
        raise
    except Exception as error:  # Pillow's decoders raise exceptions of many types
        raise ZooError(f"{name}: not readable as an image ({error or type(error).__name__})") from error
    return pixels.reshape(*pixels.shape[:2], channels)


def read_image(path: str | Path, channels: int) -> np.ndarray:
    """Read and decode an image file; see `decode_image`."""
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise ZooError(f"{path}: not readable ({error.strerror})") from error
    return decode_image(content, channels, str(path))


def image_files(folder: Path) -> list[Path]:
    """Return the image files below a folder, sorted by path; hidden files are left out."""
    return sorted(
        p
        for p in folder.rglob("*")
        if p.suffix.lower() in SUFFIXES
        and p.is_file()
        and not any(s.startswith(".") for s in p.relative_to(folder).parts)
    )
