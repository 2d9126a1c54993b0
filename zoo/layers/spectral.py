"""Spectral normalization: convolution and dense layer whose kernel is divided by its largest singular value.

Miyato, Kataoka, Koyama and Yoshida, 2018, arXiv:1802.05957.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

_EPSILON = 1e-12  # added to the squared length of a vector


class _Spectral:
    """Base of both layers: the singular vector, and the kernel divided by its singular value.

    The kernel is read as a matrix `(inputs, filters)`. Each training step does one power iteration; the vector does not
    change at inference.
    """

    _training: bool = False

    def _add_vector(self: Any, filters: int) -> None:
        initializer = keras.initializers.RandomNormal(0.0, 1.0)
        self.vector = self.add_weight((1, filters), initializer, trainable=False, name="singular_vector")

    def save_own_variables(self: Any, store: Any) -> None:
        """Save the vector in addition to the variables of the base layer."""
        super().save_own_variables(store)  # type: ignore[misc]
        store["singular_vector"] = self.vector

    def load_own_variables(self: Any, store: Any) -> None:
        """Load what `save_own_variables` saved."""
        super().load_own_variables(store)  # type: ignore[misc]
        self.vector.assign(store["singular_vector"])

    def _divided(self: Any, kernel: Any) -> Any:
        """Return the kernel divided by its largest singular value, through which the gradient flows."""
        matrix = ops.reshape(kernel, (-1, kernel.shape[-1]))
        fixed = ops.stop_gradient(matrix)
        left = _unit(ops.matmul(self.vector, ops.transpose(fixed)))
        right = _unit(ops.matmul(left, fixed))
        if self._training:
            self.vector.assign(right)
        value = ops.matmul(ops.matmul(left, matrix), ops.transpose(right))
        return kernel / ops.reshape(value, ())


def _unit(x: Any) -> Any:
    return x / ops.sqrt(ops.sum(ops.square(x)) + _EPSILON)


@keras.saving.register_keras_serializable("zoo")
class SpectralConv2D(_Spectral, keras.layers.Conv2D):
    """Convolution with spectral normalization. Arguments as for `keras.layers.Conv2D`."""

    def build(self, shape: Any) -> None:
        """Make the kernel and its singular vector."""
        super().build(shape)
        self._add_vector(self.filters)

    def call(self, x: Any, training: bool = False) -> Any:
        """Map `(batch, height, width, channels)` to `(batch, height', width', filters)`."""
        self._training = bool(training)
        return super().call(x)

    def convolution_op(self, inputs: Any, kernel: Any) -> Any:
        """Convolve with the normalized kernel."""
        return super().convolution_op(inputs, self._divided(kernel))


@keras.saving.register_keras_serializable("zoo")
class SpectralDense(_Spectral, keras.layers.Dense):
    """Dense layer with spectral normalization. Arguments as for `keras.layers.Dense`; no activation."""

    def build(self, shape: Any) -> None:
        """Make the kernel and its singular vector."""
        super().build(shape)
        self._add_vector(self.units)

    def call(self, x: Any, training: bool = False) -> Any:
        """Map `(batch, channels)` to `(batch, units)`."""
        self._training = bool(training)
        x = ops.matmul(x, self._divided(self.kernel))
        return x + self.bias if self.use_bias else x
