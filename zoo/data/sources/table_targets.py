"""The targets of a table: classes, numbers or texts of one column, or several labels from one column or more."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.data.columns import Column, as_label, free_texts, not_texts, numbers, wrong_rows
from zoo.data.kinds import KINDS
from zoo.data.label_sets import sets_of_cells, sets_of_columns, wrong_marks
from zoo.data.tables.file import Table, refuse_nested
from zoo.data.tables.free_text import text_column
from zoo.data.tables.infer import infer_number
from zoo.data.tables.texts import spellings, text_notes
from zoo.data.targets import UNLABELED
from zoo.errors import ZooError
from zoo.tasks import Task

if TYPE_CHECKING:
    from zoo.recipe.data_section import Data


@dataclass(frozen=True, kw_only=True)
class TableTargets:
    """What is predicted of a table's rows.

    Attributes:
        columns: that hold it; none where no row has a label.
        labels: the columns are labels, which an example has or not.
        separator: what stands between the labels of a cell; found out where it is None.
    """

    columns: tuple[Column, ...]
    labels: bool = False
    separator: str | None = None

    def values(self, table: Table, notes: list[str] | None = None) -> np.ndarray:
        """Return the raw targets of the rows, `(rows,)` or, of several numbers, `(rows, targets)`.

        Classes are text, None where missing; numbers NaN where missing; labels a tuple a row.

        Raises:
            ZooError: a text is missing, or a row's labels cannot be read.
        """
        if not self.columns:
            return np.full(len(table), UNLABELED, object)
        if self.labels:
            return self._label_sets(table, [] if notes is None else notes)
        values = [_column_values(table, column) for column in self.columns]
        return np.stack(values, axis=1) if len(values) > 1 else values[0]

    def faults(self, table: Table) -> dict[str, np.ndarray]:
        """Return the positions of the rows without a target that can be read, by column."""
        if self.labels:
            return {} if len(self.columns) == 1 else sets_of_columns(self._cells(table))[1]
        return {column.name: _faults(table, column) for column in self.columns}

    def _label_sets(self, table: Table, notes: list[str]) -> np.ndarray:
        if len(self.columns) == 1:
            (column,) = self.columns
            where = f"{table.where}: column '{column.name}'"
            sets, more = sets_of_cells(self._cells(table)[column.name], where, self.separator, table.row)
            notes += [f"column '{column.name}': {note}" for note in more]
            return sets
        cells = self._cells(table)
        sets, faults = sets_of_columns(cells)
        if faults:
            raise ZooError(f"{table.where}: {wrong_marks(cells, faults, table.row)}; write 1 or 0")
        return sets

    def _cells(self, table: Table) -> dict[str, np.ndarray]:
        """Return the cells of the columns: lists as they are, texts without what counts as missing."""
        found = {}
        for column in self.columns:
            values = table.columns[column.name]
            if values.dtype == object:
                missing, given = table.reading.missing, values
                values = np.empty(len(given), object)
                values[:] = [None if isinstance(v, str) and v.strip() in missing else v for v in given.tolist()]
            found[column.name] = values
        return found


def find_targets(table: Table, data: Data, task: Task) -> tuple[TableTargets, list[str]]:
    """Return what is predicted, and notes on how it is written.

    Raises:
        ZooError: a target of numbers holds text, or cells hold lists where they are no labels.
    """
    names = data.targets
    if not names:
        return TableTargets(columns=()), [
            f"no target: all {len(table):,} rows count as normal, and no metric is defined"
        ]
    if task.multi_label:
        if len(names) > 1:
            refuse_nested(table, names)
        columns = tuple(Column(name, "category", missing=table.reading.missing) for name in names)
        return TableTargets(columns=columns, labels=True, separator=data.label_separator), []
    found = [_target(table, name, task) for name in names]
    return TableTargets(columns=tuple(column for column, _ in found)), [note for _, notes in found for note in notes]


def target_values(table: Table, data: Data, task: Task) -> np.ndarray:
    """Return the targets of a table, as a task reads them: labels as text, or numbers; None or NaN where missing.

    Raises:
        ZooError: a target of numbers holds text.
    """
    return find_targets(table, data, task)[0].values(table)


def _target(table: Table, name: str, task: Task) -> tuple[Column, list[str]]:
    """Return what the target's column is, and notes on how it is written."""
    kind = KINDS[task.kind].column
    refuse_nested(table, [name])
    if kind == "text":
        return text_column(table, name)
    if kind == "category":
        column = Column(name, "category", missing=table.reading.missing)
        counts = Counter(text for text in table.texts(name).tolist() if text and text not in table.reading.missing)
        return column, text_notes(table, name, counts, "class")
    return number_target(table, name)


def number_target(table: Table, name: str) -> tuple[Column, list[str]]:
    """Return the column of a target of numbers, and notes on how they are written.

    Raises:
        ZooError: it holds text.
    """
    column, notes = infer_number(table, name)
    if column.type == "category":
        counts = Counter(text for text in table.texts(name).tolist() if text)
        raise ZooError(
            f"{table.where}: data.target: column '{name}' holds text, {spellings(counts)}, and this task predicts "
            "numbers; to predict classes take a classification task (tabular_classification)"
        )
    return column, notes


def _faults(table: Table, column: Column) -> np.ndarray:
    """Return the positions of the rows without a target that can be read."""
    if column.type == "text":
        return not_texts(table, column)
    found = [i for i, value in enumerate(_column_values(table, column)) if value is None or value != value]
    if column.type == "number":
        found += wrong_rows(table, column, numbers(table, column)).tolist()
    return np.unique(np.array(found, int))


def _column_values(table: Table, column: Column) -> Any:
    """Return the raw targets: labels as text, None where missing; numbers, NaN where missing; or texts."""
    if column.type == "number":
        return numbers(table, column).astype(object)
    if column.type == "text":
        return free_texts(table, column, table.where)
    missing = column.missing or ()
    texts = table.texts(column.name)
    return np.array([None if not text or text in missing else as_label(text) for text in texts], dtype=object)
