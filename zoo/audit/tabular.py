"""Examples as columns of numbers and categories, as detectors of single features read them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from zoo.audit.subject import Subject

MAX_FEATURES = 500  # numbers of an array that are looked at one by one
MAX_ROWS = 100_000  # of a split, drawn at random: more change no finding
_SEED = 0


@dataclass(frozen=True, kw_only=True)
class Feature:
    """One input of a table or an array.

    Attributes:
        name: of the column, or "feature 3".
        values: its values: numbers, NaN where missing, or texts.
        is_number: whether they are numbers.
        is_moment: whether they are moments, in days since 1970.
    """

    name: str
    values: np.ndarray
    is_number: bool
    is_moment: bool = False


def sampled(count: int, limit: int, seed: int = _SEED) -> np.ndarray:
    """Return sorted positions: all of them, or `limit` drawn at random."""
    if count <= limit:
        return np.arange(count)
    return np.sort(np.random.default_rng(seed).choice(count, limit, replace=False))


def features(subject: Subject, split: str = "train", limit: int = MAX_ROWS) -> Iterator[Feature]:
    """Yield the columns of a table, or the numbers of an array, on at most `limit` rows of a split."""
    held, signature = subject.splits[split], subject.dataset.signature
    rows = sampled(len(held), limit)
    if signature.kind == "table":
        for column in signature.columns:
            values = held.inputs.columns[column.name][held.indices[rows]]  # type: ignore[attr-defined]
            is_number = column.type == "number"
            yield Feature(
                name=column.name,
                values=values.astype(np.float64) if is_number else values,
                is_number=is_number,
                is_moment=column.form == "time",
            )
    elif signature.kind == "array" and len(signature.shape) == 1 and subject.dataset.series is None:
        array = held.take(rows)
        for i in range(min(array.shape[1], MAX_FEATURES)):
            yield Feature(name=f"feature {i}", values=array[:, i].astype(np.float64), is_number=True)


def ranks(values: np.ndarray) -> np.ndarray:
    """Return what each value is among the different ones: numbers in their order, texts in that of the alphabet."""
    if values.dtype == object:
        return np.unique(values.astype(str), return_inverse=True)[1]
    return np.unique(np.nan_to_num(values, nan=-np.inf), return_inverse=True)[1]
