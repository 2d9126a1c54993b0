"""Positions of steps in a sequence, or of patches in an image, for attention."""

from __future__ import annotations

from typing import Any, Literal

import keras
import numpy as np
from keras import ops

from zoo.layers.decay import without_decay

Positions = Literal["learned", "sinusoidal", "rotary"]
Grid = tuple[int, int]

BASE = 10_000.0  # the longest wave has 2 * pi * BASE steps
GRID_BASE = 100.0  # shorter waves: an image has fewer rows than a text has steps


def add_positions(
    x: keras.KerasTensor,
    kind: Positions,
    *,
    heads: int,
    longest: int,
    grid: Grid | None = None,
    prefix: int = 0,
    base: float | None = None,
    size: int | None = None,
    name: str = "positions",
) -> tuple[keras.KerasTensor, keras.KerasTensor | None]:
    """Add positions to the steps or, for rotary ones, compute the rotations that attention applies.

    Learned: Gehring et al., 2017, arXiv:1705.03122. Sinusoidal: Vaswani et al., 2017, arXiv:1706.03762, section 3.5;
    over rows and columns as in He et al., 2021, arXiv:2111.06377. Rotary: Su et al., 2021, arXiv:2104.09864; over rows
    and columns as in Heo et al., 2024, arXiv:2403.13298.

    Args:
        x: sequences, `(batch, steps, width)`.
        kind: "learned" has a vector for each position up to `longest`; "sinusoidal" and "rotary" have no limit.
        heads: attention heads, each of which sees `width / heads` features.
        longest: number of learned positions.
        grid: rows and columns of the image that the steps are patches of; None for a sequence.
        prefix: steps at the beginning without a position, such as a class token; learned positions include them.
        base: of rotary positions, of which the longest wave has 2 pi times as many steps; 10,000 by default, and 100
            on a grid.
        size: features of an attention head; the width divided by `heads` by default.
        name: name of the layer.

    Returns:
        The steps with their positions, and the rotations for `zoo.layers.attention.Attention` or None.

    Raises:
        ValueError: the sequence is longer than learned positions reach, or the width cannot be split into waves.
    """
    steps, width = x.shape[1], x.shape[-1]
    if kind == "learned":
        if steps is not None and steps > longest:
            raise ValueError(f"learned positions reach maximum_length={longest} steps. Received: {steps} steps")
        return LearnedPositions(longest, name=name)(x), None
    if kind == "sinusoidal":
        _check_waves(width, grid, f"width={width}")
        return SinusoidalPositions(grid=grid, prefix=prefix, name=name)(x), None
    size = size or width // heads
    _check_waves(size, grid, f"width={width}, heads={heads}")
    return x, Rotations(size, grid=grid, prefix=prefix, base=base, name=name)(x)


def rotate(x: Any, rotations: Any) -> Any:
    """Rotate each pair of features by the angle of its position.

    Feature i is paired with feature i + size / 2. The paper pairs neighbors; since the features come from a learned
    projection, only their order differs.

    Args:
        x: queries or keys, `(batch, heads, steps, size)`.
        rotations: cosines and sines, `(2, steps, size / 2)`, or of each example, `(2, batch, 1, steps, size / 2)`.

    Returns:
        A tensor of the shape of `x`.
    """
    cosine, sine = rotations[0], rotations[1]
    first, second = ops.split(x, 2, axis=-1)
    return ops.concatenate([first * cosine - second * sine, second * cosine + first * sine], axis=-1)


