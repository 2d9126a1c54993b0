"""Moving the pixels of images by affine maps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import tensorflow as tf


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
