"""Fitting a network on data that a program holds, without a run: what the scikit-learn estimators are made of."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console

from zoo.backend.startup import start_keras
from zoo.commands.given_data import data_overrides
from zoo.recipe import load_recipe
from zoo.tasks import TASKS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import keras

    from zoo.data.dataset import Dataset, Signature
    from zoo.data.memory.given import MemoryData
    from zoo.recipe import Recipe

_ROWS = 256  # of a batch that is predicted: one size, so that a row has one answer whatever stands beside it
_SILENT = Console(quiet=True)


class FittedNetwork:
    """A trained network with its preprocessing, which can be pickled.

    Args:
        content: the `.keras` file.
        signature: what its raw examples look like.
        notes: what reading its data did that a reader of the results should know.
    """

    def __init__(self, content: bytes, signature: Signature, notes: Sequence[str]) -> None:
        self.content = content
        self.signature = signature
        self.notes = list(notes)

    def __getstate__(self) -> dict[str, Any]:
        return {"content": self.content, "signature": self.signature, "notes": self.notes}

    @cached_property
    def model(self) -> keras.Model:
        """The Keras model, from raw input to probabilities or value."""
        start_keras()
        from zoo.training.registered import register_classes
        from zoo.training.saved_model import load_file

        register_classes()
        with TemporaryDirectory() as folder:
            path = Path(folder) / "model.keras"
            path.write_bytes(self.content)
            return load_file(path)

    def outputs(self, raw: Any) -> np.ndarray:
        """Return probabilities `(examples, classes)` or values `(examples, …)`, float64.

        Args:
            raw: an array `(examples, features)`, or a dict of columns `(examples,)`.
        """
        from zoo.training.saved_outputs import keras_output

        count = len(next(iter(raw.values()))) if isinstance(raw, dict) else len(raw)
        parts = []
        for start in range(0, count, _ROWS):
            rows = np.arange(start, start + _ROWS).clip(max=count - 1)  # the last one fills the batch up
            part = {name: v[rows] for name, v in raw.items()} if isinstance(raw, dict) else raw[rows]
            parts.append(np.asarray(keras_output(self.model, part, self.signature, None))[: count - start])
        return np.concatenate(parts).astype(np.float64)


def fit_in_memory(recipe: str, overrides: Sequence[str], memory: MemoryData, *, validated: bool) -> FittedNetwork:
    """Fit the network of a recipe.

    Args:
        recipe: a base, such as `_base/tabular_classification`.
        overrides: `key.path=value`.
        memory: the data, all of which trains but what is held out for validation.
        validated: a validation split chooses the epoch; else the last one is kept, and nothing is validated.

    Raises:
        ZooError: the data or the settings do not fit, or training failed.
    """
    lines = [*data_overrides(memory, None), *overrides]
    loaded = load_recipe(recipe, lines, examples=len(memory)).recipe
    start_keras(loaded.training.processors)
    from zoo.backend.determinism import random_state_kept
    from zoo.evaluation.watched import measure_of
    from zoo.training.fit import fit
    from zoo.training.problem import set_up
    from zoo.training.temperature import fit_temperature
    from zoo.training.train_weights import train_weights

    with random_state_kept(), TemporaryDirectory() as folder:
        dataset = _dataset(loaded, memory, validated=validated)
        problem = set_up(loaded, dataset)
        if validated:
            fit(problem, Path(folder), _SILENT, measure=measure_of(problem))
            fit_temperature(problem)
        else:
            train_weights(problem)
        path = Path(folder) / "model.keras"
        problem.views.saved.save(path)
        return FittedNetwork(path.read_bytes(), dataset.signature, dataset.notes)


def _dataset(recipe: Recipe, memory: MemoryData, *, validated: bool) -> Dataset:
    """Return data without a test split: nothing is evaluated on it."""
    from zoo.data.dataset import Dataset
    from zoo.data.sources.memory import load_memory
    from zoo.data.splits import hold_out
    from zoo.data.table_encoding import encode_settings, encoding_notes
    from zoo.data.table_texts import with_vocabularies

    data, task = recipe.data, TASKS[recipe.task]
    source = load_memory(memory, data, task)
    train = validation = source.splits["train"]
    if validated:
        labels, seed = source.signature.labels, data.split_seed
        train, validation = hold_out(
            train, data.validation, "validation", seed=seed, stratify=task.is_stratified, labels=labels
        )
    signature, notes = source.signature, list(source.notes)
    if signature.kind == "table":
        parts = {"training": train, "validation": validation}
        signature, more = with_vocabularies(signature, parts, encode_settings(recipe.preprocess).texts)
        notes += [*more, *encoding_notes(signature.columns, train.take(np.arange(len(train))), recipe.preprocess)]
    return Dataset(
        name=memory.source,
        signature=signature,
        train=train,
        validation=validation,
        test=validation,
        fingerprint="",
        notes=tuple(notes),
    )
