"""Images for the page, as PNG data URIs."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.postprocessing.class_colors import class_rgb

if TYPE_CHECKING:
    from PIL.Image import Image

THUMBNAIL_SIZE = 96  # CSS pixels of the longer side


def picture(image: np.ndarray, longest: int = THUMBNAIL_SIZE) -> dict[str, Any]:
    """Return an image as a PNG data URI and the size to show it in.

    Args:
        image: uint8, shape `(height, width)` or `(height, width, channels)` with 1, 3 or 4 channels.
        longest: size of the longer side on the page, in CSS pixels.

    Returns:
        `source`, `width`, `height` and `pixelated` (whether it is shown larger than it is).
    """
    from PIL import Image

    image = np.asarray(image, dtype=np.uint8)
    image = image[..., 0] if image.ndim == 3 and image.shape[-1] == 1 else image
    return _encoded(Image.fromarray(image), longest)


def class_picture(mask: np.ndarray, longest: int = THUMBNAIL_SIZE) -> dict[str, Any]:
    """Return classes of pixels, shape `(height, width)`, as a picture in the colours of `class_color`."""
    from PIL import Image

    image = Image.fromarray(np.asarray(mask, dtype=np.uint8))
    image.putpalette([value for label in range(256) for value in class_rgb(label)])
    return _encoded(image, longest)


def spectrogram_picture(spectrogram: np.ndarray) -> np.ndarray:
    """Return a spectrogram `(frames, bands)` as a grey uint8 image: time runs right, frequency up, loud is light."""
    image = np.flipud(spectrogram.T)
    low, high = float(image.min()), float(image.max())
    return np.round(255 * (image - low) / ((high - low) or 1)).astype(np.uint8)


def class_color(label: int) -> str:
    """Return the colour of a class, in CSS."""
    return "#{:02x}{:02x}{:02x}".format(*class_rgb(label))


def _encoded(image: Image, longest: int) -> dict[str, Any]:
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", optimize=True)
    scale = longest / max(image.size)
    return {
        "source": "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode(),
        "width": round(image.width * scale),
        "height": round(image.height * scale),
        "pixelated": scale > 1,
    }
