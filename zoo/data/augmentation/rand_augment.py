"""RandAugment (Cubuk, Zoph, Shlens and Le, 2019, https://arxiv.org/abs/1909.13719): a few of 14 operations an image."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import tensorflow as tf

RANGE = 255.0
OPERATIONS = (
    *("identity", "autocontrast", "equalize", "solarize", "posterize", "color", "contrast", "brightness", "sharpness"),
    *("rotate", "shear_x", "shear_y", "translate_x", "translate_y"),
)
GEOMETRIC = OPERATIONS.index("rotate")  # from here on, operations move pixels
_GREY = (0.299, 0.587, 0.114)  # ITU-R 601-2, as in PIL
# Strengths at magnitude 10.
_MAX_BLEND = 0.9  # change of the factor that an image is blended with
_MAX_DEGREES = 30.0  # of rotation
_MAX_SHEAR = 0.3  # pixels a pixel
_MAX_SHIFT = 150 / 331  # of the side
_MAX_LOST_BITS = 4  # of 8


def rand_augment(images: tf.Tensor, settings: Any, draws: Any) -> tf.Tensor:
    """Augment float images `(batch, height, width, channels)` from 0 to 255.

    The operations are those of the Python Imaging Library. At magnitude 10 they have the largest strengths of the
    paper: rotation by 30 degrees, shear by 0.3, translation by 150 / 331 of the side, color, contrast, brightness and
    sharpness by a factor of 0.1 or 1.9, 4 bits of 8 kept by posterize, all inverted by solarize. At 0 these do nothing;
    in between, as in torchvision, their strength grows. Directions are drawn.

    Args:
        images: the images.
        settings: of the recipe's step.
        draws: independent uniform draws.
    """
    import tensorflow as tf

    for _ in range(settings.operations):
        choice, sign = _drawn(images, draws)
        kinds = tf.minimum(choice, GEOMETRIC)
        parts = tf.dynamic_partition(images, kinds, GEOMETRIC + 1)
        signs = tf.dynamic_partition(sign, kinds, GEOMETRIC + 1)
        which = tf.boolean_mask(choice, kinds == GEOMETRIC)
        done = [
            change(part, name, settings.magnitude, own)
            for part, name, own in zip(parts, OPERATIONS[:GEOMETRIC], signs, strict=False)
        ]
        done.append(move(parts[-1], which, settings.magnitude, signs[-1], fill=settings.fill, interpolation="BILINEAR"))
        places = tf.dynamic_partition(tf.range(tf.shape(images)[0]), kinds, GEOMETRIC + 1)
        images = tf.ensure_shape(tf.dynamic_stitch(places, done), images.shape)
    return images


def rand_augment_masks(masks: tf.Tensor, settings: Any, draws: Any) -> tf.Tensor:
    """Move masks `(batch, height, width, 1)` as `rand_augment` moves the images of the same draws."""
    for _ in range(settings.operations):
        choice, sign = _drawn(masks, draws)
        masks = move(masks, choice, settings.magnitude, sign, fill=settings.fill, interpolation="NEAREST")
    return masks


def _drawn(images: tf.Tensor, draws: Any) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the number of each image's operation, and its direction, -1 or 1."""
    import tensorflow as tf

    count = (tf.shape(images)[0],)
    choice = tf.minimum(tf.cast(draws.uniform(count, 0.0, len(OPERATIONS)), tf.int32), len(OPERATIONS) - 1)
    return choice, tf.where(draws.uniform(count) < 0.5, -1.0, 1.0)


def move(
    images: tf.Tensor, choice: tf.Tensor, magnitude: float, sign: tf.Tensor, *, fill: str, interpolation: str
) -> tf.Tensor:
    """Rotate, shear or shift each image, as its number in `OPERATIONS` says; the other operations move nothing.

    Args:
        images: `(batch, height, width, channels)`.
        choice: number of each image's operation, `(batch,)`.
        magnitude: 0 to 10.
        sign: direction of each, -1 or 1.
        fill: how pixels from outside are filled.
        interpolation: "BILINEAR" or "NEAREST".
    """
    import tensorflow as tf

    def amount(name: str, maximum: float) -> tf.Tensor:
        return tf.where(choice == OPERATIONS.index(name), sign * maximum * magnitude / 10, 0.0)

    angle = amount("rotate", math.radians(_MAX_DEGREES))
    cos, sin = tf.cos(angle), tf.sin(angle)
    across, down = amount("shear_x", _MAX_SHEAR), amount("shear_y", _MAX_SHEAR)
    height, width = images.shape[1], images.shape[2]
    right, below = amount("translate_x", _MAX_SHIFT * width), amount("translate_y", _MAX_SHIFT * height)
    y, x = (height - 1) / 2, (width - 1) / 2  # rotation is about the middle; shear leaves the upper left corner
    rows = [
        *(cos, across - sin, x - cos * x + sin * y + across / 2 + right),
        *(down + sin, cos, y - sin * x - cos * y + down / 2 + below),
    ]
    return warp(images, rows, fill, interpolation)


