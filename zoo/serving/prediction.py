"""What an exported file gives for some examples."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np


@dataclass(frozen=True)
class Prediction:
    """What the file gives for some examples. What its task has no use for is None.

    Attributes:
        output: the file's main output, as it is: probabilities, values, forecasts `(examples, horizon)`, logits, or
            boxes and scores side by side.
        probabilities: of each class, float32 `(examples, classes)`.
        labels: the class of each example, the most probable one or that with the least expected cost; None for one
            whose answer is not finite.
        prediction_sets: whether each class is in the prediction set of an example, bool `(examples, classes)`.
        ood_scores: how unlike the training examples each example is, `(examples,)`, where the file says so.
        label_sets: the labels of each example, where it may have several: those whose probability is at least one half.
        values: one number an example, float32 `(examples,)`, or several, `(examples, targets)`.
        forecasts: the next values of a series, float32 `(examples, horizon)`, or `(examples, horizon, targets)`.
        lower: lower bound of each value or forecast, of its shape, where the file has prediction intervals.
        upper: the upper bound, likewise.
        series: the names of the series, where a table holds several.
        texts: what was transcribed or decoded.
        tags: of each word of a text, the most probable.
        masks: the class of each pixel, `(examples, height, width)`; 255 in the padding, for models that pad images.
        detections: `(examples, boxes, 6)`: ymin, xmin, ymax, xmax as fractions of the image, class, score; a score of 0
            is padding.
        embeddings: of encoders, float32 `(examples, features)`.
        parts: of an autoencoder: `embedding` `(examples, features)`, `reconstruction` `(examples, height, width,
            channels)` in [0, 1], and `score` `(examples,)`, their mean squared difference; else empty.
        outputs: all outputs of the file by name; empty where texts are decoded.
        finite: whether all numbers of an example's answer are finite, `(examples,)`; None where texts are decoded.
    """

    output: np.ndarray
    probabilities: np.ndarray | None = None
    labels: list[str | None] | None = None
    label_sets: list[list[str]] | None = None
    values: np.ndarray | None = None
    forecasts: np.ndarray | None = None
    lower: np.ndarray | None = None
    upper: np.ndarray | None = None
    series: list[str] | None = None
    texts: list[str] | None = None
    tags: list[list[str]] | None = None
    masks: np.ndarray | None = None
    detections: np.ndarray | None = None
    embeddings: np.ndarray | None = None
    parts: dict[str, np.ndarray] = field(default_factory=dict)
    finite: np.ndarray | None = None
    prediction_sets: np.ndarray | None = None
    ood_scores: np.ndarray | None = None
    outputs: dict[str, np.ndarray] = field(default_factory=dict)

    def __len__(self) -> int:
        """Return the number of examples."""
        return len(self.output)


def marked_finite(prediction: Prediction, found: dict[str, np.ndarray]) -> Prediction:
    """Return a prediction that says which answers are finite; the others have no label.

    Args:
        prediction: what is marked.
        found: the outputs of the file that it comes from.
    """
    finite = np.full(len(next(iter(found.values()))), True)
    for values in found.values():
        if values.dtype.kind == "f":
            finite &= np.isfinite(values).all(axis=tuple(range(1, values.ndim)))
    labels = prediction.labels
    if labels is not None:
        labels = [label if fine else None for label, fine in zip(labels, finite, strict=True)]
    return replace(prediction, labels=labels, finite=finite, outputs=found)
