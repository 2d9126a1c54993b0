"""The encoder inside a network that learns representations, and what the network's features are."""

from __future__ import annotations

import keras

from zoo.errors import ZooError
from zoo.layers.head import FEATURES, features

ENCODER = "encoder"


def encoder_of(model: keras.Model) -> keras.Model:
    """Return the model inside `model` that maps an image to features `(batch, channels)`; the weights are shared.

    Its layers have the names that they have in the builder for classification of the same name and settings.

    Raises:
        ZooError: the model has no such part.
    """
    for layer in model.layers:
        if layer.name == ENCODER and isinstance(layer, keras.Model):
            return layer
    raise ZooError(f"model '{model.name}' has no encoder of its own")


def representation(model: keras.Model) -> keras.Model:
    """Return the model from an image to its representation, `(batch, channels)`; the weights are shared.

    That is the layer "features" where there is one, and the encoder's output otherwise.

    Raises:
        ZooError: the model has neither.
    """
    return features(model) if any(layer.name == FEATURES for layer in model.layers) else encoder_of(model)
