"""From a model's outputs to the compact form that figures are computed from.

By kind of task: probabilities `(n, classes)`; values `(n,)`; forecasts `(n, horizon)`; for tokens, the negative
log-likelihood of each target in nats and whether the most probable token is the target, `(n, length, 2)`; decoded
symbols `(n, length)` padded with 0; the class of each pixel `(n, height, width)` uint8; the best boxes with class and
score `(n, most, 6)`; for reconstructions, the mean squared error and the structural similarity of each, `(n, 2)`; for
anomalies the score `(n,)`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from zoo.postprocessing.boxes import top_detections
from zoo.postprocessing.decoding import collapse_ctc, greedy
from zoo.postprocessing.image_similarity import errors
from zoo.tasks import END, PADDING, START, Kind
from zoo.utils.padding import pad_rows

Model = Callable[[Any], Any]  # raw or prepared inputs of some examples to the model's outputs


def outcomes(kind: Kind, model: Model, batches: Iterable[Any], targets: np.ndarray) -> np.ndarray:
    """Run a model over examples and return its outputs in compact form.

    Args:
        kind: kind of the task.
        model: from inputs to outputs; for "sequences" from `[source, decoder input]` to logits.
        batches: inputs, some examples at a time, in the order of `targets`.
        targets: the split's raw targets.
    """
    found, start = [], 0
    for inputs in batches:
        if kind == "sequences":
            found.append(decode(model, inputs, targets.shape[1] + 8))
            continue
        output = model(inputs)
        count = len(output["score"] if isinstance(output, dict) else output)
        found.append(compact(kind, output, targets[start : start + count]))
        start += count
    if kind in ("sequences", "transcription"):
        return pad_rows(found)
    return np.concatenate(found)


def decode(model: Model, source: np.ndarray, most: int) -> np.ndarray:
    """Return greedily decoded targets, `(examples, length)`, for sources of token ids `(examples, length)`."""

    def step(rows: np.ndarray, tokens: np.ndarray) -> np.ndarray:
        return model([source[rows], tokens])[:, -1]

    return greedy(step, len(source), start=START, end=END, most=most)


def compact(kind: Kind, output: Any, targets: np.ndarray) -> np.ndarray:
    """Return outputs of some examples in compact form. "sequences" are decoded step by step instead: see `decode`."""
    if kind == "anomaly":
        return output["score"]
    if kind == "reconstruction":
        return errors(output["image"], output["reconstruction"])
    if kind == "regression":
        return output[:, 0]
    if kind == "tokens":
        return likelihoods(output, targets[:, : output.shape[1]])
    if kind == "transcription":
        return collapse_ctc(output.argmax(axis=-1))
    if kind == "segmentation":
        return output.argmax(axis=-1).astype(np.uint8)
    if kind == "detection":
        return top_detections(output)
    return output


def likelihoods(logits: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Return `(n, length, 2)` float32: each target's negative log-likelihood in nats, and whether it ranks first.

    Args:
        logits: `(n, length, classes)`.
        targets: `(n, length)`; where 0, both are 0.
    """
    logits = logits.astype(np.float64)
    logits = logits - logits.max(axis=-1, keepdims=True)
    chosen = np.take_along_axis(logits, targets[..., None].astype(np.int64), axis=-1)[..., 0]
    nll = np.log(np.exp(logits).sum(axis=-1)) - chosen
    right = logits.argmax(axis=-1) == targets
    counted = targets != PADDING
    return np.stack([nll * counted, right & counted], axis=-1).astype(np.float32)
