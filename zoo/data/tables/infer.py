"""What each column of a table is: numbers, moments, categories, or nothing that a model should see."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from zoo.data.columns import Column, numbers, refuse_wrong
from zoo.data.notes import Note
from zoo.data.tables.file import Table
from zoo.data.tables.free_text import optional_text_column
from zoo.data.tables.number_notes import merged_notes, missing_notes, scaling_notes, writing_notes
from zoo.data.tables.number_style import (
    PLAIN,
    find_style,
    fraction_of_numbers,
    is_missing_number,
    looks_like_number,
)
from zoo.data.tables.precision import needs_double
from zoo.data.tables.texts import spellings, text_notes
from zoo.data.tables.times import column_times, likely_forms, read_times, time_forms
from zoo.data.tables.uninformative import hints, names_splits, nothing_told, split_note
from zoo.errors import MAX_SHOWN_NAMES, ZooError

_MIN_NUMERIC_FRACTION = 0.5  # of the values; from here on a column is numbers with faults rather than text
_ADVICE = "; correct it, list the column under data.categorical, or leave such rows out (data.on_error=skip)"

Found = tuple[Column | None, list[str]]  # None: the column is left out


def infer_columns(
    table: Table, names: Iterable[str], categorical: Sequence[str] = (), texts: Sequence[str] = ()
) -> tuple[list[Column], list[str]]:
    """Decide for each named column what it is.

    Returns:
        The columns that are inputs, and notes on what was left out or read in another way than it is written.

    Raises:
        ZooError: a column of numbers has something else in it, and the recipe does not leave such rows out.
    """
    names = list(names)
    likely = likely_decimal(table, names)
    columns, notes = [], []
    for name in names:
        column: Column | None
        if name in texts:
            column, more_notes = optional_text_column(table, name)
        else:
            column, more_notes = _as_category(table, name) if name in categorical else _as_input(table, name, likely)
        notes += more_notes
        if column is not None:
            columns.append(column)
    return columns, notes


def infer_number(table: Table, name: str, likely: str = ".") -> tuple[Column, list[str]]:
    """Decide how the numbers of a column are written, whatever they tell; a category where it holds text.

    Raises:
        ZooError: it holds something else beside numbers, and the recipe does not leave such rows out.
    """
    likely = table.reading.decimal or (likely if likely != "." else likely_decimal(table, [name]))
    return _infer(table, name, likely)


def likely_decimal(table: Table, names: Iterable[str]) -> str:
    """Return the decimal mark of a file: the recipe's, or the one that a column can have alone."""
    if table.reading.decimal:
        return table.reading.decimal
    for name in names:
        if table.columns[name].dtype == object and "," in "".join(table.texts(name)):
            texts = [t for t in dict.fromkeys(table.texts(name)) if not is_missing_number(t, table.reading.missing)]
            style, other = find_style(texts)
            if style is not None and not other and style.decimal == ",":
                return ","
    return "."


def _as_input(table: Table, name: str, likely: str) -> Found:
    """Decide on a column: an input, or something that tells nothing of another row and is left out."""
    values = table.columns[name]
    if values.dtype == object:
        counts = Counter(table.texts(name).tolist())
        present = [text for text in counts if not is_missing_number(text, table.reading.missing)]
        if names_splits(name, present):
            return None, [split_note(name, counts)]
        forms = time_forms(present)
        if len(forms) > 1:
            text = (
                f"column '{name}' reads as dates, but day and month of values such as '{present[0]}' can be told in "
                f"{len(forms)} ways; it is left out: write year, month, day"
            )
            return None, [Note(text, "date_column", evidence=[{"column": name, "value": present[0]}])]
    column, notes = _infer(table, name, likely)
    if column.type == "number" and column.form == "number":
        reason = nothing_told(name, numbers(table, column))
        if reason:
            return None, [reason]
        notes += hints(name, numbers(table, column))
    return column, notes


def _infer(table: Table, name: str, likely: str) -> tuple[Column, list[str]]:
    """Decide how the values of a column are written."""
    values, missing = table.columns[name], table.reading.missing
    if values.dtype.kind == "b":
        return Column(name, "number", "boolean", missing=()), []
    if column_times(values) is not None:
        return _time(Column(name, "number", "time", time="iso8601", missing=()), table)
    if values.dtype.kind in "iuf":
        return _number(Column(name, "number", missing=missing), table)
    counts = Counter(table.texts(name).tolist())
    present = [text for text in counts if not is_missing_number(text, missing)]
    if not present:
        return _as_category(table, name) if any(counts) else (Column(name, "number", missing=missing), [])
    if {text.casefold() for text in present} <= {"true", "false"}:
        column = Column(name, "number", "boolean", missing=missing)
        return column, missing_notes(column, counts)
    forms = time_forms(present)
    if forms:
        return _time(Column(name, "number", "time", time=forms[0], missing=missing), table)
    reading = table.reading
    style, ambiguous = find_style(present, decimal=reading.decimal, thousands=reading.thousands, likely_decimal=likely)
    if style is None:
        return _almost_numbers(table, name, counts, present, likely)
    return _number(Column(name, "number", style=style, missing=missing), table, counts, ambiguous=ambiguous)


