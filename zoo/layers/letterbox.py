"""From the frame that a padded image is seen in back to the image: boxes and maps of classes.

A resize of mode "pad" shows all of an image in the middle of a frame (`zoo.layers.preprocessing.AntialiasResize`).
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


class _OfFrame(keras.layers.Layer):
    """What knows the frame.

    Args:
        height: rows of the frame.
        width: columns of the frame.
    """

    def __init__(self, height: int, width: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.height, self.width = height, width

    def parts(self, images: Any) -> Any:
        """Return which part of the frame's height and width images `(batch, height, width, channels)` take, `(2,)`."""
        sizes = ops.stack([ops.cast(size, self.compute_dtype) for size in ops.shape(images)[1:3]])
        frame = ops.convert_to_tensor([self.height, self.width], self.compute_dtype)
        return sizes / ops.max(sizes / frame) / frame

    def compute_output_shape(self, shapes: Any) -> Any:
        """Return the shape of the first input."""
        return shapes[0]

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "height": self.height, "width": self.width}


@keras.saving.register_keras_serializable("zoo")
class BoxesToImage(_OfFrame):
    """Turn boxes in fractions of the frame into boxes in fractions of the image, cut at its edge.

    Takes detections `(batch, places, 4 + classes)` with ymin, xmin, ymax, xmax first, and the raw images.
    """

    def call(self, inputs: Any) -> Any:
        """Return the detections with their boxes turned."""
        detections, images = inputs
        parts = ops.tile(self.parts(images), 2)
        boxes = ops.clip((detections[..., :4] - 0.5) / parts + 0.5, 0.0, 1.0)
        return ops.concatenate([boxes, detections[..., 4:]], axis=-1)


@keras.saving.register_keras_serializable("zoo")
class ZeroPadding(_OfFrame):
    """Set the probabilities of all classes to 0 where the frame has no image.

    Takes probabilities `(batch, height, width, classes)` and the raw images.
    """

    def call(self, inputs: Any) -> Any:
        """Return the probabilities, 0 in the padding."""
        probabilities, images = inputs
        parts = self.parts(images)
        rows, columns = (self._inside(parts[axis], size) for axis, size in ((0, self.height), (1, self.width)))
        return probabilities * rows[None, :, None, None] * columns[None, None, :, None]

    def _inside(self, part: Any, size: int) -> Any:
        """Return 1 for the places whose centre lies on the image, else 0: `(size,)`."""
        centers = (ops.arange(size, dtype=self.compute_dtype) + 0.5) / size - 0.5
        return ops.cast(ops.abs(centers) < part / 2, self.compute_dtype)
