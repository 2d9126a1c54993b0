"""What a saved model puts out for raw examples."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from zoo.data.dataset import Signature, Split
from zoo.data.raw_tensors import as_tensors
from zoo.postprocessing.kinds import compact_outputs
from zoo.tasks import Task

_CHUNK_EXAMPLES = 512
_CHUNK_TARGETS = 1 << 17  # numbers in the targets of a chunk


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
