"""Loss of objects as points (Zhou, Wang and Krähenbühl, 2019, arXiv:1904.07850).

The target of the heatmap is drawn from the boxes inside the loss: a Gaussian at each object's centre, as wide as the
centre can be off with the box still overlapping the true one (Law and Deng, "CornerNet", 2018, arXiv:1808.01244).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import keras
from keras import ops

from zoo.losses.base import BatchLoss


class Objects(NamedTuple):
    """The objects of a batch, `(batch, most)` each, in cells of the output maps.

    Attributes:
        real: 1 for an object, 0 for padding.
        kind: class, int32.
        row, column: the cell that holds the centre, float32.
        place: the centre's offset within the cell (y, x), then the height and the width, `(batch, most, 4)`.
        sigma: standard deviation of the Gaussian.
    """

    real: Any
    kind: Any
    row: Any
    column: Any
    place: Any
    sigma: Any


@keras.saving.register_keras_serializable("zoo")
class CenterNet(BatchLoss):
    """Penalty-reduced focal loss of the centres' heatmap, and L1 loss of offset and size at the centres.

    All three are sums over the batch, divided by its number of objects (by 1 where there is none).

    Targets `(batch, most, 5)`: ymin, xmin, ymax, xmax in fractions of the image and the class, -1 for padding. Maps
    `(batch, rows, columns, classes + 4)`: heatmap logits, offset y and x, height and width in cells.

    Args:
        offset_weight: factor of the offset's loss.
        size_weight: factor of the size's loss.
        minimum_iou: overlap with the true box that a box moved by the Gaussian's radius still has.
    """

    def __init__(
        self,
        *,
        offset_weight: float = 1.0,
        size_weight: float = 0.1,
        minimum_iou: float = 0.7,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        self.offset_weight, self.size_weight, self.minimum_iou = offset_weight, size_weight, minimum_iou

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of the batch."""
        shape = ops.shape(y_pred)
        rows, columns, classes = shape[1], shape[2], y_pred.shape[-1] - 4
        objects = locate(ops.cast(y_true, "float32"), rows, columns, self.minimum_iou)
        heat = ops.stop_gradient(draw(objects, rows, columns, classes))

        cells = ops.cast(objects.row, "int32") * columns + ops.cast(objects.column, "int32")
        places = ops.reshape(y_pred[..., classes:], (-1, rows * columns, 4))
        errors = ops.abs(ops.take_along_axis(places, cells[..., None], axis=1) - objects.place)
        errors = ops.sum(ops.where(objects.real[..., None] > 0, errors, 0.0), axis=(0, 1))
        total = ops.sum(heatmap_losses(heat, y_pred[..., :classes]))
        total = total + self.offset_weight * ops.sum(errors[:2]) + self.size_weight * ops.sum(errors[2:])
        return total / ops.maximum(ops.sum(objects.real), 1.0)

    def get_config(self) -> dict[str, Any]:
        """Return what rebuilds the loss."""
        return {
            **super().get_config(),
            "offset_weight": self.offset_weight,
            "size_weight": self.size_weight,
            "minimum_iou": self.minimum_iou,
        }


def locate(boxes: Any, rows: Any, columns: Any, minimum_iou: float) -> Objects:
    """Return where objects are on maps of `rows` times `columns` cells, from boxes `(batch, most, 5)`."""
    size = ops.cast(ops.stack([rows, columns]), "float32")
    real = ops.cast(boxes[..., 4] >= 0, "float32")
    corners = ops.where(real[..., None] > 0, boxes[..., :4], 0.0)
    low, high = corners[..., :2] * size, corners[..., 2:] * size
    center, extent = (low + high) / 2, high - low
    cell = ops.clip(ops.floor(center), 0.0, size - 1)
    return Objects(
        real=real,
        kind=ops.cast(boxes[..., 4], "int32"),
        row=cell[..., 0],
        column=cell[..., 1],
        place=ops.concatenate([center - cell, extent], axis=-1),
        sigma=(2 * radius(extent[..., 0], extent[..., 1], minimum_iou) + 1) / 6,
    )


def radius(height: Any, width: Any, minimum_iou: float) -> Any:
    """Return how far both corners of a box can be off, in any direction, for an overlap of at least `minimum_iou`.

    The least of three cases: both corners moved inwards, both outwards, and both the same way.
    """
    total, area = height + width, height * width

    def root(a: float, b: Any, c: Any) -> Any:  # of a r^2 + b r + c = 0, the one nearest to zero from above
        return (ops.sqrt(ops.maximum(b * b - 4 * a * c, 0.0)) - b) / (2 * a)

    iou = minimum_iou
    inwards = -root(4, 2 * total, (1 - iou) * area)
    outwards = root(4 * iou, 2 * iou * total, (iou - 1) * area)
    shifted = -root(1, total, area * (1 - iou) / (1 + iou))
    return ops.minimum(ops.minimum(inwards, outwards), shifted)


def draw(objects: Objects, rows: Any, columns: Any, classes: int) -> Any:
    """Return the heatmap `(batch, rows, columns, classes)`: 1 at each centre, the highest Gaussian elsewhere."""
    y = ops.cast(ops.arange(rows), "float32")[None, :, None]
    x = ops.cast(ops.arange(columns), "float32")[None, None, :]

    def add(i: Any, heat: Any) -> Any:  # one object of each image
        row, column, sigma, real, kind = (
            ops.take(part, i, axis=1)[:, None, None]
            for part in (objects.row, objects.column, objects.sigma, objects.real, objects.kind)
        )
        bell = real * ops.exp(-((y - row) ** 2 + (x - column) ** 2) / (2 * sigma**2))
        return ops.maximum(heat, bell[..., None] * ops.one_hot(kind, classes))

    empty = ops.zeros((ops.shape(objects.row)[0], rows, columns, classes), "float32")
    if objects.row.shape[1] == 0:
        return empty
    return ops.fori_loop(0, ops.shape(objects.row)[1], add, empty)


def heatmap_losses(heat: Any, logits: Any) -> Any:
    """Return the penalty-reduced focal loss of every cell and class (equation 1, with alpha 2 and beta 4)."""
    p = ops.sigmoid(logits)
    at_center = (1 - p) ** 2 * ops.softplus(-logits)
    elsewhere = (1 - heat) ** 4 * p**2 * ops.softplus(logits)
    return ops.where(heat >= 1, at_center, elsewhere)
