"""What each column of a table is: numbers, moments, categories, or nothing that a model should see."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from zoo.data.columns import Column, numbers, refuse_wrong
from zoo.data.tables.file import Table, as_texts
from zoo.data.tables.number_style import (
    PLAIN,
    NumberStyle,
    find_style,
    fraction_of_numbers,
    is_missing_number,
    looks_like_number,
)
from zoo.data.tables.precision import EXACT_INTEGERS, merged_integers, needs_double
from zoo.data.tables.texts import spellings, split_of, text_notes
from zoo.data.tables.times import column_times, likely_forms, read_times, time_forms
from zoo.errors import MAX_SHOWN_NAMES, ZooError

_MIN_NUMERIC_FRACTION = 0.5  # of the values; from here on a column is numbers with faults rather than text
_FIRST_DATE = 15_000_101  # the first whole number that may be a date, year, month and day
_MIN_ROWS = 10  # from here on values that are all different say something
_ADVICE = "; correct it, list the column under data.categorical, or leave such rows out (data.on_error: skip)"
_ID = re.compile(r"(?:^|[_\W])(?i:id|ids|uuid|guid)$|[a-z](?:Id|ID)$")
_ROW_NUMBER = re.compile(
    r"^(?:unnamed: \d+|index|idx|row|row_?(?:number|names?|num|id)|no\.?|nr\.?|#|level_0|obs|id)$", re.I
)
_SPLIT_COLUMN = re.compile(r"(?:^|_)(?:split|set|subset|partition|fold)(?:$|_)", re.IGNORECASE)

Found = tuple[Column | None, list[str]]  # None: the column is left out


def infer_columns(
    table: Table, names: Iterable[str], categorical: Sequence[str] = ()
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
        column, said = _as_category(table, name) if name in categorical else _as_input(table, name, likely)
        notes += said
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
        if _is_split(name, present):
            return None, [_split_note(name, counts)]
        forms = time_forms(present)
        if len(forms) > 1:
            return None, [
                f"column '{name}' reads as dates, but day and month of values such as '{present[0]}' can be told in "
                f"{len(forms)} ways; it is left out: write year, month, day"
            ]
    column, notes = _infer(table, name, likely)
    if column.type == "number" and column.form == "number":
        reason = _nothing_told(name, numbers(table, column))
        if reason:
            return None, [reason]
        notes += _hints(name, numbers(table, column))
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
        return column, _missing_note(column, counts)
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
    notes = [] if counts is None else _writing(name, column.style, counts, ambiguous)
    _refuse_merged(table, name, values)
    column = replace(column, double=needs_double(values))
    return column, notes + _merged_by_scaling(column, values) + _missing_note(column, counts or Counter())


def _nothing_told(name: str, values: np.ndarray) -> str:
    """Return why a column of numbers is left out: row numbers and ids tell nothing of another row."""
    if not _is_whole(values):
        return ""
    if _ROW_NUMBER.match(name) and _counts_up(values):
        what = "the column without a name" if name.startswith("Unnamed: ") else f"column '{name}'"
        return f"{what} holds row numbers ({values[0]:.0f} to {values[-1]:.0f}) and is left out"
    different = len(np.unique(values))
    if _ID.search(name) and different == len(values) >= _MIN_ROWS:
        return f"column '{name}' holds an id, {different} different whole numbers, and is left out"
    return ""


def _hints(name: str, values: np.ndarray) -> list[str]:
    """Return notes on numbers that may tell nothing, or name things."""
    if not _is_whole(values):
        return []
    if len(values) >= _MIN_ROWS and _counts_up(values):
        return [f"column '{name}' counts the rows; list it under data.ignore if it measures nothing"]
    if values.min() > _FIRST_DATE and time_forms([f"{value:.0f}" for value in np.unique(values)]):
        return [
            f"column '{name}' is read as numbers and looks like dates, such as {values[0]:.0f}; write them as dates"
        ]
    if _ID.search(name):
        return [f"column '{name}' is read as numbers; list it under data.categorical if it names things"]
    return []


def _is_whole(values: np.ndarray) -> bool:
    return bool(len(values)) and not np.isnan(values).any() and bool((values == np.floor(values)).all())


def _counts_up(values: np.ndarray) -> bool:
    """Return whether values count the rows, from 0 or 1."""
    return len(values) > 2 and values[0] in (0, 1) and bool((np.diff(values) == 1).all())


def _writing(name: str, style: NumberStyle, counts: Counter[str], ambiguous: bool) -> list[str]:
    """Return notes on how the numbers of a column are written."""
    notes = []
    if style != PLAIN:
        written = [
            text for text in counts if text and not fraction_of_numbers([text])[0] and not is_missing_number(text)
        ]
        count = sum(counts[text] for text in written)
        if count:
            either = " (data.decimal and data.thousands change that)" if ambiguous else ""
            notes.append(
                f"column '{name}': {count} values such as '{written[0]}' are numbers, {style.describe()}{either}"
            )
    zeros = [text for text in counts if text[:1] == "0" and re.fullmatch(r"0[0-9]+", text)]
    if zeros:
        count = sum(counts[text] for text in zeros)
        notes.append(
            f"column '{name}': {count} values such as '{zeros[0]}' begin with a zero and are read as numbers; list the "
            "column under data.categorical if they are codes"
        )
    return notes


def _refuse_merged(table: Table, name: str, values: np.ndarray) -> None:
    given = table.columns[name]
    if given.dtype == object and len(values) and np.nanmax(np.abs(values), initial=0) > EXACT_INTEGERS:
        texts = [text for text in as_texts(given) if re.fullmatch(r"[+-]?[0-9]+", text.strip())]
        different = len({int(text) for text in texts})
        merged = different - len({float(text) for text in texts})
    else:
        merged = merged_integers(given)
        different = len(np.unique(given)) if merged else 0
    if merged:
        raise ZooError(
            f"{table.where}: column '{name}' has whole numbers beyond 2^53: {different} different ones would become "
            f"{different - merged} numbers of 64 bits; list it under data.categorical or data.ignore"
        )


def _merged_by_scaling(column: Column, values: np.ndarray) -> list[str]:
    """Return a note where even centred and scaled values fall together in float32."""
    present = values[np.isfinite(values)]
    if not column.double or not len(present):
        return []
    scaled = ((present - present.mean()) / (present.std() or 1.0)).astype(np.float32)
    different, left = len(np.unique(present)), len(np.unique(scaled))
    if different - left <= different // 10:
        return []
    return [
        f"column '{column.name}': its {different} different values become {left} once scaled to float32: a few "
        "lie far from all others"
    ]


def _missing_note(column: Column, counts: Counter[str]) -> list[str]:
    """Return a note on texts that count as missing numbers."""
    found = {text: count for text, count in counts.items() if text and is_missing_number(text, column.missing or ())}
    if not found:
        return []
    return [f"column '{column.name}': {spellings(found)} count as missing"]


def _time(column: Column, table: Table) -> tuple[Column, list[str]]:
    values = numbers(table, column)
    if not table.reading.skip:
        refuse_wrong(table, column, values, table.where, _ADVICE)
    first = next(value for value in table.columns[column.name] if str(value).strip() not in ("", "None", "NaT"))
    note = f"column '{column.name}': moments such as '{first}' are read as numbers, days since 1970"
    return replace(column, double=needs_double(values)), [note]


def _almost_numbers(
    table: Table, name: str, counts: Counter[str], present: Sequence[str], likely: str
) -> tuple[Column, list[str]]:
    """Decide on a column in which not every value is a number of one style, true or false, or a moment."""
    column = _almost_other(table, name, counts, present)
    if column is not None:
        if not table.reading.skip:
            refuse_wrong(table, column, numbers(table, column), table.where, _ADVICE)
        return column, _missing_note(column, counts)
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
        if counts_of(numeric, plain, counts) >= _MIN_NUMERIC_FRACTION * weights.sum():
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
        if counts_of(present, fits, counts) >= least:
            return Column(name, "number", "time", time=form, missing=missing)
    return None


def counts_of(texts: Sequence[str], chosen: np.ndarray, counts: Counter[str]) -> int:
    """Return how many rows have one of the chosen texts."""
    return sum(counts[text] for text, choose in zip(texts, chosen, strict=True) if choose)


# === Categories ===


def _as_category(table: Table, name: str) -> tuple[Column, list[str]]:
    """Decide on a column of texts: categories, unless hardly one is seen twice."""
    column = Column(name, "category", missing=table.reading.missing)
    counts = Counter(text for text in table.texts(name).tolist() if text and text not in table.reading.missing)
    return column, text_notes(table, name, counts)


# === Splits ===


def _is_split(name: str, present: Sequence[str]) -> bool:
    return _SPLIT_COLUMN.search(name) is not None and len(present) > 1 and all(map(split_of, present))


def _split_note(name: str, counts: Counter[str]) -> str:
    return (
        f"column '{name}' names splits, {spellings(counts)}, and is left out; data.split_column: {name} splits "
        "the rows by it"
    )
