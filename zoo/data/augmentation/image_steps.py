"""Augmentation of training batches: of images, which keep their values from 0 to 255, and of spectrograms.

Every random number is a pure function of (seed, step), so that a resumed run sees the same images.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from zoo.data.augmentation.rand_augment import RANGE, rand_augment, rand_augment_masks, warp
from zoo.data.augmentation.spectrogram_steps import shift_time, spec_augment
from zoo.recipe.augment_steps import AugmentStep

if TYPE_CHECKING:
    import tensorflow as tf

Augment = Callable[[Any, Any], Any]


def build_augmentation(steps: Sequence[AugmentStep]) -> Augment:
    """Return a function that augments float images `(batch, height, width, channels)`, given a seed `(2,)`."""

    def augment(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        for position, step in enumerate(steps):
            images = _STEPS[step.kind](images, step.settings, _Draws(seed, position))
        return images

    return augment


def build_mask_augmentation(steps: Sequence[AugmentStep]) -> Augment:
    """Return a function that moves class masks `(batch, height, width)` as images of the same seed are moved.

    Each pixel takes the class of the nearest one. What is filled with zeros becomes class 0.
    """
    import tensorflow as tf

    def augment(masks: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        moved = tf.cast(masks, tf.float32)[..., None]
        for position, step in enumerate(steps):
            move = _MASK_STEPS.get(step.kind)
            if move is not None:
                moved = move(moved, step.settings, _Draws(seed, position))
        return tf.cast(moved[..., 0], masks.dtype)

    return augment


class _Draws:
    """Independent stateless draws for one step of the list: each call gives the next stream."""

    def __init__(self, seed: tf.Tensor, position: int) -> None:
        self.seed, self.stream = seed, 100 * (position + 1)

    def uniform(self, shape: Any, low: float = 0.0, high: float = 1.0) -> tf.Tensor:
        import tensorflow as tf

        return tf.random.stateless_uniform(shape, self._next(), low, high)

    def normal(self, shape: Any) -> tf.Tensor:
        import tensorflow as tf

        return tf.random.stateless_normal(shape, self._next())

    def _next(self) -> tf.Tensor:
        import tensorflow as tf

        self.stream += 1
        return tf.random.experimental.stateless_fold_in(self.seed, self.stream)


def _flip(images: tf.Tensor, settings: Any, draws: _Draws, interpolation: str = "NEAREST") -> tf.Tensor:
    import tensorflow as tf

    for axis, name in ((2, "horizontal"), (1, "vertical")):
        if name in settings.mode:
            chosen = draws.uniform((tf.shape(images)[0], 1, 1, 1)) < 0.5
            images = tf.where(chosen, tf.reverse(images, [axis]), images)
    return images


def _translate(images: tf.Tensor, settings: Any, draws: _Draws, interpolation: str = "NEAREST") -> tf.Tensor:
    import tensorflow as tf

    height, width = images.shape[1], images.shape[2]
    count = (tf.shape(images)[0],)
    # Whole pixels: a shift by less would blur.
    down = tf.round(draws.uniform(count, -settings.height, settings.height) * height)
    right = tf.round(draws.uniform(count, -settings.width, settings.width) * width)
    one, zero = tf.ones(count), tf.zeros(count)
    return warp(images, [one, zero, -right, zero, one, -down], settings.fill, interpolation)


def _rotate(images: tf.Tensor, settings: Any, draws: _Draws, interpolation: str = "BILINEAR") -> tf.Tensor:
    import tensorflow as tf

    angle = 2 * math.pi * draws.uniform((tf.shape(images)[0],), -settings.factor, settings.factor)
    cos, sin = tf.cos(angle), tf.sin(angle)
    y, x = (images.shape[1] - 1) / 2, (images.shape[2] - 1) / 2  # about the centre
    return warp(
        images, [cos, -sin, x - cos * x + sin * y, sin, cos, y - sin * x - cos * y], settings.fill, interpolation
    )


def _shear(images: tf.Tensor, settings: Any, draws: _Draws, interpolation: str = "BILINEAR") -> tf.Tensor:
    import tensorflow as tf

    slant = draws.uniform((tf.shape(images)[0],), -settings.factor, settings.factor)
    one, zero, middle = tf.ones_like(slant), tf.zeros_like(slant), (images.shape[1] - 1) / 2
    return warp(images, [one, slant, -slant * middle, zero, one, zero], settings.fill, interpolation)


def _zoom(images: tf.Tensor, settings: Any, draws: _Draws, interpolation: str = "BILINEAR") -> tf.Tensor:
    import tensorflow as tf

    scale = draws.uniform((tf.shape(images)[0],), 1 - settings.factor, 1 + settings.factor)
    y, x = (images.shape[1] - 1) / 2, (images.shape[2] - 1) / 2
    zero = tf.zeros_like(scale)
    return warp(images, [scale, zero, x - scale * x, zero, scale, y - scale * y], settings.fill, interpolation)


def _crop(images: tf.Tensor, settings: Any, draws: _Draws, interpolation: str = "BILINEAR") -> tf.Tensor:
    import tensorflow as tf

    count = (tf.shape(images)[0],)
    area = draws.uniform(count, *settings.area)
    widest = math.log(settings.ratio)
    aspect = tf.exp(draws.uniform(count, -widest, widest))
    tall, wide = tf.minimum(tf.sqrt(area / aspect), 1.0), tf.minimum(tf.sqrt(area * aspect), 1.0)
    height, width = images.shape[1], images.shape[2]
    top = draws.uniform(count) * (1 - tall) * (height - 1)
    left = draws.uniform(count) * (1 - wide) * (width - 1)
    zero = tf.zeros(count)
    return warp(images, [wide, zero, left, zero, tall, top], "nearest", interpolation)


def _brightness(images: tf.Tensor, settings: Any, draws: _Draws) -> tf.Tensor:
    import tensorflow as tf

    shift = draws.uniform((tf.shape(images)[0], 1, 1, 1), -settings.factor, settings.factor)
    return tf.clip_by_value(images + RANGE * shift, 0.0, RANGE)


def _contrast(images: tf.Tensor, settings: Any, draws: _Draws) -> tf.Tensor:
    import tensorflow as tf

    stretch = draws.uniform((tf.shape(images)[0], 1, 1, 1), 1 - settings.factor, 1 + settings.factor)
    mean = tf.reduce_mean(images, axis=[1, 2], keepdims=True)
    return tf.clip_by_value(mean + (images - mean) * stretch, 0.0, RANGE)


def _erase(images: tf.Tensor, settings: Any, draws: _Draws) -> tf.Tensor:
    import tensorflow as tf

    height, width = images.shape[1], images.shape[2]
    count = (tf.shape(images)[0], 1)
    area = draws.uniform(count, *settings.area)
    aspect = tf.exp(draws.uniform(count, math.log(0.3), math.log(1 / 0.3)))
    rows = tf.minimum(tf.sqrt(area * aspect), 1.0) * height
    columns = tf.minimum(tf.sqrt(area / aspect), 1.0) * width
    top, left = draws.uniform(count) * (height - rows), draws.uniform(count) * (width - columns)
    y, x = tf.range(height, dtype=tf.float32)[None] + 0.5, tf.range(width, dtype=tf.float32)[None] + 0.5
    inside = ((y >= top) & (y < top + rows))[:, :, None] & ((x >= left) & (x < left + columns))[:, None, :]
    chosen = draws.uniform((count[0], 1, 1)) < settings.probability
    noise = draws.uniform(tf.shape(images), 0.0, RANGE)
    return tf.where((inside & chosen)[..., None], noise, images)


def _noise(images: tf.Tensor, settings: Any, draws: _Draws) -> tf.Tensor:
    import tensorflow as tf

    return tf.clip_by_value(images + RANGE * settings.std * draws.normal(tf.shape(images)), 0.0, RANGE)


_MOVES: dict[str, Callable[..., Any]] = {
    "random_flip": _flip,
    "random_translation": _translate,
    "random_rotation": _rotate,
    "random_shear": _shear,
    "random_zoom": _zoom,
    "random_resized_crop": _crop,
}
_STEPS: dict[str, Callable[..., Any]] = {
    **_MOVES,
    "random_brightness": _brightness,
    "random_contrast": _contrast,
    "random_erasing": _erase,
    "gaussian_noise": _noise,
    "rand_augment": rand_augment,
    "time_shift": shift_time,
    "spec_augment": spec_augment,
}
_MASK_STEPS: dict[str, Callable[..., Any]] = {
    **{name: partial(move, interpolation="NEAREST") for name, move in _MOVES.items()},
    "rand_augment": rand_augment_masks,
}
