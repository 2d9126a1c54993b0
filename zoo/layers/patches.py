"""Images and time series cut into patches, each mapped to one step of a sequence."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from zoo.layers.decay import without_decay


def embed_patches(x: keras.KerasTensor, size: int, width: int, *, name: str = "patches") -> keras.KerasTensor:
    """Cut images into squares and map each to a vector (Dosovitskiy et al., 2020, arXiv:2010.11929, section 3.1).

    Args:
        x: images, `(batch, height, width, channels)`.
        size: height and width of a patch, divisors of those of the image.
        width: length of the vectors.
        name: prefix of the layers' names.

    Returns:
        One vector for each patch, row by row: `(batch, patches, width)`.

    Raises:
        ValueError: the input is no image, its size is open, or the patches do not tile it.
    """
    shape = x.shape[1:]
    if len(shape) != 3 or None in shape:
        raise ValueError(f"needs images, (height, width, channels), of a known size. Received: input_shape={shape}")
    if shape[0] % size or shape[1] % size:
        raise ValueError(f"patches must tile the image. Received: patch={size}, input_shape={shape}")
    return keras.layers.Dense(width, name=f"{name}_embedding")(Patches(size, name=name)(x))


def embed_windows(
    x: keras.KerasTensor, size: int, stride: int, width: int, *, name: str = "patches"
) -> keras.KerasTensor:
    """Cut time series into windows and map each to a vector (Nie et al., 2022, arXiv:2211.14730, section 3.1).

    The last window ends at the last step; the start is padded with zeros if the windows do not fit.

    Args:
        x: time series, `(batch, steps, channels)`.
        size: steps in a window.
        stride: steps from one window to the next.
        width: length of the vectors.
        name: prefix of the layers' names.

    Returns:
        One vector for each window: `(batch, windows, width)`.

    Raises:
        ValueError: the number of steps is open.
    """
    shape = x.shape[1:]
    if len(shape) != 2 or None in shape:
        raise ValueError(f"needs (steps, channels), both of them known. Received: input_shape={shape}")
    missing = size - shape[0] if shape[0] < size else (size - shape[0]) % stride
    if missing:
        x = keras.layers.ZeroPadding1D((missing, 0), name=f"{name}_pad")(x)
    return keras.layers.Conv1D(width, size, strides=stride, name=f"{name}_embedding")(x)


@keras.saving.register_keras_serializable("zoo")
class Patches(keras.layers.Layer):
    """Cut images into squares: `(batch, height, width, channels)` to `(batch, patches, size * size * channels)`.

    Args:
        size: height and width of a patch.
    """

    def __init__(self, size: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.size = size

    def call(self, images: Any) -> Any:
        """Cut the images, row of patches by row."""
        _, height, width, channels = images.shape
        size = self.size
        x = ops.reshape(images, (-1, height // size, size, width // size, size * channels))
        return ops.reshape(ops.transpose(x, (0, 1, 3, 2, 4)), (-1, *self.compute_output_shape(images.shape)[1:]))

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return `(batch, patches, size * size * channels)`."""
        batch, height, width, channels = shape
        assert height and width and channels
        return (batch, (height // self.size) * (width // self.size), self.size**2 * channels)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "size": self.size}


@keras.saving.register_keras_serializable("zoo")
class Registers(keras.layers.Layer):
    """Insert learned steps behind the class token: `(batch, steps, width)` to `(batch, steps + count, width)`.

    Attention can use them as memory, instead of the patches of the background (Darcet, Oquab, Mairal and Bojanowski,
    2023, arXiv:2309.16588).

    Args:
        count: number of registers.
        after: steps before them: 1 for a class token, 0 without.
    """

    def __init__(self, count: int, *, after: int = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.count, self.after = count, after

    def build(self, shape: tuple[int | None, ...]) -> None:
        """Make the weights."""
        initializer = keras.initializers.TruncatedNormal(stddev=0.02)
        self.tokens = without_decay(
            self.add_weight(shape=(1, self.count, shape[-1]), initializer=initializer, name="tokens")
        )

    def call(self, x: Any) -> Any:
        """Insert the registers."""
        tokens = ops.broadcast_to(ops.cast(self.tokens, x.dtype), (ops.shape(x)[0], self.count, x.shape[-1]))
        return ops.concatenate([x[:, : self.after], tokens, x[:, self.after :]], axis=1)

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return `(batch, steps + count, width)`."""
        return (shape[0], None if shape[1] is None else shape[1] + self.count, shape[2])

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "count": self.count, "after": self.after}


@keras.saving.register_keras_serializable("zoo")
class ClassToken(keras.layers.Layer):
    """Prepend one learned step: `(batch, steps, width)` to `(batch, steps + 1, width)`."""

    def build(self, shape: tuple[int | None, ...]) -> None:
        """Make the weights."""
        initializer = keras.initializers.TruncatedNormal(stddev=0.02)
        self.token = without_decay(
            self.add_weight(shape=(1, 1, shape[-1]), initializer=initializer, name="token"),
        )

    def call(self, x: Any) -> Any:
        """Prepend the token."""
        token = ops.broadcast_to(ops.cast(self.token, x.dtype), (ops.shape(x)[0], 1, x.shape[-1]))
        return ops.concatenate([token, x], axis=1)

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return `(batch, steps + 1, width)`."""
        return (shape[0], None if shape[1] is None else shape[1] + 1, shape[2])
