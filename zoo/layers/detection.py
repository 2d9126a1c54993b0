"""Objects as points: the maps that a network gives for them, and boxes from the maps.

Zhou, Wang and Krähenbühl, "Objects as points", 2019, arXiv:1904.07850. The maps of an image are `(rows, columns,
classes + 4)`: for each cell the logit that an object of each class has its centre there; then where in the cell the
centre lies (y, x, from 0 to 1), and the object's height and width, both in cells.
"""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops

BOX = 4  # offset y, offset x, height, width
PRIOR = 0.1  # that an object has its centre in a cell, before anything is learnt (Lin et al., 2017, arXiv:1708.02002)


@keras.saving.register_keras_serializable("zoo")
class MapBias(keras.initializers.Initializer):
    """Initial bias of the maps: each class at a probability of 0.1 (else the many empty cells drown the few centres).

    Boxes start in the middle of their cell and without extent.
    """

    def __call__(self, shape: Any, dtype: Any = None, **_: Any) -> Any:
        """Return the bias, `(classes + 4,)`."""
        classes = math.prod(shape) - BOX
        return ops.convert_to_tensor([math.log(PRIOR / (1 - PRIOR))] * classes + [0.5, 0.5, 0.0, 0.0], dtype)


@keras.saving.register_keras_serializable("zoo")
class DecodeBoxes(keras.layers.Layer):
    """Turn maps into boxes and their scores: a cell's class scores only where it is the highest of its 3x3 cells.

    Input `(batch, rows, columns, classes + 4)`; output `(batch, rows * columns, 4 + classes)`: ymin, xmin, ymax, xmax
    in shares of the image, and the probability of each class, 0 where it is no peak.
    """

    TIE = 1e-3  # in logits: even ground stays even when two runtimes round it differently

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
