"""A run's saved model: loading it, and running it on raw examples."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np

import zoo.layers.code
import zoo.layers.covariates
import zoo.layers.detection
import zoo.layers.diffusion_sampler
import zoo.layers.preprocessing
import zoo.layers.table  # noqa: F401 - layers that a saved model holds register themselves
from zoo import registry
from zoo.data.dataset import Signature, Split
from zoo.data.raw_tensors import as_tensors
from zoo.errors import ZooError
from zoo.postprocessing.kinds import compact_outputs
from zoo.tasks import Task
from zoo.training.run import Run
from zoo.training.run_files import check_unchanged
from zoo.training.stages import held_by

_CHUNK_EXAMPLES = 512
_CHUNK_TARGETS = 1 << 17  # numbers in the targets of a chunk


def load_model(run: Run) -> keras.Model:
    """Load the trained model of a run, from raw input to probabilities or value.

    Raises:
        ZooError: the run has no trained model, or the file is damaged.
    """
    if not run.model_path.is_file():
        user = held_by(run)
        now = f"it is in use by {user}" if user else f"resume it with zoo train --resume {run.folder}"
        raise ZooError(f"{run.folder} has no model.keras: the run did not finish its training; {now}")
    check_unchanged(run.model_path, "model_sha256")
    registry.builder(run.recipe().recipe.model.name)  # its module registers the layers of its family
    return load_file(run.model_path)


def load_file(path: Path) -> keras.Model:
    """Load a Keras file, whose classes are registered.

    Raises:
        ZooError: it is damaged.
    """
    try:
        return keras.saving.load_model(path, safe_mode=True, compile=False)
    except (ValueError, OSError, EOFError, TypeError, KeyError, zipfile.BadZipFile) as error:
        raise ZooError(f"{path}: not readable as a Keras model ({error})") from error


def saved_outcomes(model: keras.Model, split: Split, signature: Signature, task: Task) -> np.ndarray:
    """Return the saved model's outputs on raw examples, in compact form (`zoo.postprocessing.kinds`).

    This is the Keras evaluation pipeline: raw input, preprocessing, network, probabilities or what the task has in
    their place.
    """
    batches = (split.take(positions) for positions in chunks(split))

    def run(inputs: Any) -> Any:
        return keras_output(model, inputs, signature, None)

    if task.decodes:
        tensors = (as_tensors(raw, signature) for raw in batches)
        return compact_outputs(task.kind, model.predict_on_batch, tensors, split.targets)
    return compact_outputs(task.kind, run, batches, split.targets)


def keras_output(model: keras.Model, raw: Any, signature: Signature, decoder_input: np.ndarray | None) -> Any:
    """Return the outputs of a saved model on raw examples; of images of different sizes, one by one."""
    if isinstance(raw, list):  # images of different sizes, one by one
        each = [model.predict_on_batch(image[None]) for image in raw]
        if isinstance(each[0], dict):
            return {name: np.concatenate([part[name] for part in each]) for name in each[0]}
        return np.concatenate(each)
    tensors = as_tensors(raw, signature)
    return model.predict_on_batch(tensors if decoder_input is None else [tensors, decoder_input])


def chunks(split: Split) -> Iterator[np.ndarray]:
    """Yield positions, fewer at a time where there is much to put out for each example."""
    size = split.targets[:1].size
    return split.chunks(max(1, min(_CHUNK_EXAMPLES, _CHUNK_TARGETS // max(1, size))))
