"""How a classifier of real images sees images: its probabilities and the features before its head."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from zoo.errors import ZooError
from zoo.evaluation.metrics.generation import rows

_BATCH = 500

Judge = Callable[[np.ndarray], np.ndarray]


def make_judge(classifier: Any, features: Any, shape: tuple[int, ...], where: str) -> Judge:
    """Return a function from uint8 images `(n, height, width, channels)` to rows (`zoo.evaluation.metrics.generation`).

    Args:
        classifier: Keras model from raw images to probabilities.
        features: Keras model from raw images to features.
        shape: shape of the images.
        where: name of the classifier, for messages.

    Raises:
        ZooError: the classifier takes images of another shape.
    """
    takes = tuple(classifier.inputs[0].shape[1:])
    if any(a not in (None, b) for a, b in zip(takes, shape, strict=True)):
        raise ZooError(f"evaluation.features: {where} takes images of the shape {takes}, and these have {shape}")

    def judge(images: np.ndarray) -> np.ndarray:
        parts = [images[i : i + _BATCH] for i in range(0, len(images), _BATCH)]
        return np.concatenate([rows(*(m.predict_on_batch(x) for m in (classifier, features))) for x in parts])

    return judge