def _number(
    column: Column, table: Table, counts: Counter[str] | None = None, *, ambiguous: bool = False
) -> tuple[Column, list[str]]:
    """Return a column of numbers, and notes on how they are written."""
    name, values = column.name, numbers(table, column)
    if not table.reading.skip:
        refuse_wrong(table, column, values, table.where, _ADVICE)
    notes = [] if counts is None else writing_notes(name, column.style, counts, ambiguous)
    notes += merged_notes(table, column, values)
    column = replace(column, double=needs_double(values))
    return column, notes + scaling_notes(column, values) + missing_notes(column, counts or Counter())


def _time(column: Column, table: Table) -> tuple[Column, list[str]]:
    values = numbers(table, column)
    if not table.reading.skip:
        refuse_wrong(table, column, values, table.where, _ADVICE)
    first = next(value for value in table.columns[column.name] if str(value).strip() not in ("", "None", "NaT"))
    note = f"column '{column.name}': moments such as '{first}' are read as numbers, days since 1970"
    evidence = [{"column": column.name, "value": str(first)}]
    return replace(column, double=needs_double(values)), [Note(note, "date_column", evidence=evidence)]


def exact_moments(table: Table, column: Column) -> Column:
    """Return a column of moments in float64 where some have a time of day, which float32 would round to minutes."""
    if column.form != "time" or column.double:
        return column
    values = numbers(table, column)
    return replace(column, double=bool((values[~np.isnan(values)] % 1).any()))


def _almost_numbers(
    table: Table, name: str, counts: Counter[str], present: Sequence[str], likely: str
) -> tuple[Column, list[str]]:
    """Decide on a column in which not every value is a number of one style, true or false, or a moment."""
    column = _almost_other(table, name, counts, present)
    if column is not None:
        if not table.reading.skip:
            refuse_wrong(table, column, numbers(table, column), table.where, _ADVICE)
        return column, missing_notes(column, counts)
    fits = np.array([looks_like_number(text) for text in present], bool)
    weights = np.array([counts[text] for text in present])
    if weights[fits].sum() < _MIN_NUMERIC_FRACTION * weights.sum():
        return _as_category(table, name)
    numeric = [text for text, fit in zip(present, fits, strict=True) if fit]
    style, _ = find_style(
        numeric, decimal=table.reading.decimal, thousands=table.reading.thousands, likely_decimal=likely
    )
    if style is None:
        plain = fraction_of_numbers(numeric)
        if _count_of(numeric, plain, counts) >= _MIN_NUMERIC_FRACTION * weights.sum():
            style = PLAIN
        else:
            ways = {text: counts[text] for text in numeric[:MAX_SHOWN_NAMES]}
            raise ZooError(
                f"{table.where}: column '{name}' has numbers that are written in more than one way, such as "
                f"{spellings(ways)}; write them in one, name it (data.decimal, data.thousands), or list the column "
                "under data.categorical"
            )
    return _number(Column(name, "number", style=style, missing=table.reading.missing), table, counts)


def _almost_other(table: Table, name: str, counts: Counter[str], present: Sequence[str]) -> Column | None:
    """Return a column of true and false, or of moments, where most values are; None where they are not."""
    least = _MIN_NUMERIC_FRACTION * sum(counts[text] for text in present)
    missing = table.reading.missing
    if sum(counts[text] for text in present if text.casefold() in ("true", "false")) >= least:
        return Column(name, "number", "boolean", missing=missing)
    for form in likely_forms(present):
        fits = ~np.isnat(read_times(present, form))
        if _count_of(present, fits, counts) >= least:
            return Column(name, "number", "time", time=form, missing=missing)
    return None


def _count_of(texts: Sequence[str], chosen: np.ndarray, counts: Counter[str]) -> int:
    """Return how many rows have one of the chosen texts."""
    return sum(counts[text] for text, choose in zip(texts, chosen, strict=True) if choose)


def _as_category(table: Table, name: str) -> tuple[Column, list[str]]:
    """Decide on a column of texts: categories, unless hardly one is seen twice."""
    column = Column(name, "category", missing=table.reading.missing)
    counts = Counter(text for text in table.texts(name).tolist() if text and text not in table.reading.missing)
    return column, text_notes(table, name, counts)
