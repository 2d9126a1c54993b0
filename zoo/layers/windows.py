"""Attention within windows of an image, and patches merged by four (Liu et al., 2021, arXiv:2103.14030, section 3)."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.layers.attention import MASKED_SCORE, Attention
from zoo.layers.decay import without_decay


@keras.saving.register_keras_serializable("zoo")
class RelativeBias(keras.layers.Layer):
    """What is added to the scores of attention in a window: one number for each head and each distance of two pixels.

    Args:
        heads: attention heads.
        window: height and width of the window.
    """

    def __init__(self, heads: int, window: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.heads, self.window = heads, window

    def build(self) -> None:
        """Make the weights: a row for each distance, that of the rows first."""
        self.table = without_decay(
            self.add_weight(
                shape=((2 * self.window - 1) ** 2, self.heads),
                initializer=keras.initializers.TruncatedNormal(stddev=0.02),
                name="table",
            )
        )
        self.built = True

    def values(self) -> Any:
        """Return the bias of each query (rows) and key (columns), `(heads, window ** 2, window ** 2)`."""
        row, column = np.divmod(np.arange(self.window**2), self.window)
        rows, columns = (each[:, None] - each[None, :] + self.window - 1 for each in (row, column))
        index = (rows * (2 * self.window - 1) + columns).astype("int32")
        return ops.transpose(ops.take(self.table, index, axis=0), (2, 0, 1))

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "heads": self.heads, "window": self.window}


@keras.saving.register_keras_serializable("zoo")
class WindowAttention(keras.layers.Layer):
    """Each pixel takes a weighted mean of those in its window. Input and output `(batch, height, width, channels)`.

    The map is padded with zeros, below and on the right, to whole windows, and these zeros take part. Then the windows
    are shifted: what the shift moves out of the map comes in on the other side, where only pixels that were neighbours
    see each other. Along a side of one window nothing is shifted. This is what the authors' and torchvision's code
    does; timm's pads after the shift, which differs where there is padding.

    Args:
        heads: attention heads, which split the channels among them.
        window: height and width of a window.
        shift: pixels by which the windows are moved down and to the right.
    """

    def __init__(self, heads: int, *, window: int, shift: int = 0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.heads, self.window, self.shift = heads, window, shift

    def build(self, shape: tuple[int | None, ...]) -> None:
        """Make the projections and the bias.

        Raises:
            ValueError: height and width are open, or the heads do not divide the channels.
        """
        _, height, width, channels = shape
        if height is None or width is None:
            raise ValueError(f"needs maps of a known size. Received: {shape}")
        self.attention = Attention(self.heads, dtype=self.dtype_policy, name="attention")
        self.attention.build((None, self.window**2, channels))
        self.bias = RelativeBias(self.heads, self.window, dtype=self.dtype_policy, name="bias")
        self.bias.build()
        self.padding = -height % self.window, -width % self.window
        self.padded = height + self.padding[0], width + self.padding[1]
        self.shifts = tuple(self.shift if size > self.window else 0 for size in self.padded)

    def call(self, x: Any) -> Any:
        """Attend."""
        _, height, width, channels = x.shape
        below, right = self.padding
        if below or right:
            x = ops.pad(x, [[0, 0], [0, below], [0, right], [0, 0]])
        for axis, shift in enumerate(self.shifts, start=1):
            x = _roll(x, shift, axis)
        x = ops.reshape(_windows(x, self.window), (-1, self.window**2, channels))
        columns, value = self.attention.memory(x)
        scores = self.attention.scores(self.attention.queries(x), columns)
        x = self.attention.project(self.attention.mean(ops.softmax(self._with_bias(scores), axis=-1), value))
        rows, across = (size // self.window for size in self.padded)
        x = ops.transpose(ops.reshape(x, (-1, rows, across, self.window, self.window, channels)), (0, 1, 3, 2, 4, 5))
        x = ops.reshape(x, (-1, *self.padded, channels))
        for axis, shift in enumerate(self.shifts, start=1):
            x = _roll(x, self.padded[axis - 1] - shift if shift else 0, axis)
        return x[:, :height, :width]

    def _with_bias(self, scores: Any) -> Any:
        """Add the bias to scores `(batch * windows, heads, pixels, pixels)`, and hide pixels that are no neighbours."""
        scores = scores + ops.cast(self.bias.values(), scores.dtype)
        if not any(self.shifts):
            return scores
        hidden = self._hidden()
        shape = (-1, *scores.shape[1:])
        scores = ops.reshape(scores, (-1, len(hidden), *scores.shape[1:]))
        return ops.reshape(scores + ops.cast(hidden[:, None] * MASKED_SCORE, scores.dtype), shape)

    def _hidden(self) -> np.ndarray:
        """Return for each window which pixels (columns) a pixel (rows) does not see, `(windows, pixels, pixels)`."""
        row, column = (_regions(size, self.window, shift) for size, shift in zip(self.padded, self.shifts, strict=True))
        region = (3 * row[:, None] + column[None, :]).reshape(
            self.padded[0] // self.window, self.window, self.padded[1] // self.window, self.window
        )
        region = region.transpose(0, 2, 1, 3).reshape(-1, self.window**2)
        return (region[:, :, None] != region[:, None, :]).astype("float32")

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return `shape`."""
        return shape

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "heads": self.heads, "window": self.window, "shift": self.shift}


@keras.saving.register_keras_serializable("zoo")
class MergePatches(keras.layers.Layer):
    """Put each square of four pixels into one: `(batch, height, width, channels)` to half of both and four times these.

    The order within a square is down, then right. An odd side is padded with zeros.
    """

    strides = (2, 2)

    def call(self, x: Any) -> Any:
        """Merge the pixels."""
        _, height, width, channels = x.shape
        if height % 2 or width % 2:
            x = ops.pad(x, [[0, 0], [0, height % 2], [0, width % 2], [0, 0]])
        _, height, width, channels = x.shape
        x = ops.transpose(ops.reshape(x, (-1, height // 2, 2, width // 2, 2, channels)), (0, 1, 3, 4, 2, 5))
        return ops.reshape(x, (-1, height // 2, width // 2, 4 * channels))

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the shape of the merged map."""
        batch, height, width, channels = shape
        assert height and width and channels
        return (batch, -(-height // 2), -(-width // 2), 4 * channels)


def _windows(x: Any, window: int) -> Any:
    """Cut maps into windows: `(batch, rows, columns, window, window, channels)`."""
    _, height, width, channels = x.shape
    x = ops.reshape(x, (-1, height // window, window, width // window, window, channels))
    return ops.transpose(x, (0, 1, 3, 2, 4, 5))


def _roll(x: Any, shift: int, axis: int) -> Any:
    """Move maps up (axis 1) or left (2), and what moves out comes in at the end."""
    if not shift:
        return x
    if axis == 1:
        return ops.concatenate([x[:, shift:], x[:, :shift]], axis=1)
    return ops.concatenate([x[:, :, shift:], x[:, :, :shift]], axis=2)


def _regions(size: int, window: int, shift: int) -> np.ndarray:
    """Number the parts of a shifted side whose pixels were neighbours: the last window has two."""
    place = np.arange(size)
    return (place >= size - window).astype(int) + (place >= size - shift) if shift else np.zeros(size, int)
