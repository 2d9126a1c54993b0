"""Objects as points (Zhou, Wang and Krähenbühl, 2019, arXiv:1904.07850): the output maps, and boxes from the maps."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops

# The maps of an image are `(rows, columns, classes + 4)`. A cell has the logit of each class, that an object of the
# class has its center in the cell; the offset of the center in the cell (y, x, 0 to 1); and height and width, in cells.
BOX = 4  # offset y, offset x, height, width
PRIOR = 0.1  # initial probability that a cell has an object of a class (Lin et al., 2017, arXiv:1708.02002)


@keras.saving.register_keras_serializable("zoo")
class MapBias(keras.initializers.Initializer):
    """Initial bias of the maps: probability 0.1 of each class, because most cells are empty.

    Boxes start at the center of their cell with size 0.
    """

    def __call__(self, shape: Any, dtype: Any = None, **_: Any) -> Any:
        """Return the bias, `(classes + 4,)`."""
        classes = math.prod(shape) - BOX
        return ops.convert_to_tensor([math.log(PRIOR / (1 - PRIOR))] * classes + [0.5, 0.5, 0.0, 0.0], dtype)


@keras.saving.register_keras_serializable("zoo")
class DecodeBoxes(keras.layers.Layer):
    """Decode maps to boxes with scores. A class has a score only in cells where it is the maximum of 3x3 cells.

    Input `(batch, rows, columns, classes + 4)`; output `(batch, rows * columns, 4 + classes)`: ymin, xmin, ymax, xmax
    as fractions of the image, and the probability of each class, 0 where the cell is not a maximum.
    """

    TIE = 1e-3  # in logits: equal neighbors count as equal where two runtimes round them differently

    def call(self, maps: Any) -> Any:
        """Return boxes and scores of every cell."""
        rows, columns, classes = maps.shape[1], maps.shape[2], maps.shape[3] - BOX
        logits = maps[..., :classes]
        highest = ops.max_pool(logits, 3, strides=1, padding="same")
        scores = ops.where(logits >= highest - self.TIE, ops.sigmoid(logits), 0.0)

        size = ops.convert_to_tensor([rows, columns], maps.dtype)
        corners = ops.stack(ops.meshgrid(ops.arange(rows), ops.arange(columns), indexing="ij"), axis=-1)
        centers = ops.cast(corners, maps.dtype) + maps[..., classes : classes + 2]
        extents = ops.relu(maps[..., classes + 2 :])
        low, high = (centers - extents / 2) / size, (centers + extents / 2) / size
        boxes = ops.clip(ops.concatenate([low, high], axis=-1), 0.0, 1.0)
        return ops.reshape(ops.concatenate([boxes, scores], axis=-1), (-1, rows * columns, BOX + classes))

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return `(batch, rows * columns, 4 + classes)`."""
        rows, columns = shape[1:3]
        return (shape[0], rows * columns if rows and columns else None, shape[3])
