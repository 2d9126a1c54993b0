"""The proof: onnxruntime on the exported file against the saved Keras model, on the same raw examples."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import onnxruntime

from zoo.data.dataset import Signature, Split
from zoo.data.preprocessing import as_tensors
from zoo.errors import ZooError
from zoo.postprocessing.compact import MAX_EXTRA_TOKENS, decode
from zoo.serving.exported_model import ExportedModel
from zoo.tasks import START, Task
from zoo.training.saved_model import chunks, keras_output


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


def measure(path: Path, model: keras.Model, split: Split, signature: Signature, task: Task) -> Parity:
    """Compare an exported file with the saved model on the whole split, the same raw examples given to both."""
    exported = ExportedModel(path)
    worst, flips, scale = 0.0, 0, 0.0
    for positions in chunks(split):
        raw = split.take(positions)
        decoder_input = None
        if task.kind == "sequences":
            y = split.targets[positions]
            decoder_input = np.concatenate([np.full((len(y), 1), START, np.int32), y[:, :-1]], axis=1)
        wanted = keras_output(model, raw, signature, decoder_input)
        wanted = wanted[:, 0] if task.kind == "regression" else wanted
        prediction = exported.predict(raw, decoder_input)
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
            ours = decode(model.predict_on_batch, as_tensors(raw, signature), split.targets)
            theirs = exported.decode(raw, split.targets.shape[1] + MAX_EXTRA_TOKENS)
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
    for positions in chunks(split):
        wanted = keras_output(model, split.take(positions), signature, None)
        (got,) = session.run(["reconstruction"], {"embedding": wanted["embedding"]})
        worst = max(worst, float(np.abs(got.astype(np.float64) - wanted["reconstruction"]).max()))
    return worst
