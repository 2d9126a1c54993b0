"""From a model's outputs to the compact form that metrics are computed from, a function for each form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from zoo.postprocessing.boxes import top_detections
from zoo.postprocessing.decoding import collapse_ctc, greedy
from zoo.postprocessing.image_similarity import errors
from zoo.tasks import END, PADDING, START

Model = Callable[[Any], Any]  # raw or prepared inputs of some examples to the model's outputs
MAX_EXTRA_TOKENS = 8  # by which a decoded sequence may be longer than the longest target


def unchanged(output: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Return probabilities `(n, classes)`, forecasts `(n, horizon)` or embeddings `(n, features)` as they are."""
    return output


def values(output: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Return values `(n, 1)` as `(n,)`; several values an example stay as they are, `(n, targets)`."""
    return output[:, 0] if output.shape[1] == 1 else output


def scores(output: dict[str, np.ndarray], targets: np.ndarray) -> np.ndarray:
    """Return an autoencoder's score of each example, `(n,)`."""
    return output["score"]


def reconstruction_errors(output: dict[str, np.ndarray], targets: np.ndarray) -> np.ndarray:
    """Return the mean squared error and the structural similarity of each reconstruction, `(n, 2)`."""
    return errors(output["image"], output["reconstruction"])


def pixel_classes(probabilities: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Return the most probable class of each pixel, uint8 `(n, height, width)`."""
    return probabilities.argmax(axis=-1).astype(np.uint8)


def detections(decoded: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Return the best boxes with class and score: see `zoo.postprocessing.boxes.top_detections`."""
    return top_detections(decoded)


def transcribed(probabilities: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Return the symbols of CTC's best path, `(n, length)`, padded with 0."""
    return collapse_ctc(probabilities.argmax(axis=-1))


def likelihoods(logits: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Return `(n, length, 3)` float32: a target's negative log-likelihood in nats, whether it is first, and what is.

    Args:
        logits: `(n, length, classes)`.
        targets: `(n, length or more)`; where a target is 0, all are 0.
    """
    targets = targets[:, : logits.shape[1]]
    logits = logits.astype(np.float64)
    logits = logits - logits.max(axis=-1, keepdims=True)
    chosen = np.take_along_axis(logits, targets[..., None].astype(np.int64), axis=-1)[..., 0]
    nll = np.log(np.exp(logits).sum(axis=-1)) - chosen
    first, counted = logits.argmax(axis=-1), targets != PADDING
    return np.stack([nll * counted, (first == targets) & counted, first * counted], axis=-1).astype(np.float32)


def decode(model: Model, source: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Return greedily decoded targets, `(n, length)`, padded with 0.

    Args:
        model: from `[source, decoder input]` to logits.
        source: token ids `(n, source length)`.
        targets: the longest of them sets the length at which decoding stops.
    """

    def step(rows: np.ndarray, tokens: np.ndarray) -> np.ndarray:
        return model([source[rows], tokens])[:, -1]

    return greedy(step, len(source), start=START, end=END, most=targets.shape[1] + MAX_EXTRA_TOKENS)
