"""A network of random convolutions, whose features of images need no labels.

Random networks rank generated images much as trained ones do (Naeem et al., "Reliable Fidelity and Diversity Metrics
for Generative Models", 2020, https://arxiv.org/abs/2002.09797), and favour no class and no data set.
"""

from __future__ import annotations

import keras
from keras import ops

WIDTHS = (32, 64, 64)  # channels of the stages, each of half the size; more need more images than most data has
SEED = 0


def random_convolutions(shape: tuple[int, ...]) -> keras.Model:
    """Return a network from uint8 images to features; its weights are a function of the number of channels alone.

    Args:
        shape: of an image, `(height, width, channels)`.

    Returns:
        A model from `(batch, *shape)` to the mean and the standard deviation of each map, `(batch, features)`.
    """
    inputs = keras.Input(shape, dtype="uint8")
    x = keras.layers.Rescaling(2 / 255, -1.0)(inputs)
    found = []
    for stage, width in enumerate(WIDTHS):
        x = keras.layers.Conv2D(
            width,
            3,
            strides=2 if stage and min(x.shape[1:3]) > 1 else 1,
            padding="same",
            activation="relu",
            kernel_initializer=keras.initializers.HeNormal(seed=SEED + stage),
        )(x)
        found += [ops.mean(x, axis=(1, 2)), ops.std(x, axis=(1, 2))]
    return keras.Model(inputs, ops.concatenate(found, axis=-1), name="random_convolutions")
