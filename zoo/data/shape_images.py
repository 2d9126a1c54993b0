"""The steps that fix the shape of images, as TensorFlow operations on one image or on several of one size.

They give what the layers of the saved model give (`zoo.layers.preprocessing`), several times faster: those are matrix
products, so that ONNX has them; here the kernel sums the few pixels that count.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from zoo.recipe.steps import CenterCrop, PreprocessStep, Resize

if TYPE_CHECKING:
    import tensorflow as tf

_KERNELS = {"bilinear": "triangle", "bicubic": "keyscubic"}  # TensorFlow's names of the filters


def shape_images(images: Any, steps: Sequence[PreprocessStep]) -> tf.Tensor:
    """Return images `(n, height, width, channels)` resized and cut.

    Args:
        images: uint8, a tensor or an array.
        steps: `resize` and `center_crop`.

    Returns:
        float32 after a resize, else uint8.
    """
    import tensorflow as tf

    x = tf.convert_to_tensor(images)
    for step in steps:
        if step.resize is not None:
            x = _resize(x, step.resize)
        elif step.center_crop is not None:
            x = _crop(x, step.center_crop)
    return x


def _resize(x: tf.Tensor, resize: Resize) -> tf.Tensor:
    """Resize with the filter of the interpolation, as `AntialiasResize` does."""
    import tensorflow as tf

    from zoo.layers.preprocessing import MAX_PIXEL

    have = tf.cast(tf.shape(x)[1:3], tf.float32)
    want = tf.constant([resize.height, resize.width], tf.float32)
    scale = want / have
    if resize.mode != "stretch":
        pick = tf.reduce_max if resize.mode == "crop" else tf.reduce_min
        scale = tf.fill([2], pick(scale))
    found = tf.raw_ops.ScaleAndTranslate(
        images=tf.cast(x, tf.float32),
        size=tf.cast(want, tf.int32),
        scale=scale,
        translation=want / 2 - have / 2 * scale,
        kernel_type=_KERNELS[resize.interpolation],
        antialias=True,
    )
    if resize.interpolation == "bicubic":
        found = tf.clip_by_value(found, 0.0, MAX_PIXEL)
    if resize.mode != "pad" or not resize.fill:
        return found  # 0 where the image is not
    rows, columns = (_inside(have[axis], scale[axis], size) for axis, size in ((0, resize.height), (1, resize.width)))
    return found + float(resize.fill) * (1.0 - rows[None, :, None, None] * columns[None, None, :, None])


def _inside(have: tf.Tensor, scale: tf.Tensor, size: int) -> tf.Tensor:
    """Return 1 for the places whose centre lies on the image, else 0: `(size,)`."""
    import tensorflow as tf

    centers = (tf.range(size, dtype=tf.float32) + 0.5 - size / 2) / scale + have / 2
    return tf.cast((centers > 0) & (centers < have), tf.float32)


def _crop(x: tf.Tensor, crop: CenterCrop) -> tf.Tensor:
    import tensorflow as tf

    top, left = ((tf.shape(x)[axis] - size) // 2 for axis, size in ((1, crop.height), (2, crop.width)))
    return x[:, top : top + crop.height, left : left + crop.width]
