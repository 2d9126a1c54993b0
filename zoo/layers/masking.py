"""Layers of masked autoencoders: hide patches, and put tokens in their place.

He, Chen, Xie, Li, Dollár and Girshick, "Masked autoencoders are scalable vision learners", 2021, arXiv:2111.06377.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.layers.decay import without_decay

EVALUATION_SEED = 0
EVALUATION_MASKS = 64  # the examples of a batch use them in turn
EPSILON = 1e-6  # added to the variance of a patch


def visible_steps(steps: int, ratio: float) -> int:
    """Return the number of visible steps: at least one and, unless the ratio is 0, not all.

    Raises:
        ValueError: there are too few steps to hide one and to keep one.
    """
    if ratio and steps < 2:
        raise ValueError(f"needs at least 2 patches, to hide some and to keep some. Received: {steps}")
    return min(max(1, round(steps * (1 - ratio))), steps - bool(ratio))


@keras.saving.register_keras_serializable("zoo")
class RandomMasking(keras.layers.Layer):
    """Mask a random fraction of the steps of each sequence.

    Training draws the steps for each batch. Otherwise they come from a table with a constant seed, by the example's
    index in its batch: evaluation is repeatable, and uses only operations that ONNX has.

    `(batch, steps, width)` to three tensors: the visible steps in random order, `(batch, visible, width)`; `restore`,
    int32 `(batch, steps)`, the index of each step in visible steps followed by masked steps; and the mask, float32
    `(batch, steps)`, 1 where a step is masked.

    Args:
        ratio: fraction of the steps that are masked, at least 0 and below 1.
        seed: seed of the layer's own random numbers.
    """

    def __init__(self, ratio: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not 0 <= ratio < 1:
            raise ValueError(f"ratio must be at least 0 and below 1. Received: ratio={ratio}")
        self.ratio, self.seed = ratio, seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def build(self, shape: tuple[int | None, ...]) -> None:
        """Draw the masks for evaluation.

        Raises:
            ValueError: the number of steps is open, or too small.
        """
        if shape[1] is None:
            raise ValueError(f"needs a known number of steps. Received: {shape}")
        self.visible = visible_steps(shape[1], self.ratio)
        drawn = np.random.default_rng(EVALUATION_SEED).random((EVALUATION_MASKS, shape[1]))
        self.orders = np.argsort(drawn, axis=1).astype("int32")

    def call(self, x: Any, training: bool = False) -> tuple[Any, Any, Any]:
        """Return visible steps, `restore` and mask."""
        batch, steps = ops.shape(x)[0], x.shape[1]
        if training:
            order = ops.argsort(keras.random.uniform((batch, steps), dtype="float32", seed=self.seed_generator), axis=1)
            restore = ops.argsort(order, axis=1)
        else:
            row = ops.arange(batch) % EVALUATION_MASKS
            order = ops.take(ops.convert_to_tensor(self.orders), row, axis=0)
            restore = ops.take(ops.convert_to_tensor(np.argsort(self.orders, axis=1).astype("int32")), row, axis=0)
        visible = ops.take_along_axis(x, ops.cast(order, "int32")[:, : self.visible, None], axis=1)
        restore = ops.cast(restore, "int32")
        return visible, restore, ops.cast(restore >= self.visible, "float32")

    def compute_output_spec(self, x: Any, training: bool = False) -> tuple[keras.KerasTensor, ...]:
        """Return shapes and types."""
        batch, steps, width = x.shape
        return (
            keras.KerasTensor((batch, visible_steps(steps, self.ratio), width), self.compute_dtype),
            keras.KerasTensor((batch, steps), "int32"),
            keras.KerasTensor((batch, steps), "float32"),
        )

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "ratio": self.ratio, "seed": self.seed}


@keras.saving.register_keras_serializable("zoo")
class Unmask(keras.layers.Layer):
    """Fill masked steps with one learned token and restore the order of the steps.

    From `(batch, visible, width)` and the `restore` of `RandomMasking`, `(batch, steps)`, to `(batch, steps, width)`.
    """

    def build(self, visible_shape: tuple[int | None, ...], restore_shape: tuple[int | None, ...]) -> None:
        """Make the token."""
        initializer = keras.initializers.RandomNormal(stddev=0.02)
        self.token = without_decay(
            self.add_weight(shape=(1, 1, visible_shape[-1]), initializer=initializer, name="token")
        )

    def call(self, visible: Any, restore: Any) -> Any:
        """Fill in and restore the order."""
        shape = (ops.shape(visible)[0], restore.shape[1] - visible.shape[1], visible.shape[2])
        tokens = ops.broadcast_to(ops.cast(self.token, visible.dtype), shape)
        return ops.take_along_axis(ops.concatenate([visible, tokens], axis=1), restore[:, :, None], axis=1)

    def compute_output_shape(
        self, visible_shape: tuple[int | None, ...], restore_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        """Return `(batch, steps, width)`."""
        return (visible_shape[0], restore_shape[1], visible_shape[2])


@keras.saving.register_keras_serializable("zoo")
class MaskedTarget(keras.layers.Layer):
    """Concatenate prediction, target and mask, for the loss `zoo.losses.contrastive.MaskedPixels`.

    From prediction and patches, `(batch, patches, pixels)`, and the mask, `(batch, patches)`, to `(batch, patches,
    2 * pixels + 1)`, float32 by default.

    Args:
        normalize: scale each target patch to mean 0 and variance 1 (section 3, "Reconstruction target").
    """

    def __init__(self, normalize: bool = True, **kwargs: Any) -> None:
        super().__init__(**{"dtype": "float32", **kwargs})
        self.normalize = normalize

    def call(self, prediction: Any, patches: Any, hidden: Any) -> Any:
        """Concatenate them."""
        if self.normalize:
            mean, variance = ops.moments(patches, axes=-1, keepdims=True)
            patches = (patches - mean) * ops.rsqrt(variance + EPSILON)
        return ops.concatenate([prediction, ops.stop_gradient(patches), hidden[:, :, None]], axis=-1)

    def compute_output_shape(
        self, prediction_shape: tuple[int | None, ...], patches_shape: Any, hidden_shape: Any
    ) -> tuple[int | None, ...]:
        """Return `(batch, patches, 2 * pixels + 1)`."""
        return (*prediction_shape[:-1], 2 * int(prediction_shape[-1] or 0) + 1)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "normalize": self.normalize}
