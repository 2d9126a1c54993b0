"""Targets that are one value an example: class names to indices, numbers, normal and abnormal."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from zoo.data.columns import as_label
from zoo.data.dataset import Signature, Split
from zoo.errors import MAX_SHOWN_NAMES, ZooError, did_you_mean, first_few, listing
from zoo.tasks import TASKS

if TYPE_CHECKING:
    from zoo.recipe.data_section import Data

UNLABELED = "normal"  # the class of rows without a label, where anomalies are sought
MAX_FRACTIONAL_CLASSES = 20  # classes that are numbers with fractions; more are measured values
_NUMBER = re.compile(r"[+-]?[0-9]*\.?[0-9]+(?:[eE][+-]?[0-9]+)?")


def is_missing(value: object) -> bool:
    """Return whether a target is missing: None, NaN or empty text."""
    return value is None or value != value or (isinstance(value, str) and not value.strip())


def class_labels(
    values: Sequence[object] | np.ndarray, where: str, rows: Sequence[str] | None = None
) -> tuple[str, ...]:
    """Return the names of the classes: sorted, as numbers where all are whole numbers.

    Args:
        values: a class of each example.
        where: the source, for messages.
        rows: what messages call each example; its number where it is left out.

    Raises:
        ZooError: a target is missing, there is only one class, or the targets are numbers with fractions.
    """
    _refuse_missing(values, where, rows)
    names = sorted({as_label(value) for value in values})
    _refuse_measured(names, where)
    if len(names) < 2:
        raise ZooError(f"{where}: a classifier needs at least two classes, found {listing(names)}")
    if all(n.removeprefix("-").isdecimal() for n in names):
        names.sort(key=int)
    return tuple(names)


def class_indices(
    values: Sequence[object] | np.ndarray, labels: Sequence[str], where: str, rows: Sequence[str] | None = None
) -> np.ndarray:
    """Return the class index of each target: int32 `(examples,)`. The arguments are those of `class_labels`.

    Raises:
        ZooError: a target is missing, or is no class of the training split.
    """
    index = {name: i for i, name in enumerate(labels)}
    indices = np.empty(len(values), np.int32)
    _refuse_missing(values, where, rows)
    for row, value in enumerate(values):
        name = as_label(value)
        if name not in index:
            raise ZooError(
                f"{where}: {_row(row, rows)} has the class '{name}', which the training split lacks "
                f"(its classes: {listing(labels)})"
            )
        indices[row] = index[name]
    return indices


def number_targets(values: np.ndarray, where: str, rows: Sequence[str] | None = None) -> np.ndarray:
    """Return the targets as float64 `(examples,)`. The arguments are those of `class_labels`.

    Raises:
        ZooError: a target is missing or not a number.
    """
    numbers = np.empty(len(values), np.float64)
    for row, value in enumerate(values):
        try:
            numbers[row] = np.nan if is_missing(value) else float(value)
        except (TypeError, ValueError):
            raise ZooError(
                f"{where}: {_row(row, rows)} has the target {value!r}, and this task predicts numbers; to predict "
                f"classes take a classification task ({listing(_tasks('classification'))})"
            ) from None
    wrong = np.flatnonzero(~(np.abs(numbers) <= np.finfo(np.float32).max))
    if len(wrong):
        first = values[wrong[0]]
        what = "no target" if is_missing(first) else f"the target {first}, not a finite number of 32 bits"
        also = f": also {_first_rows(wrong[1:], rows)}" if len(wrong) > 1 else ""
        raise ZooError(
            f"{where}: {_row(wrong[0], rows)} has {what} ({len(wrong)} such of {len(values)} rows{also}); remove it or "
            "fill it in"
        )
    return numbers


def _row(row: int, rows: Sequence[str] | None) -> str:
    return f"row {row + 1}" if rows is None else rows[row]


def _first_rows(found: Sequence[int] | np.ndarray, rows: Sequence[str] | None) -> str:
    """Return what messages call some examples: the first five."""
    return first_few([_row(int(row), rows) for row in found])


def _tasks(kind: str) -> list[str]:
    return [name for name, task in TASKS.items() if task.kind == kind and "csv" in task.sources]


def _refuse_missing(values: Sequence[object] | np.ndarray, where: str, rows: Sequence[str] | None) -> None:
    lacking = [row for row, value in enumerate(values) if is_missing(value)]
    if lacking:
        also = f" ({len(lacking)} such of {len(values)} rows: also {_first_rows(lacking[1:], rows)})"
        raise ZooError(
            f"{where}: {_row(lacking[0], rows)} has no label{also * (len(lacking) > 1)}; remove the row or fill it in"
        )


def _refuse_measured(names: Sequence[str], where: str) -> None:
    """Refuse classes that are numbers with fractions, and many: they are measured, not named."""
    if len(names) <= MAX_FRACTIONAL_CLASSES or not all(map(_NUMBER.fullmatch, names)):
        return
    if any("." in name for name in names):
        raise ZooError(
            f"{where}: {len(names)} different numbers, such as {', '.join(names[:MAX_SHOWN_NAMES])}, are no classes; "
            f"to predict the number take a regression task ({listing(_tasks('regression'))})"
        )


def separate_abnormal(signature: Signature, splits: Sequence[Split], data: Data) -> tuple[Signature, list[Split]]:
    """Turn classes into normal (0) and abnormal (1), and remove abnormal examples from the training split.

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
