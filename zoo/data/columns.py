"""The columns of a table: what each is, and its values as arrays, in training, evaluation and serving alike."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

from zoo.data.tables.file import Table, as_texts, from_frame, refuse_nested
from zoo.data.tables.number_style import (
    PLAIN,
    NumberStyle,
    is_missing_number,
    parse_booleans,
    parse_numbers,
)
from zoo.data.tables.times import column_times, read_times
from zoo.data.tables.token_lists import token_texts
from zoo.data.tokenizer import Tokenizer
from zoo.errors import ZooError, did_you_mean, first_few, listing

MISSING = ""  # a missing category is a category of its own
_WHOLE = re.compile(r"(-?\d+)\.0+")  # how pandas writes the numbers of an integer column with a gap
_OLD_MISSING = frozenset(  # texts that files written before columns carried `missing` took for a missing category
    ("", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA",
     "NULL", "NaN", "None", "n/a", "nan", "null")
)  # fmt: skip
_LARGEST = float(np.finfo(np.float32).max)  # of a number
_MICROSECONDS_PER_DAY = 86_400_000_000


ColumnType = Literal["number", "category", "text", "free_text", "tokens"]


@dataclass(frozen=True)
class Column:
    """An input column: numbers (NaN where missing), categories (text, empty where missing), texts or tokens.

    "text" is the one column that is read, in which none may be missing; "free_text" stands beside other columns, and is
    empty where missing.

    Attributes:
        name: of the column in the file.
        type: what the model takes.
        form: what the file holds: numbers, `true` and `false`, or moments, which become days since 1970.
        style: how numbers are written.
        time: how moments are written (`zoo.data.tables.times`).
        missing: texts that count as missing, beside the empty one; None in files written before they were named.
        double: the model takes float64, because float32 would merge values.
        tokenizer: of free text, once it is fitted.
    """

    name: str
    type: ColumnType
    form: Literal["number", "boolean", "time"] = "number"
    style: NumberStyle = field(default=PLAIN)
    time: str = ""
    missing: tuple[str, ...] | None = None
    double: bool = False
    tokenizer: Tokenizer | None = None

    @property
    def dtype(self) -> Any:
        """The type of an array of its values."""
        return object if self.type != "number" else np.float64 if self.double else np.float32

    def to_json(self) -> dict[str, Any]:
        """Return the column as plain data: name, type, and what is not as usual."""
        facts: dict[str, Any] = {"name": self.name, "type": self.type}
        if self.form != "number":
            facts["form"] = self.form
        if self.style != PLAIN:
            facts["style"] = {"decimal": self.style.decimal, "thousands": self.style.thousands, "unit": self.style.unit}
        if self.time:
            facts["time"] = self.time
        if self.missing is not None:
            facts["missing"] = list(self.missing)
        if self.double:
            facts["double"] = True
        if self.tokenizer is not None:
            facts["tokenizer"] = self.tokenizer.to_json()
        return facts


def column_from_json(facts: Mapping[str, Any]) -> Column:
    """Return the column that `Column.to_json` wrote, or an older file."""
    known = dict(facts)
    if "style" in known:
        known["style"] = NumberStyle(**known["style"])
    if known.get("missing") is not None:
        known["missing"] = tuple(known["missing"])
    if known.get("tokenizer") is not None:
        known["tokenizer"] = Tokenizer.from_json(known["tokenizer"])
    return Column(**known)


def check_columns(table: Table, names: Iterable[str], key: str) -> None:
    """Check that a table has the columns that a recipe key names.

    Raises:
        ZooError: it lacks one.
    """
    for name in names:
        if name not in table.columns:
            hint = did_you_mean(name, table.columns)
            raise ZooError(
                f"{table.where}: {key} names the column '{name}', which the table lacks{hint} "
                f"(columns: {', '.join(table.columns)})"
            )


def take_columns(table: Any, columns: Sequence[Column], where: str | None = None) -> dict[str, np.ndarray]:
    """Return the columns as arrays `(rows,)`: float32 or float64 for numbers, text (object) for others.

    Args:
        table: a `Table`, or a DataFrame.
        columns: what is taken.
        where: the source, for messages; the table's own where it is left out.

    Raises:
        ZooError: a column is missing, a column of numbers has something else in it, or a text is missing.
    """
    table = table if isinstance(table, Table) else from_frame(table, where or "the table")
    where = where or table.where
    missing = [c.name for c in columns if c.name not in table.columns]
    if missing:
        hint = did_you_mean(missing[0], table.columns)
        raise ZooError(
            f"{where}: missing columns: {listing(missing)}{hint} (found: {', '.join(map(str, table.columns))})"
        )
    refuse_nested(table, [column.name for column in columns if column.type != "tokens"])
    taken = {}
    for column in columns:
        if column.type == "tokens":
            taken[column.name] = token_texts(table, column.name, where)
            continue
        if column.type == "text":
            taken[column.name] = free_texts(table, column, where)
            continue
        if column.type in ("category", "free_text"):
            taken[column.name] = (categories if column.type == "category" else optional_texts)(table, column)
            continue
        values = numbers(table, column)
        refuse_wrong(table, column, values, where)
        with np.errstate(over="ignore"):
            taken[column.name] = values if column.double else values.astype(np.float32)
    return taken


def categories(table: Table, column: Column) -> np.ndarray:
    """Return the categories of a column, empty where they are missing."""
    if column.missing is None:  # an older file
        labels = [as_label(text) for text in as_texts(table.columns[column.name])]
        return np.array([MISSING if label in _OLD_MISSING else label for label in labels], dtype=object)
    texts = table.texts(column.name)
    return np.array([MISSING if text in column.missing else as_label(text) for text in texts], dtype=object)


def optional_texts(table: Table, column: Column) -> np.ndarray:
    """Return the texts of a column as they are written, empty where they are missing."""
    missing = column.missing or ()
    texts = as_texts(table.columns[column.name])
    return np.array([MISSING if text.strip() in missing else text for text in texts], dtype=object)


def free_texts(table: Table, column: Column, where: str, advice: str = "") -> np.ndarray:
    """Return the texts of a column as they are written.

    Raises:
        ZooError: some are missing or no texts; the message counts both.
    """
    values, wrong = table.columns[column.name], not_texts(table, column)
    if len(wrong):
        raise ZooError(
            f"{where}: column '{column.name}': {len(wrong)} of {len(table)} rows have no text: "
            f"{first_few([f'{table.row(i)} has {shown(values[i]):.40}' for i in wrong])}; fill them in{advice}"
        )
    return values


def not_texts(table: Table, column: Column) -> np.ndarray:
    """Return the positions at which a column of free text has no text: nothing, a text that says so, or a number.

    An empty text is a text, except in CSV, where it cannot be told from a missing one.
    """
    missing = set(column.missing or ())

    def lacks(value: object) -> bool:
        return not isinstance(value, str) or value.strip() in missing or not (value or table.typed)

    return np.array([i for i, value in enumerate(table.columns[column.name]) if lacks(value)], int)


def numbers(table: Table, column: Column) -> np.ndarray:
    """Return the numbers of a column in float64, NaN for what is missing or wrong (see `wrong_rows`)."""
    key = replace(column, double=False)
    if key not in table.parsed:
        table.parsed[key] = _parse(table, column)
    return table.parsed[key]


def _parse(table: Table, column: Column) -> np.ndarray:
    values: np.ndarray = table.columns[column.name]
    if values.dtype.kind in "iufb":
        return values.astype(np.float64)
    if column.form == "time":
        times = column_times(values)
        if times is None:
            times = read_times(table.texts(column.name), column.time)
        return np.where(np.isnat(times), np.nan, times.astype(np.int64) / _MICROSECONDS_PER_DAY)
    texts = table.texts(column.name)
    if column.form == "boolean":
        return parse_booleans(texts)
    parsed = parse_numbers(texts, column.style, column.missing or ())
    if column.missing is None and column.style == PLAIN:  # an older file took booleans for 0 and 1
        parsed = np.where(np.isnan(parsed), parse_booleans(texts), parsed)
    return parsed


def wrong_rows(table: Table, column: Column, values: np.ndarray) -> np.ndarray:
    """Return the positions at which a column of numbers has something else, or no finite number of 32 bits."""
    given = table.columns[column.name]
    wrong = np.abs(np.nan_to_num(values, nan=0.0)) > _LARGEST
    if given.dtype == object:
        gaps = np.flatnonzero(np.isnan(values))
        texts = table.take(gaps).texts(column.name)
        wrong[gaps] = [not is_missing_number(text, column.missing or ()) for text in texts]
    return np.flatnonzero(wrong)


def refuse_wrong(table: Table, column: Column, values: np.ndarray, where: str, advice: str = "") -> None:
    """Refuse a column of numbers that has something else in it.

    Raises:
        ZooError: it has; the message names the first rows.
    """
    wrong = wrong_rows(table, column, values)
    if not len(wrong):
        return
    first = shown(table.columns[column.name][wrong[0]])
    if not np.isnan(values[wrong[0]]):
        raise ZooError(
            f"{where}: column '{column.name}': {table.row(wrong[0])} has {first}, not a finite number of 32 bits"
            f"{_how_many(table, wrong)}"
        )
    style = column.style.describe()
    holds = {"number": "numbers", "boolean": "true and false", "time": f"moments written as {column.time}"}[column.form]
    raise ZooError(
        f"{where}: column '{column.name}' holds {holds}{f' ({style})' if style else ''}, but {table.row(wrong[0])} has "
        f"{first}{_how_many(table, wrong)}{advice}"
    )


def _how_many(table: Table, wrong: np.ndarray) -> str:
    rest = f"; also {table.rows(wrong[1:])}" if len(wrong) > 1 else ""
    return f" ({len(wrong)} such of {len(table)} rows{rest})"


def as_label(value: Any) -> str:
    """Return a class or category as text. A whole number loses the `.0` that a gap in its column gave it."""
    if isinstance(value, float | np.floating) and value.is_integer():
        return str(int(value))
    text = str(value)
    whole = _WHOLE.fullmatch(text)
    return whole[1] if whole else text


def shown(value: Any) -> str:
    """Return a value as a message shows it."""
    return repr(value.item() if isinstance(value, np.generic) else value)


def table_rows(columns: Mapping[str, np.ndarray]) -> int:
    """Return the number of rows of a dict of columns."""
    return len(next(iter(columns.values())))
