"""Targets: class names to indices, and numbers that must be there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from zoo.data.dataset import Signature, Split
from zoo.data.tables import as_label
from zoo.errors import ZooError, did_you_mean, listing
from zoo.recipe.schema import Data


def is_missing(value: object) -> bool:
    """Return whether a target is missing: None, NaN or empty text."""
    return value is None or value != value or (isinstance(value, str) and not value.strip())


def class_labels(values: Sequence[object] | np.ndarray, where: str) -> tuple[str, ...]:
    """Return the names of the classes: sorted, as numbers where all are whole numbers.

    Raises:
        ZooError: a target is missing, or there is only one class.
    """
    names = sorted({_label(value, row, where) for row, value in enumerate(values)})
    if len(names) < 2:
        raise ZooError(f"{where}: a classifier needs at least two classes, found {listing(names)}")
    if all(n.removeprefix("-").isdecimal() for n in names):
        names.sort(key=int)
    return tuple(names)


def class_indices(values: Sequence[object] | np.ndarray, labels: Sequence[str], where: str) -> np.ndarray:
    """Return the class index of each target: int32 `(examples,)`.

    Raises:
        ZooError: a target is missing, or is no class of the training split.
    """
    index = {name: i for i, name in enumerate(labels)}
    indices = np.empty(len(values), np.int32)
    for row, value in enumerate(values):
        name = _label(value, row, where)
        if name not in index:
            raise ZooError(
                f"{where}: row {row + 1} has the class '{name}', which the training split does not ({listing(labels)})"
            )
        indices[row] = index[name]
    return indices


def number_targets(values: np.ndarray, where: str) -> np.ndarray:
    """Return the targets as float32 `(examples,)`.

    Raises:
        ZooError: a target is missing or not a number.
    """
    numbers = np.empty(len(values), np.float32)
    for row, value in enumerate(values):
        try:
            with np.errstate(over="ignore"):
                numbers[row] = np.nan if is_missing(value) else float(value)
        except (TypeError, ValueError):
            raise ZooError(f"{where}: row {row + 1} has the target {value!r}, and this task predicts numbers") from None
    wrong = np.flatnonzero(~np.isfinite(numbers))
    if len(wrong):
        first = values[wrong[0]]
        what = "no target" if is_missing(first) else f"the target {first}, not a finite number of 32 bits"
        raise ZooError(
            f"{where}: row {wrong[0] + 1} has {what} ({len(wrong)} such of {len(values)} rows); remove it or fill it in"
        )
    return numbers


def abnormal_apart(signature: Signature, splits: Sequence[Split], data: Data) -> tuple[Signature, list[Split]]:
    """Turn classes into normal (0) and abnormal (1), and take what is abnormal out of the training split.

    Args:
        signature: what the examples look like, with their classes.
        splits: training, validation and test split.
        data: the recipe's section, which names the abnormal classes.

    Raises:
        ZooError: a class is unknown, or none is left as normal.
    """
    labels, abnormal = signature.labels, data.abnormal or []
    for name in abnormal:
        if name not in labels:
            raise ZooError(
                f"data.abnormal names the class '{name}', which {data.source} lacks{did_you_mean(name, labels)} "
                f"(classes: {listing(labels)})"
            )
    marks = np.array([name in abnormal for name in labels], np.int32)
    if marks.all():
        raise ZooError(f"data.abnormal names every class of {data.source}; leave at least one as normal")
    marked = [replace(split, targets=marks[split.targets]) for split in splits]
    train = marked[0].part(np.flatnonzero(marked[0].targets == 0))
    return replace(signature, labels=("normal", "abnormal")), [train, *marked[1:]]


def _label(value: object, row: int, where: str) -> str:
    if is_missing(value):
        raise ZooError(f"{where}: row {row + 1} has no label; remove the row or fill it in")
    return as_label(value)
