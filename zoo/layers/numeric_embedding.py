"""Embeddings of the numbers of a table (Gorishniy, Rubachev and Babenko, 2022, arXiv:2203.05556)."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.layers.adapted import AdaptedLayer
from zoo.layers.types import Shape

_UNBOUNDED = 1e9  # a limit of the first and the last bin's numbers, which go on beyond the examples


@keras.saving.register_keras_serializable("zoo")
class PiecewiseLinearEmbedding(AdaptedLayer):
    """An embedding of each number that is linear between quantiles of the training examples.

    A number x becomes one value a bin, `(x - lower) / (upper - lower)`, cut off at 0 and 1 but for the lower end of the
    first bin and the upper end of the last; a linear map of these, 0 at first, is added to one of the number itself.
    `adapt` sets the bins, fewer where numbers repeat.

    Input `(batch, features)` float; output `(batch, features, width)`.

    Args:
        bins: of each feature at most.
        width: of the embedding.
    """

    def __init__(self, bins: int = 48, width: int = 16, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.bins, self.width = bins, width

    def build(self, shape: Shape) -> None:
        """Make the maps, and room for the bins."""
        features = shape[-1]
        assert features is not None
        size = (features, self.bins)

        def fixed(name: str, initializer: str) -> Any:
            return self.add_weight(name=name, shape=size, initializer=initializer, trainable=False)

        self.lower, self.inverse_width = fixed("lower", "zeros"), fixed("inverse_width", "zeros")  # no bins
        self.floor, self.ceiling = fixed("floor", "zeros"), fixed("ceiling", "ones")
        uniform = keras.initializers.RandomUniform(-1.0, 1.0)  # one over the square root of one input
        self.scale = self.add_weight(name="scale", shape=(features, self.width), initializer=uniform)
        self.bias = self.add_weight(name="bias", shape=(features, self.width), initializer=uniform)
        self.kernel = self.add_weight(name="kernel", shape=(*size, self.width), initializer="zeros")

    def adapt(self, examples: np.ndarray) -> None:
        """Set the bins of each feature by the quantiles of its numbers."""
        shape = (examples.shape[-1], self.bins)
        lower, inverse_width, floor, ceiling = np.zeros(shape), np.zeros(shape), np.zeros(shape), np.ones(shape)
        for feature, values in enumerate(examples.T.astype(np.float64)):
            edges = np.unique(np.quantile(values, np.linspace(0, 1, self.bins + 1)))
            count = len(edges) - 1
            if count > 0:
                lower[feature, :count], inverse_width[feature, :count] = edges[:-1], 1 / np.diff(edges)
                floor[feature, 0], ceiling[feature, count - 1] = -_UNBOUNDED, _UNBOUNDED
        for weight, found in (
            (self.lower, lower),
            (self.inverse_width, inverse_width),
            (self.floor, floor),
            (self.ceiling, ceiling),
        ):
            weight.assign(found)

    def call(self, numbers: Any) -> Any:
        """Embed the numbers."""
        x = ops.expand_dims(ops.cast(numbers, self.compute_dtype), -1)
        parts = ops.minimum(ops.maximum((x - self.lower) * self.inverse_width, self.floor), self.ceiling)
        return ops.einsum("bfn,fnw->bfw", parts, self.kernel) + x * self.scale + self.bias

    def compute_output_shape(self, shape: Shape) -> Shape:
        """Return `(batch, features, width)`."""
        return (*shape, self.width)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "bins": self.bins, "width": self.width}


@keras.saving.register_keras_serializable("zoo")
class LinearEmbedding(keras.layers.Layer):
    """A vector for each number, times it, plus a vector: input `(batch, features)`, output `(batch, features, width)`.

    Args:
        width: of the embedding.
    """

    def __init__(self, width: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.width = width

    def build(self, shape: Shape) -> None:
        """Make the vectors."""
        bound = self.width**-0.5
        uniform = keras.initializers.RandomUniform(-bound, bound)
        self.scale = self.add_weight(name="scale", shape=(shape[-1], self.width), initializer=uniform)
        self.bias = self.add_weight(name="bias", shape=(shape[-1], self.width), initializer=uniform)

    def call(self, numbers: Any) -> Any:
        """Embed the numbers."""
        return ops.expand_dims(ops.cast(numbers, self.compute_dtype), -1) * self.scale + self.bias

    def compute_output_shape(self, shape: Shape) -> Shape:
        """Return `(batch, features, width)`."""
        return (*shape, self.width)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "width": self.width}


@keras.saving.register_keras_serializable("zoo")
class PeriodicEmbedding(keras.layers.Layer):
    """Each number beside a linear map of cosines of it, `cos(2 pi frequency x + phase)`, whose frequencies are learned.

    The PBLD embedding of Holzmüller, Grinsztajn and Steinwart, 2024, arXiv:2407.04491.

    Input `(batch, features)` float; output `(batch, features, width)`, the number itself last.

    Args:
        width: of the embedding, 2 or more.
        frequencies: of each feature.
        deviation: standard deviation of the frequencies at first.
    """

    def __init__(self, width: int = 4, frequencies: int = 16, deviation: float = 0.1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.width, self.frequencies, self.deviation = width, frequencies, deviation

    def build(self, shape: Shape) -> None:
        """Make frequencies, phases and the maps."""
        size = (shape[-1], self.frequencies)
        bound = self.frequencies**-0.5
        normal = keras.initializers.RandomNormal(stddev=self.deviation)
        angle = keras.initializers.RandomUniform(-np.pi, np.pi)
        uniform = keras.initializers.RandomUniform(-bound, bound)
        self.frequency = self.add_weight(name="frequency", shape=size, initializer=normal)
        self.phase = self.add_weight(name="phase", shape=size, initializer=angle)
        self.kernel = self.add_weight(name="kernel", shape=(*size, self.width - 1), initializer=uniform)
        self.bias = self.add_weight(name="bias", shape=(shape[-1], self.width - 1), initializer=uniform)

    def call(self, numbers: Any) -> Any:
        """Embed the numbers."""
        x = ops.expand_dims(ops.cast(numbers, self.compute_dtype), -1)
        waves = ops.cos(2 * np.pi * x * self.frequency + self.phase)
        return ops.concatenate([ops.einsum("bfn,fnw->bfw", waves, self.kernel) + self.bias, x], axis=-1)

    def compute_output_shape(self, shape: Shape) -> Shape:
        """Return `(batch, features, width)`."""
        return (*shape, self.width)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        own = {"width": self.width, "frequencies": self.frequencies, "deviation": self.deviation}
        return {**super().get_config(), **own}
