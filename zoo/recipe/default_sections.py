"""The sections that a base such as `_base/tabular_classification` leaves open, for data that a Python program gives."""

from __future__ import annotations

import copy
from typing import Any

from zoo.recipe.compose import compose
from zoo.recipe.find import find_recipe
from zoo.recipe.merge import merge, paths
from zoo.recipe.source import KeyPath, Origin, dump_line

_MODELS: dict[str, dict[str, Any]] = {  # a small builder for each task: what it costs and gives is known
    "image_classification": {"name": "cnn", "widths": [24, 48, 96], "depth": 2, "dropout": 0.2},
    "audio_classification": {"name": "cnn", "widths": [16, 32, 64, 96], "depth": 1, "dropout": 0.2},
    "image_multi_label_classification": {"name": "cnn", "widths": [24, 48, 96], "depth": 2, "dropout": 0.2},
    "image_regression": {"name": "cnn", "widths": [24, 48, 96], "depth": 2, "dropout": 0.1},
    "tabular_classification": {"name": "mlp", "widths": [128, 64], "dropout": 0.1},
    "tabular_regression": {"name": "mlp", "widths": [128, 64], "dropout": 0.1},
    "sequence_classification": {"name": "gru", "units": 64, "dropout": 0.2},
    "sequence_regression": {"name": "gru", "units": 64, "dropout": 0.2},
    "forecasting": {"name": "mlp", "widths": [64], "dropout": 0.1},
    "semantic_segmentation": {"name": "unet", "widths": [16, 32, 64]},
    "object_detection": {"name": "center_net", "widths": [32, 64, 128], "depth": 1, "head_width": 64},
    "transcription": {"name": "crnn", "widths": [16, 32, 64], "units": 64, "layers": 1, "dropout": 0.2},
    "sequence_labeling": {"name": "bilstm", "embedding": 64, "units": 64, "dropout": 0.3},
    "sequence_to_sequence": {"name": "seq2seq_lstm", "embedding": 32, "units": 128, "dropout": 0.1},
    "language_modeling": {"name": "lstm", "embedding": 64, "units": 128, "dropout": 0.1},
    "node_classification": {"name": "gcn", "width": 64, "dropout": 0.3},
    "graph_classification": {"name": "graph_sage", "width": 64, "depth": 3, "dropout": 0.2},
}
_PLACE = Origin("default of zoo.train(data=…)")
_OPTIMIZER = "_base/adamw_cosine"
_MIN_STEPS = 2_000  # of training; fewer undertrain on small data
_MIN_EPOCHS, _MAX_EPOCHS = 10, 200
_MIN_BATCH, _MAX_BATCH = 8, 128
_MIN_STEPS_PER_EPOCH = 32  # that a batch size leaves, where the data has enough examples


def add_default_sections(tree: dict[str, Any], origins: dict[KeyPath, Origin], examples: int) -> None:
    """Add `model`, `optimizer` and `training` to a recipe that does not say them.

    Args:
        tree: what the recipe says, which is changed.
        origins: where its values were written, which is changed.
        examples: their number, which decides on batch size and epochs.
    """
    model = _MODELS.get(str(tree.get("task")))
    if model is not None and "name" not in _section(tree, "model"):
        _add(tree, origins, {"model": model})
    if "name" not in _section(tree, "optimizer"):
        _add(tree, origins, {"optimizer": compose(*find_recipe(_OPTIMIZER))[0]["optimizer"]})
    if "epochs" not in _section(tree, "training"):
        _add(tree, origins, {"training": default_training(examples)})


def default_model(task: str) -> dict[str, Any]:
    """Return a small builder for a task, with its settings."""
    return copy.deepcopy(_MODELS[task])


def default_notes(tree: dict[str, Any], origins: dict[KeyPath, Origin]) -> list[str]:
    """Return a note on each of the sections that neither the recipe nor an override has said since."""
    notes = []
    if origins.get(("model", "name")) == _PLACE:
        notes.append(f"the recipe names no model; taken is {dump_line(tree['model'])}")
    if origins.get(("optimizer", "name")) == _PLACE:
        notes.append(f"the recipe names no optimizer; taken is that of {_OPTIMIZER}")
    chosen = [key for key in ("epochs", "batch_size") if origins.get(("training", key)) == _PLACE]
    if chosen:
        taken = " and ".join(f"{key} {tree['training'][key]}" for key in chosen)
        notes.append(f"the recipe names no {' and '.join(chosen)}; taken by the number of examples: {taken}")
    return notes


def default_training(examples: int, min_steps: int = _MIN_STEPS) -> dict[str, Any]:
    """Return a batch size, and a number of epochs that gives so many steps, whatever the number of examples."""
    batch = _MIN_BATCH
    while batch < _MAX_BATCH and examples >= 2 * batch * _MIN_STEPS_PER_EPOCH:
        batch *= 2
    steps = max(1, examples // batch)
    return {"batch_size": batch, "epochs": max(_MIN_EPOCHS, min(_MAX_EPOCHS, -(-min_steps // steps)))}


def _section(tree: dict[str, Any], name: str) -> dict[str, Any]:
    section = tree.get(name)
    return section if isinstance(section, dict) else {}


def _add(tree: dict[str, Any], origins: dict[KeyPath, Origin], default: dict[str, Any]) -> None:
    """Merge a section below what the recipe says of it."""
    (name,) = default
    own = copy.deepcopy(_section(tree, name))
    own_origins = {path: origin for path, origin in origins.items() if path[:1] == (name,)}
    tree[name] = {}
    merge(tree, origins, copy.deepcopy(default), dict.fromkeys(paths(default, ()), _PLACE))
    if own:
        merge(tree, origins, {name: own}, own_origins)
