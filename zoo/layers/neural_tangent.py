"""Layers of perceptrons in the neural tangent parametrization (Jacot, Gabriel and Hongler, 2018)."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from zoo.layers.types import Shape


def _normal(deviation: float) -> keras.initializers.Initializer:
    return keras.initializers.RandomNormal(stddev=deviation)


@keras.saving.register_keras_serializable("zoo")
class TangentDense(keras.layers.Layer):
    """A dense layer whose kernel begins with variance 1 and is divided by the root of the number of inputs.

    Steps of an optimizer that are of one size, such as Adam's, then change the output by as much at any width. The bias
    is stored in tenths of its unit, so that it learns ten times as slowly.

    Input `(batch, inputs)`; output `(batch, units)`.

    Args:
        units: outputs.
    """

    BIAS_UNIT = 0.1

    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = units

    def build(self, shape: Shape) -> None:
        """Make kernel and bias."""
        inputs = shape[-1]
        assert inputs is not None
        self.divisor = float(inputs) ** 0.5
        self.kernel = self.add_weight(name="kernel", shape=(inputs, self.units), initializer=_normal(1.0))
        self.bias = self.add_weight(name="bias", shape=(self.units,), initializer=_normal(1.0 / self.BIAS_UNIT))

    def call(self, x: Any) -> Any:
        """Return `x kernel / sqrt(inputs) + bias`."""
        return ops.matmul(x, self.kernel) / self.divisor + self.bias * self.BIAS_UNIT

    def compute_output_shape(self, shape: Shape) -> Shape:
        """Return `(batch, units)`."""
        return (*shape[:-1], self.units)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "units": self.units}


@keras.saving.register_keras_serializable("zoo")
class FeatureScale(keras.layers.Layer):
    """A factor for each feature, which begins at 1 and learns six times as fast as other weights.

    Input and output `(batch, features)`.
    """

    SPEED = 6.0

    def build(self, shape: Shape) -> None:
        """Make the factors."""
        self.scale = self.add_weight(name="scale", shape=(shape[-1],), initializer="zeros")

    def call(self, x: Any) -> Any:
        """Multiply each feature by its factor."""
        return x * (1.0 + self.SPEED * self.scale)

    def compute_output_shape(self, shape: Shape) -> Shape:
        """Return the input's shape."""
        return shape


@keras.saving.register_keras_serializable("zoo")
class ParametricActivation(keras.layers.Layer):
    """A mixture of each unit with its activation, `x + weight (activation(x) - x)`, whose weight begins at 1.

    Input and output `(batch, units)`. The weight learns at a tenth of the speed of others.

    Args:
        activation: of Keras.
    """

    SPEED = 0.1

    def __init__(self, activation: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.activation = keras.activations.get(activation)

    def build(self, shape: Shape) -> None:
        """Make the weights."""
        self.weight = self.add_weight(name="weight", shape=(shape[-1],), initializer="zeros")

    def call(self, x: Any) -> Any:
        """Mix."""
        return x + (1.0 + self.SPEED * self.weight) * (self.activation(x) - x)

    def compute_output_shape(self, shape: Shape) -> Shape:
        """Return the input's shape."""
        return shape

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "activation": keras.activations.serialize(self.activation)}
