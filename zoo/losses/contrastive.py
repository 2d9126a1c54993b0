"""Losses of representation learning: distances in a batch of unit-length embeddings, and pixels of hidden patches.

Embeddings are `(batch, length)`, or `(batch, views, length)` with several views of each example; every view counts as
an embedding of its own. Classes are whole numbers `(batch,)`, or one-hot `(batch, classes)`, of which the greatest
entry counts.
"""

from __future__ import annotations

from typing import Any, Literal

import keras
from keras import ops

from zoo.losses.base import BatchLoss

Mining = Literal["hard", "semi_hard", "all"]

FAR = 1e9  # above every distance of two embeddings; negative, below every similarity
NEAREST = 1e-12  # smallest squared distance: the gradient of a square root is infinite at 0


@keras.saving.register_keras_serializable("zoo")
class NTXent(BatchLoss):
    """Normalized temperature-scaled cross-entropy (Chen et al., "SimCLR", 2020, arXiv:2002.05709, equation 1).

    Each view is to be told from all other embeddings of the batch by each other view of the same example; the mean
    over all such pairs. With two views these are the 2 N terms of the paper. Classes are not used.

    Args:
        temperature: what similarities are divided by.
    """

    def __init__(self, *, temperature: float = 0.5, name: str | None = None) -> None:
        super().__init__(name=name)
        self.temperature = temperature

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of the batch, from `(batch, views, length)`.

        Raises:
            ValueError: there are not at least two views.
        """
        if len(y_pred.shape) != 3 or y_pred.shape[1] == 1:
            raise ValueError(
                "nt_xent compares views of the same example: it needs embeddings (batch, views, length) of at least "
                f"2 views. Received: {tuple(y_pred.shape)}"
            )
        z, example = _flat(ops.arange(ops.shape(y_pred)[0]), y_pred)
        return _told_apart(z, example, self.temperature)

    def get_config(self) -> dict[str, Any]:
        """Return what rebuilds the loss."""
        return {**super().get_config(), "temperature": self.temperature}


@keras.saving.register_keras_serializable("zoo")
class SupCon(BatchLoss):
    """Supervised contrastive loss, L_out (Khosla et al., 2020, arXiv:2004.11362, equation 2).

    Each embedding is to be told from all others of the batch by each other embedding of its class: the mean over these
    and then over the embeddings whose class has another one in the batch; 0 where there are none. The paper has a sum
    over the embeddings; its authors' code takes the mean, as here, but times temperature / 0.07.

    Args:
        temperature: what similarities are divided by.
    """

    def __init__(self, *, temperature: float = 0.1, name: str | None = None) -> None:
        super().__init__(name=name)
        self.temperature = temperature

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of the batch."""
        z, kind = _flat(class_numbers(y_true), y_pred)
        return _told_apart(z, kind, self.temperature)

    def get_config(self) -> dict[str, Any]:
        """Return what rebuilds the loss."""
        return {**super().get_config(), "temperature": self.temperature}


@keras.saving.register_keras_serializable("zoo")
class ContrastivePairs(BatchLoss):
    """Contrastive loss of all pairs in the batch (Hadsell, Chopra and LeCun, 2006, doi:10.1109/CVPR.2006.100).

    Half the squared distance for two embeddings of the same class, half of max(0, margin - distance)^2 otherwise. The
    two kinds of pairs weigh alike: the mean of each is taken, 0 where the batch has no such pair, and the two added.

    Args:
        margin: distance from which embeddings of different classes are far enough apart.
    """

    def __init__(self, *, margin: float = 1.0, name: str | None = None) -> None:
        super().__init__(name=name)
        self.margin = margin

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of the batch."""
        z, kind = _flat(class_numbers(y_true), y_pred)
        squares, (same, different) = squared_distances(z), _pairs(kind)
        short = ops.square(ops.maximum(self.margin - _root(squares), 0.0))
        return 0.5 * (_mean(squares, same) + _mean(short, different))

    def get_config(self) -> dict[str, Any]:
        """Return what rebuilds the loss."""
        return {**super().get_config(), "margin": self.margin}


@keras.saving.register_keras_serializable("zoo")
class TripletMargin(BatchLoss):
    """Triplet loss max(0, d(anchor, positive) - d(anchor, negative) + margin), with triplets mined in the batch.

    Distances are Euclidean and not squared (Hermans, Beyer and Leibe, 2017, arXiv:1703.07737). The loss is a mean over
    the mined triplets, 0 where there are none. All but "hard" hold a number for each triple of embeddings in memory.

    Args:
        margin: how much further than the positive the negative is to be.
        mining: "hard" takes for each anchor the furthest positive and the nearest negative (Hermans et al., equation
            5); "semi_hard" for each anchor and positive the nearest negative that is further than the positive, the
            furthest negative where all are nearer (Schroff et al., 2015, arXiv:1503.03832, section 3.2); "all" the
            triplets with a loss above zero.
    """

    def __init__(self, *, margin: float = 0.2, mining: Mining = "semi_hard", name: str | None = None) -> None:
        super().__init__(name=name)
        self.margin, self.mining = margin, mining

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of the batch."""
        z, kind = _flat(class_numbers(y_true), y_pred)
        distances, (same, different) = _root(squared_distances(z)), _pairs(kind)
        if self.mining == "all":
            losses = ops.maximum(distances[:, :, None] - distances[:, None, :] + self.margin, 0.0)
            counts = ops.logical_and(same[:, :, None], different[:, None, :])
            return _mean(losses, ops.logical_and(counts, losses > 0))
        seen = ops.stop_gradient(distances)
        if self.mining == "hard":
            furthest = ops.argmax(ops.where(same, seen, -FAR), axis=1)[:, None]
            nearest = ops.argmin(ops.where(different, seen, FAR), axis=1)[:, None]
            positive = ops.take_along_axis(distances, furthest, axis=1)[:, 0]
            counts = ops.logical_and(ops.any(same, axis=1), ops.any(different, axis=1))
        else:
            further = ops.logical_and(different[:, None, :], seen[:, None, :] > seen[:, :, None])
            beyond = ops.argmin(ops.where(further, seen[:, None, :], FAR), axis=2)
            inside = ops.argmax(ops.where(different, seen, -FAR), axis=1)[:, None]
            nearest = ops.where(ops.any(further, axis=2), beyond, inside)
            positive = distances
            counts = ops.logical_and(same, ops.any(different, axis=1)[:, None])
        negative = ops.reshape(ops.take_along_axis(distances, nearest, axis=1), ops.shape(positive))
        return _mean(ops.maximum(positive - negative + self.margin, 0.0), counts)

    def get_config(self) -> dict[str, Any]:
        """Return what rebuilds the loss."""
        return {**super().get_config(), "margin": self.margin, "mining": self.mining}


