"""Preprocessing layers, made of operations that ONNX has: they are part of the saved and the exported model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("zoo")
class AntialiasResize(keras.layers.Layer):
    """Resize images by bilinear interpolation with antialiasing, as Pillow's BILINEAR does on floating-point images.

    Two matrix products with the weights of the triangle filter give the same values in Keras and in onnxruntime for any
    input size; the resize operators of the two differ.

    Input `(batch, height, width, channels)` of any type and size; output `(batch, *size, channels)` float.

    Args:
        height: rows of the output.
        width: columns of the output.
    """

    def __init__(self, height: int, width: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.height, self.width = height, width

    def call(self, images: Any) -> Any:
        """Resize the images."""
        x = ops.cast(images, self.compute_dtype)
        rows, columns = ops.shape(x)[1], ops.shape(x)[2]
        x = ops.einsum("oh,bhwc->bowc", self._weights(rows, self.height), x)
        return ops.einsum("pw,bowc->bopc", self._weights(columns, self.width), x)

    def _weights(self, size: Any, target: int) -> Any:
        """Return the filter's weights `(target, size)`; each row sums to one."""
        size = ops.cast(size, self.compute_dtype)
        ratio = size / target
        reach = ops.maximum(ratio, 1.0)
        centers = (ops.arange(target, dtype=self.compute_dtype)[:, None] + 0.5) * ratio
        pixels = ops.arange(size, dtype=self.compute_dtype)[None, :] + 0.5
        weights = ops.maximum(1.0 - ops.abs(pixels - centers) / reach, 0.0)
        return weights / ops.sum(weights, axis=1, keepdims=True)

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return `(batch, height, width, channels)`."""
        return (shape[0], self.height, self.width, shape[3])

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "height": self.height, "width": self.width}


@keras.saving.register_keras_serializable("zoo")
class FillMissing(keras.layers.Layer):
    """Replace NaN in each column by a given value. Input and output `(batch, columns)` float.

    Args:
        values: one value per column.
    """

    def __init__(self, values: Sequence[float], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.values = [float(v) for v in values]

    def call(self, columns: Any) -> Any:
        """Fill missing values."""
        return ops.where(ops.isnan(columns), ops.convert_to_tensor(self.values, columns.dtype), columns)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "values": self.values}


@keras.saving.register_keras_serializable("zoo")
class OneHot(keras.layers.Layer):
    """One-hot encoding of `index - 1`: index 0, an unknown category, becomes all zeros.

    Input `(batch, 1)` integer; output `(batch, depth)` float.

    Args:
        depth: number of known categories.
    """

    def __init__(self, depth: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.depth = depth

    def call(self, index: Any) -> Any:
        """Encode the index."""
        index = ops.reshape(index, (-1, 1))  # a lookup's result has no shape for tf2onnx
        known = ops.arange(1, self.depth + 1, dtype="int64")[None, :]
        return ops.cast(ops.equal(ops.cast(index, "int64"), known), self.compute_dtype)

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return `(batch, depth)`."""
        return (shape[0], self.depth)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "depth": self.depth}


@keras.saving.register_keras_serializable("zoo")
class DoubleRescaling(keras.layers.Layer):
    """Multiply by `scale` and add `offset` in float64, for numbers whose differences float32 would lose.

    Input `(batch, ..., channels)` float64, or float32 to become float64; output the same shape.

    Args:
        scale: a factor, one for each channel or one for all.
        offset: what is added, likewise.
        output: type of the output: "float32" for numbers that are now centred, "float64" for their own unit.
    """

    def __init__(self, scale: Sequence[float], offset: Sequence[float], output: str = "float32", **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "dtype": "float64"})
        self.scale, self.offset, self.output_type = [*map(float, scale)], [*map(float, offset)], output

    def call(self, values: Any) -> Any:
        """Rescale the values."""
        x = ops.cast(values, "float64")
        scale, offset = ops.convert_to_tensor(self.scale, "float64"), ops.convert_to_tensor(self.offset, "float64")
        return ops.cast(x * scale + offset, self.output_type)

    def compute_output_spec(self, values: Any) -> keras.KerasTensor:
        """Return the spec of the output."""
        return keras.KerasTensor(values.shape, dtype=self.output_type)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        own = {"scale": self.scale, "offset": self.offset, "output": self.output_type}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable("zoo")
class WindowStandardize(keras.layers.Layer):
    """Subtract each window's own mean and divide by its own standard deviation, channel by channel.

    Kim et al., "Reversible instance normalization", 2022, without the learned scale. Input `(batch, steps, channels)`
    float; output the same, and mean and deviation of the first channel, `(batch, 1)` each. A constant window
    has deviation 1. With `dtype="float64"` it computes in float64, and mean and deviation stay so.
    """

    def call(self, windows: Any) -> Any:
        """Standardize the windows."""
        x = ops.cast(windows, self.compute_dtype)
        mean = ops.mean(x, axis=1, keepdims=True)
        centered = x - mean
        deviation = ops.sqrt(ops.mean(ops.square(centered), axis=1, keepdims=True))
        rounding = 1e-12 if self.compute_dtype == "float64" else 1e-6
        deviation = ops.where(deviation > rounding * (1.0 + ops.abs(mean)), deviation, ops.ones_like(deviation))
        standardized = centered / deviation
        if self.compute_dtype == "float64":
            standardized = ops.cast(standardized, "float32")
        return standardized, mean[:, 0, :1], deviation[:, 0, :1]

    def compute_output_spec(self, windows: Any) -> Any:
        """Return the three specs."""
        shape, dtype = windows.shape, self.compute_dtype
        one = (shape[0], 1)
        return (
            keras.KerasTensor(shape, dtype="float32" if dtype == "float64" else dtype),
            keras.KerasTensor(one, dtype=dtype),
            keras.KerasTensor(one, dtype=dtype),
        )


@keras.saving.register_keras_serializable("zoo")
class WindowRestore(keras.layers.Layer):
    """Inverse of `WindowStandardize` for predictions, `(batch, horizon)`."""

    def call(self, values: Any, mean: Any, deviation: Any) -> Any:
        """Return the values in the unit of the series."""
        return values * deviation + mean

    def compute_output_shape(self, shape: tuple[int | None, ...], *_: Any) -> tuple[int | None, ...]:
        """Return `(batch, horizon)`."""
        return shape
