"""Preprocessing layers, made of operations that ONNX has: they are part of the saved and the exported model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

MAX_PIXEL = 255.0


@keras.saving.register_keras_serializable("zoo")
class AntialiasResize(keras.layers.Layer):
    """Resize images with antialiasing, as Pillow's BILINEAR and BICUBIC do on floating-point images.

    Two matrix products with the weights of the filter give the same values in Keras and in onnxruntime for any input
    size; the resize operators of the two differ.

    Input `(batch, height, width, channels)` of any type and size; output `(batch, *size, channels)` float.

    Args:
        height: rows of the output.
        width: columns of the output.
        mode: "stretch" changes the shape of the image; "crop" and "pad" keep it, about the middle: "crop" fills the
            output and loses what sticks out, "pad" shows all of the image and fills the rest.
        fill: value of the padding.
        interpolation: "bilinear", or "bicubic" (Keys, 1981, doi:10.1109/TASSP.1981.1163711, with a = -0.5), whose
            values are clipped to 0 to 255, those of a pixel.
    """

    def __init__(
        self,
        height: int,
        width: int,
        mode: str = "stretch",
        fill: float = 0.0,
        *,
        interpolation: str = "bilinear",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.height, self.width, self.mode, self.fill = height, width, mode, fill
        self.interpolation = interpolation

    def call(self, images: Any) -> Any:
        """Resize the images."""
        x = ops.cast(images, self.compute_dtype)
        sizes = [ops.cast(size, self.compute_dtype) for size in ops.shape(x)[1:3]]
        row_ratio, column_ratio = sizes[0] / self.height, sizes[1] / self.width  # pixels of the input for one of these
        if self.mode != "stretch":
            pick = ops.minimum if self.mode == "crop" else ops.maximum
            row_ratio = column_ratio = pick(row_ratio, column_ratio)
        rows, some_rows = self._weights(sizes[0], row_ratio, self.height)
        columns, some_columns = self._weights(sizes[1], column_ratio, self.width)
        x = ops.einsum("oh,bhwc->bowc", rows, x)
        x = ops.einsum("pw,bowc->bopc", columns, x)
        if self.interpolation == "bicubic":
            x = ops.clip(x, 0.0, MAX_PIXEL)
        if self.mode != "pad":
            return x
        return x + self.fill * (1.0 - some_rows[None, :, :, None] * ops.transpose(some_columns)[None, :, :, None])

    def _weights(self, size: Any, ratio: Any, target: int) -> tuple[Any, Any]:
        """Return the filter's weights `(target, size)`, and where the image is, 1 or 0, `(target, 1)`.

        Each row of the weights sums to one, or to 0 where the image is not.
        """
        reach = ops.maximum(ratio, 1.0)
        places = ops.arange(target, dtype=self.compute_dtype)[:, None] + 0.5
        centers = places * ratio if self.mode == "stretch" else (places - target / 2) * ratio + size / 2
        pixels = ops.arange(size, dtype=self.compute_dtype)[None, :] + 0.5
        weights = _FILTERS[self.interpolation](ops.abs(pixels - centers) / reach)
        if self.mode != "pad":
            return weights / ops.sum(weights, axis=1, keepdims=True), None
        inside = ops.cast(ops.logical_and(centers > 0.0, centers < size), self.compute_dtype)
        return inside * weights / ops.maximum(ops.sum(weights, axis=1, keepdims=True), 1e-6), inside

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return `(batch, height, width, channels)`."""
        return (shape[0], self.height, self.width, shape[3])

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        own = {"height": self.height, "width": self.width, "mode": self.mode, "fill": self.fill}
        return {**super().get_config(), **own, "interpolation": self.interpolation}


def _triangle(distance: Any) -> Any:
    return ops.maximum(1.0 - distance, 0.0)


def _keys_cubic(distance: Any) -> Any:
    near = (1.5 * distance - 2.5) * distance * distance + 1.0
    far = ((2.5 - 0.5 * distance) * distance - 4.0) * distance + 2.0
    return ops.where(distance < 1.0, near, ops.where(distance < 2.0, far, ops.zeros_like(distance)))


_FILTERS = {"bilinear": _triangle, "bicubic": _keys_cubic}  # weight of a pixel by its distance from the centre
INTERPOLATIONS = tuple(_FILTERS)


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
    float; output the same, and mean and deviation of the first channels, `(batch, targets)` each. A constant window
    has deviation 1. With `dtype="float64"` it computes in float64, and mean and deviation stay so.

    Args:
        targets: number of the first channels, which are predicted.
    """

    def __init__(self, targets: int = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.targets = targets

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
        return standardized, mean[:, 0, : self.targets], deviation[:, 0, : self.targets]

    def compute_output_spec(self, windows: Any) -> Any:
        """Return the three specs."""
        shape, dtype = windows.shape, self.compute_dtype
        one = (shape[0], self.targets)
        return (
            keras.KerasTensor(shape, dtype="float32" if dtype == "float64" else dtype),
            keras.KerasTensor(one, dtype=dtype),
            keras.KerasTensor(one, dtype=dtype),
        )

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "targets": self.targets}


@keras.saving.register_keras_serializable("zoo")
class WindowRestore(keras.layers.Layer):
    """Inverse of `WindowStandardize` for predictions, `(batch, horizon)` or `(batch, horizon, targets)`."""

    def call(self, values: Any, mean: Any, deviation: Any) -> Any:
        """Return the values in the unit of the series."""
        if len(values.shape) == 3:
            mean, deviation = mean[:, None, :], deviation[:, None, :]
        return values * deviation + mean

    def compute_output_shape(self, shape: tuple[int | None, ...], *_: Any) -> tuple[int | None, ...]:
        """Return the shape of the predictions."""
        return shape
