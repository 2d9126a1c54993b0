"""Losses of segmentation: overlap, alone and together with cross-entropy.

Soft Dice: Milletari, Navab and Ahmadi, "V-Net", 2016, arXiv:1606.04797.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from zoo.losses.base import BatchLoss
from zoo.losses.classes import CategoricalCrossentropy
from zoo.tasks import IGNORED_PIXEL


@keras.saving.register_keras_serializable("zoo")
class Dice(BatchLoss):
    """1 - the mean over the classes of the soft Dice coefficient, 2 sum(p g) / (sum(p^2) + sum(g^2)).

    The sums run over all pixels of the batch, with one pixel added to both sides, so that a class that a batch lacks
    costs nothing where it is not predicted either.

    Targets `(batch, height, width)` class numbers; logits `(batch, height, width, classes)`.

    Args:
        background: count class 0 too.
        ignores_pixels: the sums leave out pixels of the class `IGNORED_PIXEL`.
    """

    def __init__(self, *, background: bool = True, ignores_pixels: bool = False, name: str | None = None) -> None:
        super().__init__(name=name)
        self.background, self.ignores_pixels = background, ignores_pixels

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of the batch."""
        p = ops.softmax(y_pred, axis=-1)
        classes = ops.cast(y_true, "int32")
        g = ops.one_hot(classes, y_pred.shape[-1])
        if self.ignores_pixels:
            counted = ops.not_equal(classes, IGNORED_PIXEL)[..., None]
            p, g = ops.where(counted, p, 0.0), ops.where(counted, g, 0.0)
        both, alone = ops.sum(p * g, axis=(0, 1, 2)), ops.sum(p * p + g, axis=(0, 1, 2))
        dice = (2 * both + 1) / (alone + 1)
        return 1 - ops.mean(dice if self.background else dice[1:])

    def get_config(self) -> dict[str, Any]:
        """Return what rebuilds the loss."""
        return {**super().get_config(), "background": self.background, "ignores_pixels": self.ignores_pixels}


@keras.saving.register_keras_serializable("zoo")
class CrossentropyDice(BatchLoss):
    """Cross-entropy of each pixel plus `dice_weight` times the Dice loss: smooth everywhere, and fair to small classes.

    Args:
        dice_weight: factor of the Dice loss.
        background: count class 0 in the Dice loss.
        label_smoothing: fraction of the cross-entropy's target that is spread over all classes.
        class_weights: one weight a class, for the cross-entropy.
        ignores_pixels: neither loss counts pixels of the class `IGNORED_PIXEL`.
    """

    def __init__(
        self,
        *,
        dice_weight: float = 1.0,
        background: bool = True,
        label_smoothing: float = 0.0,
        class_weights: Sequence[float] | None = None,
        ignores_pixels: bool = False,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        self.dice_weight = dice_weight
        self.crossentropy = CategoricalCrossentropy(
            label_smoothing=label_smoothing, class_weights=class_weights, sparse=True, ignores_pixels=ignores_pixels
        )
        self.dice = Dice(background=background, ignores_pixels=ignores_pixels)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of the batch."""
        return self.crossentropy(y_true, y_pred) + self.dice_weight * self.dice(y_true, y_pred)

    def get_config(self) -> dict[str, Any]:
        """Return what rebuilds the loss."""
        return {
            **super().get_config(),
            "dice_weight": self.dice_weight,
            "background": self.dice.background,
            "label_smoothing": self.crossentropy.label_smoothing,
            "class_weights": self.crossentropy.class_weights,
            "ignores_pixels": self.dice.ignores_pixels,
        }