@keras.saving.register_keras_serializable("zoo")
class LearnedPositions(keras.layers.Layer):
    """Add a learned vector for each position. Input and output `(batch, steps, width)`.

    Args:
        longest: number of positions.
    """

    def __init__(self, longest: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.longest = longest

    def build(self, shape: tuple[int | None, ...]) -> None:
        """Make the weights."""
        initializer = keras.initializers.TruncatedNormal(stddev=0.02)
        self.embeddings = without_decay(
            self.add_weight(shape=(self.longest, shape[-1]), initializer=initializer, name="embeddings")
        )

    def call(self, x: Any) -> Any:
        """Add the vectors of the first positions."""
        return x + self.embeddings[: ops.shape(x)[1]]

    def at(self, x: Any, position: Any) -> Any:
        """Add the vectors of given positions, int32 `(batch, steps)`."""
        return x + ops.cast(ops.take(self.embeddings, position, axis=0), x.dtype)

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return `shape`."""
        return shape

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "longest": self.longest}


@keras.saving.register_keras_serializable("zoo")
class SinusoidalPositions(keras.layers.Layer):
    """Add sines (even features) and cosines (odd features) of each position. Input and output `(batch, steps, width)`.

    Args:
        grid: rows and columns that the steps after the prefix fill; None for a sequence.
        prefix: steps at the beginning to which nothing is added.
    """

    def __init__(self, *, grid: Grid | None = None, prefix: int = 0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.grid, self.prefix = grid, prefix

    def call(self, x: Any) -> Any:
        """Add the waves."""
        steps, width = ops.shape(x)[1], x.shape[-1]
        angles = _angles(steps - self.prefix, width, self.grid, BASE)
        waves = ops.reshape(ops.stack([ops.sin(angles), ops.cos(angles)], axis=-1), (-1, width))
        if self.prefix:
            waves = ops.pad(waves, [[self.prefix, 0], [0, 0]])
        return x + ops.cast(waves, x.dtype)

    def at(self, x: Any, position: Any) -> Any:
        """Add the waves of given positions in a sequence, int32 `(batch, steps)`."""
        angles = _angles_at(position, x.shape[-1], BASE)
        waves = ops.reshape(ops.stack([ops.sin(angles), ops.cos(angles)], axis=-1), ops.shape(x))
        return x + ops.cast(waves, x.dtype)

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return `shape`."""
        return shape

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "grid": self.grid, "prefix": self.prefix}


@keras.saving.register_keras_serializable("zoo")
class Rotations(keras.layers.Layer):
    """Compute the cosines and sines for `rotate`: `(batch, steps, width)` to `(2, steps, size / 2)`.

    Args:
        size: features of one attention head.
        grid: rows and columns that the steps after the prefix fill; None for a sequence.
        prefix: steps at the beginning that are not rotated.
        base: the longest wave has 2 pi times as many steps; 10,000 by default, and 100 on a grid.
    """

    def __init__(
        self, size: int, *, grid: Grid | None = None, prefix: int = 0, base: float | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.size, self.grid, self.prefix = size, grid, prefix
        self.base = base or (GRID_BASE if grid else BASE)

    def call(self, x: Any) -> Any:
        """Return the rotations for the number of steps of `x`."""
        angles = _angles(ops.shape(x)[1] - self.prefix, self.size, self.grid, self.base)
        if self.prefix:
            angles = ops.pad(angles, [[self.prefix, 0], [0, 0]])
        return ops.cast(ops.stack([ops.cos(angles), ops.sin(angles)]), self.compute_dtype)

    def at(self, position: Any) -> Any:
        """Return the rotations of given positions in a sequence, int32 `(batch, steps)`, for each example.

        Their shape `(2, batch, 1, steps, size / 2)` fits all heads.
        """
        angles = _angles_at(position, self.size, self.base)[:, None]
        return ops.cast(ops.stack([ops.cos(angles), ops.sin(angles)]), self.compute_dtype)

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return `(2, steps, size / 2)`."""
        return (2, shape[1], self.size // 2)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        own = {"size": self.size, "grid": self.grid, "prefix": self.prefix, "base": self.base}
        return {**super().get_config(), **own}


def _angles(steps: Any, size: int, grid: Grid | None, base: float) -> Any:
    """Return position times frequency, `(steps, size / 2)`; on a grid, rows and columns take half of it each."""
    if grid is None:
        return ops.cast(ops.arange(steps), "float32")[:, None] * _frequencies(size, base)
    place = np.arange(grid[0] * grid[1], dtype="float32")[:, None]
    frequencies = _frequencies(size // 2, base)
    angles = np.concatenate([place // grid[1] * frequencies, place % grid[1] * frequencies], axis=1)
    return ops.convert_to_tensor(angles, "float32")


def _angles_at(position: Any, size: int, base: float) -> Any:
    """Return position times frequency, `(batch, steps, size / 2)`."""
    return ops.cast(position, "float32")[:, :, None] * _frequencies(size, base)


def _frequencies(size: int, base: float) -> np.ndarray:
    return (base ** (-np.arange(0, size, 2) / size)).astype("float32")


def _check_waves(size: int, grid: Grid | None, received: str) -> None:
    multiple = 2 if grid is None else 4
    if size % multiple:
        raise ValueError(f"these positions need a multiple of {multiple} features, not {size}. Received: {received}")
