"""What a table is to predict: its target, or several, and the task that its values tell."""

from __future__ import annotations

from collections import Counter

import numpy as np

from zoo.data.columns import as_label, check_columns, numbers
from zoo.data.label_sets import SEPARATORS, sets_of_cells, sets_of_columns
from zoo.data.tables.file import Table
from zoo.data.tables.infer import infer_number
from zoo.data.tables.texts import spellings
from zoo.errors import ZooError, listing

_TARGETS = ("target", "label", "class", "y", "outcome")  # usual names of what is predicted
_FEW_NUMBERS = 10  # different whole numbers, of which each may be a class
_ROWS_A_NUMBER = 10  # rows that such a number has at least, on average
_RARE = 0.1  # of the rows, below which a class is rare
_MAX_LABELS = 200  # of a column that lists several in a cell; more are texts


def find_target(table: Table, target: str | None, asked: str) -> tuple[str, list[str]]:
    """Return the column to predict, one with a usual name where none is given, and what is in doubt.

    Args:
        table: its columns.
        target: the column that was named.
        asked: how one is named, for messages: "--target COLUMN".

    Raises:
        ZooError: the table lacks the column, or no column has a usual name.
    """
    if target is not None:
        check_columns(table, [target], asked.split()[0])
        return target, []
    names = {name.casefold(): name for name in reversed(table.columns)}
    found = next((names[name] for name in _TARGETS if name in names), None)
    if found is None:
        raise ZooError(
            f"{table.where}: which column is to be predicted? Name it with {asked} (columns: "
            f"{listing(table.columns)}); to find rows that are unlike the others, a recipe that extends "
            "_base/tabular_anomaly_detection needs none"
        )
    return found, [f"no target was given, and '{found}' is taken by its name; another one: {asked}"]


def several_targets(table: Table, target: str | None) -> list[str] | None:
    """Return the columns to predict where several are named, `first,second`; None where one is, or none."""
    if target is None or target in table.columns or "," not in target:
        return None
    names = [name.strip() for name in target.split(",")]
    check_columns(table, names, "--target")
    return names


def task_of(table: Table, target: str, *, is_category: bool = False) -> tuple[str, str, list[str]]:
    """Return "classification", "multi_label_classification" or "regression", why, and what is in doubt.

    Args:
        table: the rows.
        target: the column to predict.
        is_category: its type says that it holds categories.

    Raises:
        ZooError: the target holds moments, or texts that are almost all different.
    """
    listed = listed_labels(table, target)
    if listed is not None:
        return "multi_label_classification", listed, []
    column, _ = infer_number(table, target)
    texts = table.texts(target).tolist()
    counts = Counter(as_label(text) for text in texts if text and text not in table.reading.missing)
    if not counts:
        raise ZooError(f"{table.where}: column '{target}' has no value in any row, so that nothing can be predicted")
    if len(counts) == 1:
        raise ZooError(f"{table.where}: column '{target}' holds {spellings(counts)} alone; there is nothing to predict")
    if column.form == "time":
        raise ZooError(f"{table.where}: column '{target}' holds moments; predict a number, such as the days until then")
    if is_category or column.type == "category" or column.form == "boolean":
        if len(counts) > len(table) / 2 and len(table) > _ROWS_A_NUMBER:
            raise ZooError(
                f"{table.where}: column '{target}' holds {len(counts)} different texts in {len(table)} rows, which are "
                "no classes"
            )
        return "classification", _classes(target, counts), _class_doubts(target, counts)
    values = numbers(table, column)
    present = values[~np.isnan(values)]
    different = np.unique(present)
    whole = bool((present == np.floor(present)).all())
    if whole and len(different) == 2:
        return "classification", _classes(target, counts), _class_doubts(target, counts)
    if whole and len(different) <= _FEW_NUMBERS and len(present) >= _ROWS_A_NUMBER * len(different):
        doubt = (
            f"'{target}' holds {len(different)} whole numbers, taken as classes; for a number, take tabular_regression"
        )
        return "classification", _classes(target, counts), [doubt, *_class_doubts(target, counts)]
    doubts = []
    if whole and len(different) <= 2 * _FEW_NUMBERS:
        doubts = [
            f"'{target}' holds {len(different)} whole numbers, taken as numbers; for classes, take "
            "tabular_classification"
        ]
    low, high = (f"{value:.4g}" for value in (present.min(), present.max()))
    return "regression", f"'{target}' holds numbers from {low} to {high}", doubts


def _classes(target: str, counts: Counter[str]) -> str:
    return f"'{target}' holds {len(counts)} classes: {spellings(counts)}"


def _class_doubts(target: str, counts: Counter[str]) -> list[str]:
    total, doubts = sum(counts.values()), []
    single = [text for text, count in counts.items() if count < 3]
    if single:
        doubts.append(
            f"{len(single)} of {len(counts)} classes of '{target}' have one or two rows, too few for three splits, "
            f"such as '{single[0]}': the run refuses them; merge or remove these rows"
        )
    rarest = min(counts, key=lambda text: counts[text])
    if counts[rarest] < _RARE * total and not single:
        doubts.append(
            f"class '{rarest}' has {counts[rarest] / total:.1%} of the rows: read the figures by class, not accuracy "
            "alone; loss: {class_weights: balanced} weighs rare classes up"
        )
    return doubts


def task_of_several(table: Table, targets: list[str]) -> tuple[str, str, list[str]]:
    """Return the same for several targets: all labels that a row has or not, or all numbers.

    Raises:
        ZooError: they are neither.
    """
    if not sets_of_columns({name: table.columns[name] for name in targets})[1]:
        return "multi_label_classification", f"a label each, which a row has or not: {listing(targets)}", []
    found = {name: infer_number(table, name)[0] for name in targets}
    other = [name for name, column in found.items() if column.type != "number" or column.form == "time"]
    if other:
        raise ZooError(
            f"{table.where}: several targets are numbers, or labels as 0 and 1; {listing(other)} hold something else"
        )
    return "regression", f"{len(targets)} numbers: {listing(targets)}", []


def listed_labels(table: Table, target: str) -> str | None:
    """Return why a column is one of several labels in a cell; None where it is none."""
    values = table.columns[target]
    if values.dtype != object:
        return None
    texts = [text for text in values.tolist() if isinstance(text, str)]
    nested = any(isinstance(value, list | tuple | np.ndarray) for value in values.tolist())
    if not nested and not any(mark in text for text in texts for mark in SEPARATORS[:2]):  # a comma is in many texts
        return None
    try:
        sets, _ = sets_of_cells(values, target)
    except ZooError:
        return None
    counts = Counter(label for labels in sets for label in labels)
    if not 2 <= len(counts) <= min(_MAX_LABELS, len(table) // 2):
        return None
    several = sum(len(labels) > 1 for labels in sets)
    return f"'{target}' lists {len(counts)} labels, several in {several:,} of {len(table):,} rows"
