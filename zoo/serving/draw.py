"""Pictures of an answer: an image with the boxes or the classes of pixels that were found in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from zoo.postprocessing.class_colors import class_rgb
from zoo.tasks import IGNORED_PIXEL

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

MIN_SIDE = 320  # pixels of the longer side: smaller images are enlarged, so that names can be read
_OPACITY = 0.55  # of the colour that is laid over pixels of a class
_LINE = 16  # pixels of a line of text


def draw_boxes(image: np.ndarray, boxes: np.ndarray, labels: Sequence[str], least: float) -> Image:
    """Return an image with the outlines, names and scores of boxes.

    Args:
        image: uint8 `(height, width, 1 or 3)`.
        boxes: `(boxes, 6)`: ymin, xmin, ymax, xmax as fractions of the image, class, score.
        labels: names of the classes.
        least: score below which a box is not drawn.
    """
    from PIL import ImageDraw as Draw

    picture = _enlarged(image)
    pen = Draw.Draw(picture)
    width = max(2, round(max(picture.size) / 300))
    scale = np.array([picture.height, picture.width] * 2)
    for row in boxes[boxes[:, 5] >= least][::-1]:  # the surest on top
        top, left, bottom, right = np.clip(row[:4], 0, 1) * scale
        color = class_rgb(int(row[4]) + 1)
        pen.rectangle((left, top, max(left, right - 1), max(top, bottom - 1)), outline=color, width=width)
        _write(pen, (left, top - _LINE if top >= _LINE else top), f"{labels[int(row[4])]} {row[5]:.2f}", color)
    return picture


def draw_mask(image: np.ndarray, mask: np.ndarray, labels: Sequence[str]) -> Image:
    """Return an image with the colour of its class laid over each pixel, and the names of the classes below.

    Class 0, which is the background where there is one, is left as it is.

    Args:
        image: uint8 `(height, width, 1 or 3)`.
        mask: class of each pixel, `(rows, columns)`, of the image's size or of that which the model resizes it to; 255
            in the padding around it, if there is some.
        labels: names of the classes.
    """
    from PIL import Image
    from PIL import ImageDraw as Draw

    picture = _enlarged(image)
    mask = _without_padding(mask)
    classes = Image.fromarray(mask.astype(np.uint8)).resize(picture.size, Image.Resampling.NEAREST)
    index = np.asarray(classes)
    colors = np.array([class_rgb(label) for label in range(256)], np.float32)[index]
    pixels = np.asarray(picture, np.float32)
    laid = np.where((index > 0)[..., None], (1 - _OPACITY) * pixels + _OPACITY * colors, pixels)
    found = [int(label) for label in np.unique(mask) if label]
    below = Image.new("RGB", (picture.width, picture.height + _LINE * len(found)), "white")
    below.paste(Image.fromarray(np.rint(laid).astype(np.uint8)))
    pen = Draw.Draw(below)
    for place, label in enumerate(found):
        top = picture.height + _LINE * place
        pen.rectangle((2, top + 2, _LINE - 4, top + _LINE - 4), fill=class_rgb(label))
        pen.text((_LINE + 2, top + 2), f"{labels[label]} {(mask == label).mean():.1%}", fill="black")
    return below


def _without_padding(mask: np.ndarray) -> np.ndarray:
    """Return the part of a mask that is the image."""
    rows, columns = (np.flatnonzero((mask != IGNORED_PIXEL).any(axis=axis)) for axis in (1, 0))
    return mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] if len(rows) else mask


def _enlarged(image: np.ndarray) -> Image:
    """Return an image in colour; a small one enlarged by a whole number."""
    from PIL import Image

    picture = Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image).convert("RGB")
    times = -(-MIN_SIDE // max(picture.size))
    return picture.resize((picture.width * times, picture.height * times), Image.Resampling.NEAREST)


def _write(pen: ImageDraw, place: tuple[float, float], text: str, color: tuple[int, int, int]) -> None:
    """Write a text on its colour, dark or light by what can be read on it."""
    box = pen.textbbox(place, text)
    pen.rectangle((box[0] - 1, box[1] - 1, box[2] + 1, box[3] + 1), fill=color)
    bright = 0.299 * color[0] + 0.587 * color[1] + 0.114 * color[2] > 128
    pen.text(place, text, fill="black" if bright else "white")
