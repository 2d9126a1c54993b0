"""Average pooling to a fixed size, whatever the size of the maps."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops


@keras.saving.register_keras_serializable("zoo")
class AdaptiveAveragePooling(keras.layers.Layer):
    """Average maps over windows of about equal size, of which there are `size` in each direction.

    Window `i` goes from `floor(i * n / size)` to `ceil((i + 1) * n / size)` of `n` pixels, as in PyTorch; windows of
    maps that are smaller than `size` overlap.

    Input `(batch, height, width, channels)` float, of a known size; output `(batch, size, size, channels)`.

    Args:
        size: height and width of the output.
    """

    def __init__(self, size: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.size = size

    def call(self, x: Any) -> Any:
        """Average over the windows."""
        _, height, width, _ = x.shape
        if height != self.size:
            x = ops.einsum("bhwc,ih->biwc", x, ops.cast(_windows(height, self.size), x.dtype))
        return (
            x if width == self.size else ops.einsum("bhwc,jw->bhjc", x, ops.cast(_windows(width, self.size), x.dtype))
        )

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the shape of the output."""
        return shape[0], self.size, self.size, shape[3]

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "size": self.size}


def _windows(pixels: int, size: int) -> np.ndarray:
    """Return the weight of each pixel in each window, `(size, pixels)`."""
    first = np.arange(size) * pixels // size
    last = -(-(np.arange(size) + 1) * pixels // size)
    inside = (np.arange(pixels) >= first[:, None]) & (np.arange(pixels) < last[:, None])
    return (inside / inside.sum(axis=1, keepdims=True)).astype("float32")
