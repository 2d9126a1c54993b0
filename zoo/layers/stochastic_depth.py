"""Stochastic depth (Huang, Sun, Liu, Sedra and Weinberger, 2016, arXiv:1603.09382)."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("zoo")
class StochasticDepth(keras.layers.Layer):
    """Set the whole input of some examples to zero while training, at the end of a residual branch.

    Training divides the other examples by 1 - rate, so that inference needs no scaling (the paper multiplies at
    inference; the expected value is the same).

    Input and output `(batch, ...)` float.

    Args:
        rate: probability that the branch of an example is dropped, at least 0 and below 1.
        seed: seed of the layer's own random numbers.
    """

    def __init__(self, rate: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not 0 <= rate < 1:
            raise ValueError(f"rate must be at least 0 and below 1. Received: rate={rate}")
        self.rate, self.seed = rate, seed
        self.supports_masking = True
        if rate:
            self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, x: Any, training: bool = False) -> Any:
        """Drop the branch of some examples while training."""
        if not training or not self.rate:
            return x
        shape = (ops.shape(x)[0], *(1 for _ in x.shape[1:]))
        kept = keras.random.uniform(shape, dtype="float32", seed=self.seed_generator) >= self.rate
        return x * ops.cast(kept, x.dtype) / (1 - self.rate)

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return `shape`."""
        return shape

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "rate": self.rate, "seed": self.seed}


def linear_rates(depth: int, last: float) -> list[float]:
    """Return the rate of each of `depth` residual blocks: from 0 at the first to `last` at the last (section 3)."""
    return [last * i / max(depth - 1, 1) for i in range(depth)]
