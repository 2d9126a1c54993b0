"""Losses of classes, for whole examples and for each pixel, with smoothed targets and weighted classes.

Label smoothing: Szegedy et al., 2016, arXiv:1512.00567. Focal loss: Lin, Goyal, Girshick, He and Dollár, 2017,
arXiv:1708.02002.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.errors import ZooError
from zoo.losses.base import BatchLoss
from zoo.tasks import IGNORED_PIXEL


def balanced_weights(counts: Sequence[int] | np.ndarray) -> np.ndarray:
    """Return weights that make every class count the same: examples / (classes * examples of the class).

    Args:
        counts: examples (or pixels) of each class in the training split.

    Returns:
        float32 `(classes,)`; 0 for a class without an example.
    """
    counts = np.asarray(counts, np.float64)
    return np.where(counts > 0, counts.sum() / (len(counts) * np.maximum(counts, 1)), 0).astype(np.float32)


def mean_of_counted(losses: Any, classes: Any) -> Any:
    """Return the mean loss of the pixels whose class is not `IGNORED_PIXEL`; 0 where there is none.

    Args:
        losses: of each pixel, float32 `(batch, height, width)`.
        classes: of each pixel, likewise.
    """
    counted = ops.not_equal(ops.cast(classes, "int32"), IGNORED_PIXEL)
    total = ops.sum(ops.where(counted, losses, 0.0))
    return total / ops.maximum(ops.sum(ops.cast(counted, "float32")), 1.0)


class ClassLoss(BatchLoss):
    """Mean over examples or pixels of a loss of the classes' logits; each is multiplied by its class's weight.

    The weighted losses are divided by the number of examples, as with Keras's `class_weight`, not by the sum of the
    weights. A blended target has the blend of its classes' weights.

    Targets are one-hot or blended, `(..., classes)`; with `sparse` class numbers, `(...)`. Logits `(..., classes)`.

    Args:
        label_smoothing: fraction of the target that is spread over all classes.
        class_weights: one weight a class.
        sparse: targets are class numbers.
        ignores_pixels: class numbers may be `IGNORED_PIXEL`, whose pixels count neither in the sum nor in the number.
    """

    def __init__(
        self,
        *,
        label_smoothing: float = 0.0,
        class_weights: Sequence[float] | None = None,
        sparse: bool = False,
        ignores_pixels: bool = False,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        self.label_smoothing = label_smoothing
        self.class_weights = None if class_weights is None else [float(weight) for weight in class_weights]
        self.sparse, self.ignores_pixels = sparse, ignores_pixels

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the weighted mean."""
        classes = y_pred.shape[-1]
        target = ops.one_hot(ops.cast(y_true, "int32"), classes) if self.sparse else ops.cast(y_true, "float32")
        losses = self.losses(self.smooth(target, classes), y_pred)
        if self.class_weights is not None:
            if len(self.class_weights) != classes:
                raise ZooError(f"loss.class_weights: {len(self.class_weights)} numbers for {classes} classes")
            losses = losses * ops.sum(target * ops.convert_to_tensor(self.class_weights, "float32"), axis=-1)
        return mean_of_counted(losses, y_true) if self.ignores_pixels else ops.mean(losses)

    def smooth(self, target: Any, classes: int) -> Any:
        """Spread a fraction of the target evenly over the classes."""
        return (1 - self.label_smoothing) * target + self.label_smoothing / classes

    def losses(self, target: Any, logits: Any) -> Any:
        """Return the loss of each example or pixel, `(...)`, for targets and logits `(..., classes)`."""
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        """Return what rebuilds the loss."""
        return {
            **super().get_config(),
            "label_smoothing": self.label_smoothing,
            "class_weights": self.class_weights,
            "sparse": self.sparse,
            "ignores_pixels": self.ignores_pixels,
        }


@keras.saving.register_keras_serializable("zoo")
class CategoricalCrossentropy(ClassLoss):
    """Cross-entropy of the softmax."""

    def losses(self, target: Any, logits: Any) -> Any:
        """Return the cross-entropy of each example or pixel."""
        return ops.categorical_crossentropy(target, logits, from_logits=True)


@keras.saving.register_keras_serializable("zoo")
class SparseCategoricalCrossentropy(BatchLoss):
    """Cross-entropy of the softmax for the class with the largest target."""

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the mean over the batch."""
        classes = ops.argmax(y_true, axis=-1)
        return ops.mean(ops.sparse_categorical_crossentropy(classes, y_pred, from_logits=True))


@keras.saving.register_keras_serializable("zoo")
class BinaryCrossentropy(ClassLoss):
    """Cross-entropy of a sigmoid for each class, each class against all others; mean over the classes."""

    def smooth(self, target: Any, classes: int) -> Any:
        """Move the target towards one half: each class is a question with two answers."""
        return super().smooth(target, 2)

    def losses(self, target: Any, logits: Any) -> Any:
        """Return the mean cross-entropy of each example or pixel."""
        return ops.mean(ops.binary_crossentropy(target, logits, from_logits=True), axis=-1)


@keras.saving.register_keras_serializable("zoo")
class Focal(ClassLoss):
    """Focal loss of the softmax: cross-entropy that counts little for classes that are right already.

    sum over classes of -target * (1 - p) ** gamma * log p, times `alpha`; the paper's form for many classes at a time
    (a softmax in place of a sigmoid), as Keras's `CategoricalFocalCrossentropy`.

    Args:
        gamma: how much less an easy example counts; 0 is cross-entropy.
        alpha: factor of the whole loss; use `class_weights` to balance classes.
        **options: see `ClassLoss`.
    """

    def __init__(self, *, gamma: float = 2.0, alpha: float = 1.0, **options: Any) -> None:
        super().__init__(**options)
        self.gamma, self.alpha = gamma, alpha

    def losses(self, target: Any, logits: Any) -> Any:
        """Return the focal loss of each example or pixel."""
        log_p = ops.log_softmax(logits, axis=-1)
        wrong = ops.maximum(1 - ops.exp(log_p), 1e-7)  # at 0, powers below 1 have an infinite gradient
        return -self.alpha * ops.sum(target * ops.power(wrong, self.gamma) * log_p, axis=-1)

    def get_config(self) -> dict[str, Any]:
        """Return what rebuilds the loss."""
        return {**super().get_config(), "gamma": self.gamma, "alpha": self.alpha}
