"""Fitting a network on data that a program holds, without a run: what the scikit-learn estimators are made of."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console

from zoo.backend.startup import start_keras
from zoo.recipe import load_recipe
from zoo.recipe.overrides import override_lines
from zoo.tasks import TASKS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import keras

    from zoo.data.dataset import Signature
    from zoo.data.memory.given import MemoryData

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
        from zoo.training.saved_model import keras_output

        count = len(next(iter(raw.values()))) if isinstance(raw, dict) else len(raw)
        parts = []
        for start in range(0, count, _ROWS):
            rows = np.arange(start, start + _ROWS).clip(max=count - 1)  # the last one fills the batch up
            part = {name: v[rows] for name, v in raw.items()} if isinstance(raw, dict) else raw[rows]
            parts.append(np.asarray(keras_output(self.model, part, self.signature, None))[: count - start])
        return np.concatenate(parts).astype(np.float64)


def fit_in_memory(recipe: str, overrides: Mapping[str, Any], memory: MemoryData, *, validated: bool) -> FittedNetwork:
    """Fit the network of a recipe.

    Args:
        recipe: a base, such as `_base/tabular_classification`.
        overrides: as in `zoo.train`.
        memory: the data, with its test split.
        validated: a validation split chooses the epoch; else the last one is kept, and nothing is validated.

    Raises:
        ZooError: the data or the settings do not fit, or training failed.
    """
    lines = override_lines({"data.source": memory.source, **overrides})
    loaded = load_recipe(recipe, lines, examples=len(memory)).recipe
    start_keras(loaded.training.processors)
    from zoo.backend.determinism import random_state_kept
    from zoo.data.sources.load import load_dataset
    from zoo.training.fit import fit
    from zoo.training.problem import set_up
    from zoo.training.train_weights import train_weights

    with random_state_kept(), TemporaryDirectory() as folder:
        dataset = load_dataset(loaded.data, TASKS[loaded.task], loaded.preprocess, memory)
        problem = set_up(loaded, dataset)
        if validated:
            fit(problem, Path(folder), _SILENT)
        else:
            train_weights(problem)
        path = Path(folder) / "model.keras"
        problem.views.saved.save(path)
        return FittedNetwork(path.read_bytes(), dataset.signature, dataset.notes)
