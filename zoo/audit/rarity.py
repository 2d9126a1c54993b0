"""Which examples are so rare that a repeat is a copy: rows of few values repeat by chance."""

from __future__ import annotations

import numpy as np

from zoo.audit.subject import Subject
from zoo.data.dataset import Split
from zoo.data.inputs import TableInputs
from zoo.data.rare_rows import rare_rows

_MIN_CHARACTERS = 40  # of a text that nobody writes twice
_MIN_VALUES = 4  # different ones in an array
_MAX_COLUMNS = 64  # numbers of an array, up to which they are columns of a table


def rare_examples(subject: Subject, name: str, positions: np.ndarray) -> np.ndarray:
    """Return which of these examples of a split are too rare for a repeat by chance, bool `(positions,)`.

    A row of a table is rare where the product of its values' frequencies in the training split, to the power 0.5, gives
    fewer than 0.01 repeats; a text from 40 characters on; an image or a clip of more than a few values. Graphs and
    tokens repeat by nature.
    """
    kind = subject.dataset.signature.kind
    if kind in ("graph", "tokens"):
        return np.zeros(len(positions), bool)
    split, train = subject.splits[name], subject.dataset.train
    columns = _columns(split, positions)
    if columns is not None:
        every = _columns(train, np.arange(len(train)))
        assert every is not None, "the splits of a data set have one form"
        return rare_rows(columns, every)
    raw = split.take(positions)
    if kind == "text":
        return np.array([len(text) >= _MIN_CHARACTERS for text in raw], bool)
    if isinstance(raw, dict):
        return np.zeros(len(positions), bool)
    return np.array([len(np.unique(example)) >= _MIN_VALUES for example in raw], bool)


def _columns(split: Split, positions: np.ndarray) -> list[np.ndarray] | None:
    """Return the values of the examples column by column; None where they are no rows of few numbers."""
    if isinstance(split.inputs, TableInputs):
        return [values[split.indices[positions]] for values in split.inputs.columns.values()]
    array = getattr(split.inputs, "array", None)
    if array is None or array.ndim != 2 or array.shape[1] > _MAX_COLUMNS:
        return None
    return list(split.take(positions).T)