@keras.saving.register_keras_serializable("zoo")
class MaskedPixels(BatchLoss):
    """Mean squared error of the patches that were hidden (He et al., 2021, arXiv:2111.06377, section 3).

    Outputs `(batch, patches, 2 * pixels + 1)` hold prediction, target and mask side by side, as
    `zoo.layers.masking.MaskedTarget` puts them; the mask is 1 where a patch was hidden. The mean is over the pixels of
    all hidden patches of the batch, 0 where there are none. Targets given to the loss are not used.
    """

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of the batch.

        Raises:
            ValueError: the last axis cannot hold prediction, target and mask.
        """
        size = y_pred.shape[-1]
        if size < 3 or size % 2 == 0:
            raise ValueError(
                "masked_pixels needs prediction, target and mask side by side, (batch, patches, 2 * pixels + 1). "
                f"Received: {tuple(y_pred.shape)}"
            )
        pixels = size // 2
        given = ops.stop_gradient(y_pred[..., pixels:])
        target, hidden = given[..., :-1], given[..., -1]
        errors = ops.mean(ops.square(y_pred[..., :pixels] - target), axis=-1)
        return ops.sum(errors * hidden) / ops.maximum(ops.sum(hidden), 1.0)


def class_numbers(y_true: Any) -> Any:
    """Return int32 classes `(batch,)` from class numbers, `(batch,)` or `(batch, 1)`, or one-hot classes."""
    if len(y_true.shape) > 1 and y_true.shape[-1] != 1:
        return ops.cast(ops.argmax(y_true, axis=-1), "int32")
    return ops.cast(ops.reshape(y_true, (-1,)), "int32")


def squared_distances(z: Any) -> Any:
    """Return the squared Euclidean distances of all pairs of `(n, length)`: `(n, n)`, never negative."""
    squares = ops.sum(ops.square(z), axis=1)
    products = ops.matmul(z, ops.transpose(z))
    return ops.maximum(squares[:, None] + squares[None, :] - 2.0 * products, 0.0)


def _flat(kind: Any, y_pred: Any) -> tuple[Any, Any]:
    """Return all views as embeddings of their own, `(n, length)`, and the class of each, `(n,)`."""
    if len(y_pred.shape) == 3:
        kind = ops.reshape(ops.broadcast_to(kind[:, None], ops.shape(y_pred)[:2]), (-1,))
    return ops.reshape(y_pred, (-1, y_pred.shape[-1])), kind


def _pairs(kind: Any) -> tuple[Any, Any]:
    """Return which pairs of embeddings are two of one class, and which are of different classes: boolean `(n, n)`."""
    equal = kind[:, None] == kind[None, :]
    number = ops.arange(ops.shape(kind)[0])
    return ops.logical_and(equal, number[:, None] != number[None, :]), ops.logical_not(equal)


def _told_apart(z: Any, kind: Any, temperature: float) -> Any:
    """Return the mean over the embeddings of the mean over their positives of -log softmax over all others."""
    same, _ = _pairs(kind)
    similarities = ops.matmul(z, ops.transpose(z)) / temperature
    number = ops.arange(ops.shape(kind)[0])
    others = ops.where(number[:, None] == number[None, :], -FAR, similarities)
    positives = ops.cast(same, z.dtype)
    count = ops.sum(positives, axis=1)
    nearness = ops.sum(positives * similarities, axis=1) / ops.maximum(count, 1.0)
    return _mean(ops.logsumexp(others, axis=1) - nearness, count > 0)


def _root(squares: Any) -> Any:
    """Return the square root, with a gradient of 0 at 0."""
    return ops.sqrt(ops.maximum(squares, NEAREST))


def _mean(values: Any, counts: Any) -> Any:
    """Return the mean of the values where the boolean `counts` is true; 0 where it is nowhere."""
    total = ops.sum(ops.cast(counts, values.dtype))
    return ops.sum(ops.where(counts, values, 0.0)) / ops.maximum(total, 1.0)
