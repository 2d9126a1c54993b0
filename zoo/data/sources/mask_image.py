"""Mask files to class ids: the stored values, whatever colours a palette shows them in."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image

from zoo.data.sources.images import MAX_PIXELS, read_image_file
from zoo.errors import ZooError

_FORMATS = ("PNG", "TIFF")  # that keep every value
_SCALES = {  # how Pillow stores values on disk, and the factor that it multiplies them by
    **dict.fromkeys(("1", "L", "P", "P;1", "P;2", "P;4", "I;16", "I;16B", "I;16L"), 1),
    "L;2": 85,
    "L;4": 17,
}


def read_mask(path: Path) -> np.ndarray:
    """Return the class ids of a mask: uint8, or int32 where the file has 16 bits a pixel, `(height, width)`.

    Raises:
        ZooError: the file is not readable, no PNG or TIFF, or has more than one value a pixel.
    """
    content = read_image_file(path)
    if not content:
        raise ZooError(f"{path}: not readable as an image (the file is empty)")
    try:
        with Image.open(io.BytesIO(content), formats=_FORMATS) as image:
            return _ids(image, path)
    except ZooError:
        raise
    except Image.UnidentifiedImageError as error:
        raise ZooError(f"{path}: no {' or '.join(_FORMATS)}; other formats may change the classes of pixels") from error
    except Exception as error:  # Pillow's decoders raise exceptions of many types
        raise ZooError(f"{path}: not readable as an image ({error or type(error).__name__})") from error


def _ids(image: Image.Image, path: Path) -> np.ndarray:
    if image.width * image.height > MAX_PIXELS:
        raise ZooError(f"{path}: more than {MAX_PIXELS:,} pixels, the most that are decoded")
    if getattr(image, "n_frames", 1) > 1:
        raise ZooError(f"{path}: holds several frames or pages")
    scale = _SCALES.get(_stored_as(image))
    if scale is None or image.mode not in ("1", "L", "P", "I", "I;16", "I;16B", "I;16L"):
        raise ZooError(f"{path}: its pixels are {image.mode}; expected one class id each: palette or grey")
    values = np.asarray(image)
    return values.astype(np.uint8) // np.uint8(scale) if values.itemsize == 1 else values.astype(np.int32)


def _stored_as(image: Image.Image) -> str:
    """Return Pillow's name of the form in which pixels are stored."""
    tiles = getattr(image, "tile", ())  # parts of the file, each as (decoder, area, offset, arguments)
    arguments = tiles[0][3] if tiles else ""
    return str(arguments[0] if isinstance(arguments, tuple) else arguments)
