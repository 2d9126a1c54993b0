"""The proof: onnxruntime on the exported file against the saved Keras model, on the same raw examples."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from zoo.data.dataset import Signature, Split
from zoo.data.preprocessing import as_tensors
from zoo.errors import ZooError
from zoo.serving.session import ExportedModel

_CHUNK = 512


@dataclass(frozen=True)
class Parity:
    """How far the file is from the model.

    Attributes:
        max_abs_difference: largest difference of a probability, or of a value.
        label_flips: examples whose most probable class differs; always 0 for numbers.
        samples: number of examples compared.
    """

    max_abs_difference: float
    label_flips: int
    samples: int


def saved_outputs(model: keras.Model, split: Split, signature: Signature) -> np.ndarray:
    """Return the saved model's outputs on raw examples: `(examples, classes)` or `(examples,)`.

    This is the Keras evaluation pipeline: raw input, preprocessing, network, probabilities or value.
    """
    found = []
    for positions in split.chunks(_CHUNK):
        raw = split.take(positions)
        if isinstance(raw, list):
            found += [model.predict_on_batch(image[None]) for image in raw]
        else:
            found.append(model.predict_on_batch(as_tensors(raw, signature)))
    outputs = np.concatenate(found)
    return outputs if signature.labels else outputs[:, 0]


def measure(path: Path, split: Split, expected: np.ndarray, signature: Signature) -> Parity:
    """Compare an exported file with the saved model's outputs on the whole split."""
    exported = ExportedModel(path)
    worst, flips = 0.0, 0
    for positions in split.chunks(_CHUNK):
        prediction = exported.predict(split.take(positions))
        wanted = expected[positions]
        got = prediction.probabilities if signature.labels else prediction.values
        if got is None or got.shape != wanted.shape:
            raise ZooError(f"{path}: the file gives outputs of another shape than the model, {wanted.shape}")
        difference = np.abs(got.astype(np.float64) - wanted)
        worst = max(worst, float(difference.max()) if np.isfinite(difference).all() else float("inf"))
        if signature.labels:
            names = [signature.labels[i] for i in wanted.argmax(axis=1)]
            flips += sum(a != b for a, b in zip(names, prediction.labels or [], strict=True))
    return Parity(worst, flips, len(split))
