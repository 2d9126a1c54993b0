"""Which columns of a table of series are what: past, known and static covariates."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from zoo.data.columns import Column, check_columns
from zoo.data.tables.file import Table, as_texts
from zoo.data.tables.infer import infer_columns, infer_number
from zoo.data.tables.times import column_times, time_forms
from zoo.errors import ZooError, counted

if TYPE_CHECKING:
    from zoo.recipe.data_section import Data


def window_columns(table: Table, data: Data, others: list[str]) -> tuple[list[Column], list[str]]:
    """Return the columns of a window, and notes on those that are left out.

    Args:
        table: the series.
        data: the recipe's section.
        others: the columns that are neither target, time, nor what tells series apart.

    Returns:
        The targets, then past covariates, then known ones. Without `data.past_covariates` all other columns of numbers
        are past covariates.

    Raises:
        ZooError: a column is missing, the target or a covariate holds text, or a column of numbers something else.
    """
    known, static = list(data.known_covariates), list(data.static_covariates)
    goals, notes = [], list[str]()
    for target in data.targets:
        goal, more_notes = _numbers_column(table, target, "data.target", "forecasting predicts numbers")
        goals.append(goal)
        notes += more_notes
    for key, names in (("past_covariates", data.past_covariates or []), ("known_covariates", known)):
        check_columns(table, names, f"data.{key}")
    others = [name for name in others if name not in (*known, *static)]
    if data.past_covariates is None:
        past, more_notes = _past(table, others)
        notes += more_notes
    else:
        past = []
        for name in data.past_covariates:
            column, more_notes = _numbers_column(table, name, "data.past_covariates", "a covariate is a number")
            past.append(column)
            notes += more_notes
        unused = [name for name in others if name not in data.past_covariates]
        notes += [f"no inputs, as data.past_covariates names others: {counted(map(repr, unused), 'columns')}"] * bool(
            unused
        )
    after = []
    for name in known:
        column, more_notes = _numbers_column(
            table, name, "data.known_covariates", "write its values as numbers, as 0 and 1"
        )
        after.append(column)
        notes += more_notes
    return [*goals, *past, *after], notes


def _past(table: Table, others: list[str]) -> tuple[list[Column], list[str]]:
    """Return the columns of numbers, and notes on those that are left out."""
    inputs = [name for name in others if not _is_time(table, name)]
    notes = [f"column '{name}' reads as time, too, and is left out" for name in others if name not in inputs]
    columns, more_notes = infer_columns(table, inputs)
    notes += more_notes
    for column in columns:
        if column.type == "category":
            different = len(set(as_texts(table.columns[column.name])))
            notes = [note for note in notes if f"'{column.name}'" not in note]
            notes.append(
                f"column '{column.name}' holds text ({different} different) and is left out: a series takes numbers"
            )
    return [column for column in columns if column.type == "number"], notes


def _numbers_column(table: Table, name: str, key: str, why: str) -> tuple[Column, list[str]]:
    column, notes = infer_number(table, name)
    if column.type == "category":
        raise ZooError(f"{table.where}: {key}: column '{name}' holds text, and {why}")
    return column, notes


def _is_time(table: Table, name: str) -> bool:
    values = table.columns[name]
    if values.dtype.kind in "iufb":
        return False
    return column_times(values) is not None or bool(time_forms([text for text in table.texts(name) if text]))


def static_columns(table: Table, data: Data) -> list[Column]:
    """Return the static columns: numbers, or categories where they hold text or tell series apart.

    Raises:
        ZooError: a column is missing, or holds numbers and something else.
    """
    check_columns(table, data.static_covariates, "data.static_covariates")
    found = []
    for name in data.static_covariates:
        column = Column(name, "category", missing=table.reading.missing)
        if name not in (*data.series_columns, *data.categorical):
            column, _ = infer_number(table, name)
        found.append(replace(column, double=False))
    return found
