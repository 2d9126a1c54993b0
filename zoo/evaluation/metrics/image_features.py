"""Image features: a classifier's probabilities and the features before its head, for images of any origin."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from zoo.errors import ZooError
from zoo.evaluation.metrics.generation import image_rows

if TYPE_CHECKING:
    from keras import Model

_BATCH_IMAGES = 500

ImageFeatures = Callable[[np.ndarray], np.ndarray]  # uint8 `(n, height, width, channels)` to `image_rows`


def image_features(classifier: Model, features: Model, shape: tuple[int, ...], name: str) -> ImageFeatures:
    """Return a function from uint8 images `(n, height, width, channels)` to rows, see `image_rows`.

    Args:
        classifier: Keras model from raw images to probabilities.
        features: Keras model from raw images to features.
        shape: shape of the images.
        name: name of the classifier, for messages.

    Raises:
        ZooError: the classifier takes images of another shape.
    """
    takes = tuple(classifier.inputs[0].shape[1:])
    if any(a not in (None, b) for a, b in zip(takes, shape, strict=True)):
        raise ZooError(f"evaluation.features: {name} takes images of shape {takes}; received images of shape {shape}")

    def rows(images: np.ndarray) -> np.ndarray:
        batches = [images[i : i + _BATCH_IMAGES] for i in range(0, len(images), _BATCH_IMAGES)]
        return np.concatenate(
            [image_rows(classifier.predict_on_batch(x), features.predict_on_batch(x)) for x in batches]
        )

    return rows


def unlabeled_features(features: Model) -> ImageFeatures:
    """Return a function from uint8 images to rows of features that know no classes, see `image_rows`.

    Args:
        features: Keras model from raw images to features.
    """

    def rows(images: np.ndarray) -> np.ndarray:
        batches = [images[i : i + _BATCH_IMAGES] for i in range(0, len(images), _BATCH_IMAGES)]
        found = np.concatenate([np.asarray(features.predict_on_batch(x)) for x in batches])
        return image_rows(np.zeros((len(found), 0)), found)

    return rows
