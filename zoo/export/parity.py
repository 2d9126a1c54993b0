"""The proof: onnxruntime on the exported file against the saved Keras model, on the same raw examples."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnxruntime

from zoo.data.dataset import Signature, Split
from zoo.data.preprocessing import as_tensors
from zoo.data.text import START
from zoo.errors import ZooError
from zoo.serving.session import ExportedModel
from zoo.tasks import Task
from zoo.training.outcomes import decode, outcomes

_CHUNK = 512


@dataclass(frozen=True)
class Parity:
    """How far the file is from the model.

    Attributes:
        max_abs_difference: largest difference of a number that the file puts out.
        label_flips: decisions that differ: labels, decoded texts, the class of a pixel, the most probable token;
            always 0 for numbers and boxes.
        samples: number of examples compared.
        scale: largest absolute output.
    """

    max_abs_difference: float
    label_flips: int
    samples: int
    scale: float


def saved_outcomes(model: keras.Model, split: Split, signature: Signature, task: Task) -> np.ndarray:
    """Return the saved model's outputs on raw examples, in compact form (`zoo.training.outcomes`).

    This is the Keras evaluation pipeline: raw input, preprocessing, network, probabilities or what the task has in
    their place.
    """
    batches = (split.take(positions) for positions in _chunks(split, _CHUNK))

    def run(inputs: Any) -> Any:
        return _keras_output(model, inputs, signature, None)

    if task.kind == "sequences":
        tensors = (as_tensors(raw, signature) for raw in batches)
        return outcomes(task.kind, model.predict_on_batch, tensors, split.targets)
    return outcomes(task.kind, run, batches, split.targets)


def measure(path: Path, model: keras.Model, split: Split, signature: Signature, task: Task) -> Parity:
    """Compare an exported file with the saved model on the whole split, the same raw examples given to both."""
    exported = ExportedModel(path)
    worst, flips, scale, chunk = 0.0, 0, 0.0, _CHUNK
    for positions in _chunks(split, chunk):
        raw = split.take(positions)
        so_far = None
        if task.kind == "sequences":
            y = split.targets[positions]
            so_far = np.concatenate([np.full((len(y), 1), START, np.int32), y[:, :-1]], axis=1)
        wanted = _keras_output(model, raw, signature, so_far)
        wanted = wanted[:, 0] if task.kind == "regression" else wanted
        prediction = exported.predict(raw, so_far)
        if isinstance(wanted, dict):
            for name, theirs in prediction.parts.items():
                difference = np.abs(theirs.astype(np.float64) - wanted[name])
                worst = max(worst, float(difference.max()) if np.isfinite(difference).all() else float("inf"))
                scale = max(scale, float(np.abs(wanted[name]).max()))
            continue
        got = prediction.output
        if got.shape != wanted.shape:
            raise ZooError(f"{path}: the file gives outputs of the shape {got.shape}, the model {wanted.shape}")
        difference = np.abs(got.astype(np.float64) - wanted)
        worst = max(worst, float(difference.max()) if np.isfinite(difference).all() else float("inf"))
        scale = max(scale, float(np.abs(wanted).max()))
        if task.kind == "classification":
            names = [signature.labels[i] for i in wanted.argmax(axis=1)]
            flips += sum(a != b for a, b in zip(names, prediction.labels or [], strict=True))
        elif task.kind == "sequences":
            most = split.targets.shape[1] + 8
            ours = decode(model.predict_on_batch, as_tensors(raw, signature), most)
            theirs = exported.decode(raw, most)
            width = max(ours.shape[1], theirs.shape[1])
            rows = [np.pad(ids, ((0, 0), (0, width - ids.shape[1]))) for ids in (ours, theirs)]
            flips += int((rows[0] != rows[1]).any(axis=1).sum())
        elif task.kind in ("tokens", "transcription", "segmentation"):
            flips += int((got.argmax(axis=-1) != wanted.argmax(axis=-1)).sum())
    return Parity(worst, flips, len(split), scale)


def measure_decoder(path: Path, model: keras.Model, split: Split, signature: Signature) -> float:
    """Return the largest difference of an exported decoder from the saved model's, on the embeddings of a split."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    worst = 0.0
    for positions in _chunks(split, _CHUNK):
        wanted = _keras_output(model, split.take(positions), signature, None)
        (got,) = session.run(["reconstruction"], {"embedding": wanted["embedding"]})
        worst = max(worst, float(np.abs(got.astype(np.float64) - wanted["reconstruction"]).max()))
    return worst


def _keras_output(model: keras.Model, raw: Any, signature: Signature, so_far: np.ndarray | None) -> Any:
    if isinstance(raw, list):  # images of different sizes, one by one
        each = [model.predict_on_batch(image[None]) for image in raw]
        if isinstance(each[0], dict):
            return {name: np.concatenate([part[name] for part in each]) for name in each[0]}
        return np.concatenate(each)
    tensors = as_tensors(raw, signature)
    return model.predict_on_batch(tensors if so_far is None else [tensors, so_far])


def _chunks(split: Split, most: int) -> Iterator[np.ndarray]:
    """Yield positions, fewer at a time where there is much to put out for each example."""
    size = split.targets[:1].size
    return split.chunks(max(1, min(most, (1 << 17) // max(1, size))))
