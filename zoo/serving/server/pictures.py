"""Pictures in answers: what was found drawn over the image, and images that a model makes."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np

from zoo.errors import ZooError
from zoo.serving.exported_model import ExportedModel
from zoo.serving.kinds import KINDS
from zoo.serving.prediction import Prediction
from zoo.tasks import TASKS

MAX_IMAGES = 64  # that are made at a time


def png(pixels: np.ndarray) -> str:
    """Return an image `(height, width, channels)` as PNG in base64."""
    from PIL import Image

    return _encoded(Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels))


def pictures_of(model: ExportedModel, raw: Any, prediction: Prediction) -> list[str | None]:
    """Return a PNG in base64 for each image with what was found in it; None where there is nothing to draw."""
    draw = KINDS[TASKS[model.task].kind].draw
    if draw is None:
        return [None] * len(prediction)
    found: list[str | None] = []
    for row in range(len(prediction)):
        is_finite = prediction.finite is None or bool(prediction.finite[row])
        image = raw[row][0] if raw[row].ndim == 4 else raw[row]
        found.append(_encoded(draw(image, prediction, row, model)) if is_finite else None)
    return found


def _encoded(picture: Any) -> str:
    file = io.BytesIO()
    picture.save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


def make_images(
    model: ExportedModel, *, count: int, seed: int, labels: list[str] | None, guidance: float | None
) -> list[str]:
    """Return images that a model makes, each a PNG in base64.

    Raises:
        ZooError: the model makes none, or does not take these settings.
    """
    if not TASKS[model.task].makes_images:
        raise ZooError("making images is for generators; send examples: POST /predict/NAME")
    try:
        images = model.sample(count, seed=seed, labels=labels, guidance=guidance)
    except ZooError as error:
        raise ZooError(str(error).replace(f"{model.path}: ", "")) from error
    return [png(image) for image in images]
