"""The distribution of training examples and predictions, written into an exported file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.export.convert import add_metadata, seal
from zoo.serving.drift.distribution import DISTRIBUTION_KEY, Distribution, distribution_of
from zoo.serving.drift.features import UNKNOWN_TOKENS, Feature, input_features, joined
from zoo.serving.drift.kinds import KINDS
from zoo.serving.exported_model import ExportedModel
from zoo.tasks import TASKS

if TYPE_CHECKING:
    from pathlib import Path

    import onnx

    from zoo.data.dataset import Dataset, Split

MAX_EXAMPLES = 10_000  # of training that are counted
MAX_DECODED = 2_000  # of images and clips, which may have to be read from files
MAX_PREDICTED = 1_000  # of a split
MAX_SEQUENCES = 100  # of a split, where an answer is decoded token by token
_CHUNK_EXAMPLES = 256


def add_distribution(proto: onnx.ModelProto, path: Path, dataset: Dataset) -> None:
    """Write into a file how the training examples and the predictions on validation are distributed.

    Args:
        proto: the file as a graph; it is sealed anew.
        path: the same, saved.
        dataset: the run's data.
    """
    model = ExportedModel(path, verify=False)
    if TASKS[model.task].makes_images:
        return
    found = distribution(model, dataset)
    entries = {entry.key: entry.value for entry in proto.metadata_props}
    add_metadata(proto, {**entries, DISTRIBUTION_KEY: found.to_json()})
    seal(proto)


def distribution(model: ExportedModel, dataset: Dataset) -> Distribution:
    """Return how training examples, and predictions on validation, are distributed."""
    task = TASKS[model.task]
    most = MAX_DECODED if model.kind in ("image", "audio") else MAX_EXAMPLES
    inputs = joined([input_features(model, raw) for raw in _batches(dataset.train, most)])
    overlap = int(model.shape[0] or 1) if task.forecasts or task.scans_series else 1  # windows that share steps
    unseen: list[Feature] = []
    if len(dataset.validation) and any(feature.name.endswith(UNKNOWN_TOKENS) for feature in inputs):
        # the vocabulary is of the training split, in which next to nothing is unknown
        found = joined([input_features(model, raw) for raw in _batches(dataset.validation, most)])
        unseen = [feature for feature in found if feature.name.endswith(UNKNOWN_TOKENS)]
    return distribution_of(inputs, _predictions(model, dataset), unseen=unseen, overlap=overlap)


def _predictions(model: ExportedModel, dataset: Dataset) -> dict[str, list[Feature]]:
    """Return predictions by split: numbers of validation, which were not learned; categories of training, too.

    How sure a model is of what it has learned says little; how often it answers each class is the same there, and more
    examples say it more exactly.
    """
    if not len(dataset.validation):
        return {"train": _predicted(model, dataset.train)}
    found = _predicted(model, dataset.validation)
    if all(feature.is_number for feature in found):
        return {"validation": found}
    every = joined([_predicted(model, dataset.train), found])
    return {
        "train and validation": [feature for feature in every if not feature.is_number],
        "validation": [feature for feature in found if feature.is_number],
    }


def _predicted(model: ExportedModel, split: Split) -> list[Feature]:
    task = TASKS[model.task]
    if task.reads_corpus or task.fills_in:
        return []
    most = MAX_SEQUENCES if task.decodes else MAX_PREDICTED
    return joined([KINDS[task.kind](model.predict(raw), model) for raw in _batches(split, most)])


def _batches(split: Split, most: int) -> Iterator[Any]:
    """Yield raw examples, some at a time; of more than `most`, those that lie evenly."""
    positions = np.unique(np.linspace(0, len(split) - 1, min(most, len(split))).round().astype(int))
    size = split.inputs.chunk_size(_CHUNK_EXAMPLES)
    for start in range(0, len(positions), size):
        yield split.take(positions[start : start + size])