def change(images: tf.Tensor, name: str, magnitude: float, sign: tf.Tensor) -> tf.Tensor:
    """Apply one operation that changes values and moves no pixel.

    Args:
        images: `(batch, height, width, channels)`, 0 to 255.
        name: of `OPERATIONS`.
        magnitude: 0 to 10.
        sign: direction for each image, -1 or 1, where the operation has two.
    """
    import tensorflow as tf

    if name in _ENHANCEMENTS:
        factor = (1 + sign * _MAX_BLEND * magnitude / 10)[:, None, None, None]
        plain = _ENHANCEMENTS[name](images)
        return tf.clip_by_value(plain + factor * (images - plain), 0.0, RANGE)
    if name == "autocontrast":
        return _autocontrast(images)
    if name == "equalize":
        return _equalize(images)
    if name == "solarize":
        return tf.where(tf.round(images) < RANGE + 1 - int((RANGE + 1) * magnitude / 10), images, RANGE - images)
    if name == "posterize":
        lost = 2.0 ** round(_MAX_LOST_BITS * magnitude / 10)
        return tf.floor(tf.round(images) / lost) * lost if lost > 1 else images
    return images


def _grey(images: tf.Tensor) -> tf.Tensor:
    import tensorflow as tf

    if images.shape[-1] != len(_GREY):
        return tf.reduce_mean(images, axis=-1, keepdims=True)
    return tf.reduce_sum(images * tf.constant(_GREY), axis=-1, keepdims=True)


def _grey_image(images: tf.Tensor) -> tf.Tensor:
    return _grey(images) if images.shape[-1] == len(_GREY) else images


def _mean_grey(images: tf.Tensor) -> tf.Tensor:
    import tensorflow as tf

    return tf.reduce_mean(_grey(images), axis=[1, 2], keepdims=True)


def _smooth(images: tf.Tensor) -> tf.Tensor:
    """Return PIL's filter SMOOTH: weight 5 / 13 for the pixel, 1 / 13 for each neighbour; edges stay as they are."""
    import tensorflow as tf

    height, width = images.shape[1], images.shape[2]
    padded = tf.pad(images, [[0, 0], [1, 1], [1, 1], [0, 0]])
    around = sum(padded[:, i : i + height, j : j + width] for i in range(3) for j in range(3))
    edge = tf.pad(tf.zeros((max(height - 2, 0), max(width - 2, 0)), tf.bool), [[1, 1], [1, 1]], constant_values=True)
    return tf.where(edge[:height, :width, None], images, (around + 4 * images) / 13)


def _autocontrast(images: tf.Tensor) -> tf.Tensor:
    """Stretch each channel of each image to the whole range; a channel of one value stays as it is."""
    import tensorflow as tf

    low = tf.reduce_min(images, axis=[1, 2], keepdims=True)
    high = tf.reduce_max(images, axis=[1, 2], keepdims=True)
    stretched = tf.math.divide_no_nan((images - low) * RANGE, high - low)
    return tf.where(high > low, stretched, images)


def _equalize(images: tf.Tensor) -> tf.Tensor:
    """Equalize the histogram of each channel of each image, by PIL's rule for whole values."""
    import tensorflow as tf

    levels = int(RANGE) + 1
    height, width, channels = images.shape[1:]
    each = (tf.shape(images)[0], 1, 1, channels)
    planes = each[0] * channels
    values = tf.cast(tf.clip_by_value(tf.round(images), 0.0, RANGE), tf.int32)
    plane = tf.reshape(tf.range(planes), each) * levels
    counts = tf.math.bincount(tf.reshape(values + plane, (-1,)), minlength=planes * levels)
    counts = tf.reshape(counts, (planes, levels))
    brightest = tf.reshape(tf.reduce_max(values, axis=[1, 2]), (planes,))
    step = (height * width - tf.gather(counts, brightest, batch_dims=1)) // (levels - 1)
    before = tf.cumsum(counts, axis=1, exclusive=True)
    table = tf.minimum((before + step[:, None] // 2) // tf.maximum(step, 1)[:, None], levels - 1)
    found = tf.cast(tf.gather(tf.reshape(table, (-1,)), values + plane), images.dtype)
    return tf.where(tf.reshape(step, each) > 0, found, images)


_ENHANCEMENTS: dict[str, Callable[[Any], Any]] = {  # what PIL's ImageEnhance blends an image with
    "color": _grey_image,
    "contrast": _mean_grey,
    "brightness": lambda images: 0.0 * images,
    "sharpness": _smooth,
}


def warp(images: tf.Tensor, rows: list[Any], fill: str, interpolation: str) -> tf.Tensor:
    """Sample the images at `(a x + b y + c, d x + e y + f)` for each output pixel `(x, y)`."""
    import tensorflow as tf

    zero = tf.zeros_like(rows[0])
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=tf.stack([*rows, zero, zero], axis=1),
        output_shape=images.shape[1:3],
        fill_value=0.0,
        interpolation=interpolation,
        fill_mode=fill.upper(),
    )
