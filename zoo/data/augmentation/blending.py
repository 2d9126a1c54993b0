"""Mixup and CutMix: blend the examples of a training batch and their targets.

Every random number is a pure function of (seed, step).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import tensorflow as tf

Blend = Callable[[Any, Any, Any], tuple[Any, Any]]


def build_blending(mixup_alpha: float, cutmix_alpha: float) -> Blend | None:
    """Return a function that blends float examples and one-hot targets, given a seed `(2,)`; None where both are 0.

    With both, each batch draws one of the two with equal probability.
    """
    import tensorflow as tf

    if not cutmix_alpha:
        return (lambda x, y, seed: mixup(x, y, mixup_alpha, seed)) if mixup_alpha else None
    if not mixup_alpha:
        return lambda x, y, seed: cutmix(x, y, cutmix_alpha, seed)

    def either(x: tf.Tensor, y: tf.Tensor, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return tf.cond(
            tf.random.stateless_uniform((), _fold(seed, 7)) < 0.5,
            lambda: mixup(x, y, mixup_alpha, seed),
            lambda: cutmix(x, y, cutmix_alpha, seed),
        )

    return either


def mixup(images: tf.Tensor, targets: tf.Tensor, alpha: float, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Blend each example of a batch with another (Zhang et al. 2018, https://arxiv.org/abs/1710.09412).

    Args:
        images: float examples `(batch, ...)`.
        targets: one-hot targets `(batch, classes)`.
        alpha: both parameters of the Beta distribution that each example's weight is drawn from.
        seed: `(2,)`.
    """
    import tensorflow as tf

    weight = _beta(tf.shape(images)[0], alpha, seed, 1)
    wide = tf.cast(tf.reshape(weight, (-1,) + (1,) * (images.shape.rank - 1)), images.dtype)
    # The order of a batch is random, so the batch in reverse gives each example a random partner.
    return wide * images + (1 - wide) * images[::-1], _blended(targets, weight)


def cutmix(images: tf.Tensor, targets: tf.Tensor, alpha: float, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Paste a rectangle of another image into each (Yun et al. 2019, https://arxiv.org/abs/1905.04899, section 3.1).

    Targets are blended by the pasted area, counted inside the image.

    Args:
        images: float images `(batch, height, width, channels)`.
        targets: one-hot targets `(batch, classes)`.
        alpha: both parameters of the Beta distribution that the kept fraction of each image is drawn from.
        seed: `(2,)`.
    """
    import tensorflow as tf

    count, height, width = tf.shape(images)[0], images.shape[1], images.shape[2]
    side = tf.sqrt(1 - _beta(count, alpha, seed, 3))
    rows = _inside(side, height, tf.random.stateless_uniform((count,), _fold(seed, 5)))
    columns = _inside(side, width, tf.random.stateless_uniform((count,), _fold(seed, 6)))
    pasted = rows[:, :, None] & columns[:, None, :]
    kept = 1 - tf.reduce_mean(tf.cast(pasted, tf.float32), axis=[1, 2])
    return tf.where(pasted[..., None], images[::-1], images), _blended(targets, kept)


def _inside(side: tf.Tensor, length: int, place: tf.Tensor) -> tf.Tensor:
    """Return which of `length` pixels an interval covers, `(batch, length)`.

    Args:
        side: size of the interval, as a fraction of `length`, `(batch,)`.
        length: number of pixels.
        place: centre of the interval, from 0 to 1, `(batch,)`.
    """
    import tensorflow as tf

    size, centre = tf.floor(side * length), tf.floor(place * length)
    first = centre - tf.floor(size / 2)
    pixels = tf.range(length, dtype=tf.float32)[None]
    return (pixels >= first[:, None]) & (pixels < (first + size)[:, None])


def _beta(count: tf.Tensor, alpha: float, seed: tf.Tensor, stream: int) -> tf.Tensor:
    """Return draws from Beta(alpha, alpha), computed from two gammas."""
    import tensorflow as tf

    first = tf.random.stateless_gamma((count,), _fold(seed, stream), alpha)
    second = tf.random.stateless_gamma((count,), _fold(seed, stream + 1), alpha)
    return tf.math.divide_no_nan(first, first + second)


def _blended(targets: tf.Tensor, weight: tf.Tensor) -> tf.Tensor:
    return weight[:, None] * targets + (1 - weight[:, None]) * targets[::-1]


def _fold(seed: tf.Tensor, stream: int) -> tf.Tensor:
    import tensorflow as tf

    return tf.random.experimental.stateless_fold_in(seed, stream)
