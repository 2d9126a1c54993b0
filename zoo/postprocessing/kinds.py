"""For each kind of task, how a model's outputs are brought into compact form."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from zoo.postprocessing import derived
from zoo.postprocessing.compact import (
    Model,
    decode,
    detections,
    likelihoods,
    pixel_classes,
    reconstruction_errors,
    scores,
    transcribed,
    unchanged,
    values,
)
from zoo.tasks import Kind
from zoo.utils.padding import pad_rows

Compact = Callable[[Any, np.ndarray], np.ndarray]  # outputs and targets of some examples to the compact form


@dataclass(frozen=True, kw_only=True)
class Postprocessing:
    """How one kind of output becomes compact.

    Attributes:
        run: takes the model, the inputs of some examples and the targets from the first of them on; returns the compact
            outputs of these examples.
        join: puts the compact outputs of several batches together.
        derive: the outputs of an exported file that follow from its others.
    """

    run: Callable[[Model, Any, np.ndarray], np.ndarray]
    join: Callable[[list[np.ndarray]], np.ndarray] = np.concatenate
    derive: derived.Derive = derived.nothing


def _call(compact: Compact, model: Model, inputs: Any, targets: np.ndarray) -> np.ndarray:
    """Call the model once, and bring its outputs into compact form."""
    output = model(inputs)
    count = len(output["score"] if isinstance(output, dict) else output)
    return compact(output, targets[:count])


KINDS: dict[Kind, Postprocessing] = {
    "classification": Postprocessing(run=partial(_call, unchanged), derive=derived.unusual),
    "multi_label": Postprocessing(run=partial(_call, unchanged), derive=derived.label_set),
    "regression": Postprocessing(run=partial(_call, values)),
    "forecasting": Postprocessing(run=partial(_call, unchanged)),
    "tokens": Postprocessing(run=partial(_call, likelihoods)),
    "sequences": Postprocessing(run=decode, join=pad_rows),
    "transcription": Postprocessing(run=partial(_call, transcribed), join=pad_rows, derive=derived.tokens),
    "segmentation": Postprocessing(run=partial(_call, pixel_classes), derive=derived.mask),
    "detection": Postprocessing(run=partial(_call, detections), derive=derived.boxes),
    "reconstruction": Postprocessing(run=partial(_call, reconstruction_errors)),
    "anomaly": Postprocessing(run=partial(_call, scores), derive=derived.abnormal),
    "generation": Postprocessing(run=partial(_call, unchanged)),
    "representation": Postprocessing(run=partial(_call, unchanged)),
}


def compact_outputs(kind: Kind, model: Model, batches: Iterable[Any], targets: np.ndarray) -> np.ndarray:
    """Run a model over examples and return its outputs in compact form.

    Args:
        kind: kind of the task.
        model: from inputs to outputs; for "sequences" from `[source, decoder input]` to logits.
        batches: inputs, some examples at a time, in the order of `targets`.
        targets: the split's raw targets.
    """
    postprocessing, found, start = KINDS[kind], [], 0
    for inputs in batches:
        rows = postprocessing.run(model, inputs, targets[start:])
        found.append(rows)
        start += len(rows)
    return postprocessing.join(found)
