"""Table files: CSV as text and JSON Lines with its types, each row with its line; Parquet with its types."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.data.tables.csv_file import read_csv
from zoo.data.tables.json_lines import read_json_lines
from zoo.data.tables.reading import AS_USUAL, Reading, check_names, tidy
from zoo.errors import ZooError, first_few, import_extra
from zoo.utils.files import check_regular

if TYPE_CHECKING:
    import pandas as pd

_NESTED = (list, tuple, dict, set, np.ndarray)
PARQUET = (".parquet", ".pq")
JSON_LINES = (".jsonl", ".ndjson")
TABLE_SUFFIXES = (".csv", *JSON_LINES, *PARQUET)


@dataclass
class Table:
    """The columns of a file.

    Attributes:
        where: the file, for messages.
        columns: text (object) from CSV; else numbers, booleans, moments, or objects, None where missing.
        lines: the line of each row in the file; None where it has none.
        reading: how it was read.
        notes: what reading did that a reader of the results should know.
        typed: a missing value is None or NaN, and an empty text is a text; in CSV the empty text is a missing value.
        split: the split of each row, where several tables are joined; None where the recipe decides.
        places: the file or split that each row is in, where several tables are joined, as messages name it.
        numbers: of the rows in their own place, or in the file where they are some of its rows, from 1.
        parsed: numbers of columns that were parsed before.
    """

    where: str
    columns: dict[str, np.ndarray]
    lines: np.ndarray | None = None
    reading: Reading = field(default_factory=Reading)
    notes: list[str] = field(default_factory=list)
    typed: bool = True
    split: np.ndarray | None = None
    places: np.ndarray | None = None
    numbers: np.ndarray | None = None
    _texts: dict[str, np.ndarray] = field(default_factory=dict, repr=False)
    parsed: dict[Any, np.ndarray] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()))) if self.columns else 0

    def row(self, position: int) -> str:
        """Return what to call a row in a message: its number, and its line in the file."""
        line = f" (line {self.lines[position]})" if self.lines is not None else ""
        if self.places is not None and self.numbers is not None:
            return f"row {self.numbers[position]} of {self.places[position]}{line}"
        return f"row {position + 1 if self.numbers is None else self.numbers[position]}{line}"

    def rows(self, positions: Sequence[int] | np.ndarray) -> str:
        """Return what to call several rows: the first five of them."""
        return first_few([self.row(int(position)) for position in positions])

    def take(self, positions: np.ndarray) -> Table:
        """Return a table of some rows."""
        lines, split, places, numbers = (
            None if each is None else each[positions] for each in (self.lines, self.split, self.places, self.numbers)
        )
        columns = {name: values[positions] for name, values in self.columns.items()}
        return Table(self.where, columns, lines, self.reading, self.notes, self.typed, split, places, numbers)

    def select(self, names: Iterable[str]) -> Table:
        """Return a table of some columns."""
        return replace(self, columns={name: self.columns[name] for name in names}, _texts={}, parsed={})

    def texts(self, name: str) -> np.ndarray:
        """Return a column as text without blanks around it and in composed Unicode, empty where it is missing."""
        if name not in self._texts:
            self._texts[name] = np.array([tidy(text) for text in as_texts(self.columns[name])], dtype=object)
        return self._texts[name]


def as_texts(values: np.ndarray) -> list[str]:
    """Return values of any type as text, empty where they are missing."""
    return ["" if is_gap(value) else value if isinstance(value, str) else _plain(value) for value in values]


def is_gap(value: Any) -> bool:
    """Return whether a value of a typed column is missing: None, NaN, NaT or pandas' NA."""
    if value is None or isinstance(value, str):
        return value is None
    different = value != value
    return different is not False and not (isinstance(different, bool | np.bool_) and not different)


def _plain(value: Any) -> str:
    """Return a value as text: a whole number without the `.0` that a gap in its column gave it."""
    value = value.item() if isinstance(value, np.generic) else value
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def read_table(path: str | Path, reading: Reading = AS_USUAL, target: str = "", form: str = "") -> Table:
    """Read a CSV, JSON Lines or Parquet file.

    Args:
        path: the file.
        reading: how it is read.
        target: a column that the file has to have, which tells between separators.
        form: "jsonl" for JSON Lines, whatever the suffix; else the suffix decides, and what has none of them is CSV.

    Raises:
        ZooError: the file is missing, not readable, empty, names a column twice, or has rows of another width.
    """
    path = Path(path)
    notes: list[str] = []
    if form == "jsonl" or path.suffix.lower() in JSON_LINES:
        columns, lines, used = read_json_lines(path, reading, notes)
        table = Table(str(path), columns, lines, used, notes)
    elif path.suffix.lower() in PARQUET:
        pd = import_extra("pandas", f"{path}: reading Parquet")
        import_extra("pyarrow", f"{path}: reading Parquet")
        try:
            check_regular(path)
            frame = pd.read_parquet(path)
        except Exception as error:
            reason = str(error).partition("\n")[0] or type(error).__name__
            raise ZooError(f"{path}: not readable as a table ({reason})") from error
        table = from_frame(frame, str(path), reading)
    else:
        columns, lines, used = read_csv(path, reading, target, notes)
        table = Table(str(path), columns, lines, used, notes, typed=False)
    if not len(table):
        raise ZooError(f"{path}: the table has no rows")
    return table


def refuse_nested(table: Table, names: Iterable[str]) -> None:
    """Refuse columns that hold lists or objects.

    Raises:
        ZooError: some do; the message names them all, with the first row of each.
    """
    found = []
    for name in names:
        values = table.columns[name]
        nested = [i for i, v in enumerate(values) if isinstance(v, _NESTED)] if values.dtype == object else []
        if nested:
            found.append(f"'{name}' ({len(nested)} of {len(table)} rows, the first {table.row(nested[0])})")
    if found:
        raise ZooError(
            f"{table.where}: columns hold lists or objects, and a table has one value in a cell: {first_few(found)}; "
            "give each value a column of its own, or list such columns under data.ignore"
        )


def from_frame(frame: pd.DataFrame, where: str, reading: Reading = AS_USUAL) -> Table:
    """Return the columns of a DataFrame, and its index where it is named or holds moments.

    Raises:
        ZooError: a column is named twice.
    """
    import pandas as pd

    if isinstance(frame.index, pd.DatetimeIndex | pd.PeriodIndex) or frame.index.name is not None:
        name = str(frame.index.name or "index")
        if name not in map(str, frame.columns):
            frame = frame.rename_axis(name).reset_index()
    names = [str(name) for name in frame.columns]
    check_names(names, where)
    columns = {name: _typed(frame.iloc[:, i]) for i, name in enumerate(names)}
    return Table(where, columns, None, reading)


def from_arrays(arrays: Mapping[str, np.ndarray], where: str) -> Table:
    """Return arrays `(rows,)` as the columns of a table, without pandas.

    Raises:
        ZooError: a column is named twice.
    """
    check_names(list(arrays), where)
    return Table(where, {name: _plain_types(values) for name, values in arrays.items()}, None, AS_USUAL)


def _plain_types(values: np.ndarray) -> np.ndarray:
    """Return numbers, booleans and moments as they are, else objects with None for gaps; periods as their starts."""
    if values.dtype.kind in "iufbM":
        return values
    plain = [None if is_gap(v) else v.to_timestamp() if hasattr(v, "to_timestamp") else v for v in values.tolist()]
    found = np.empty(len(plain), dtype=object)
    found[:] = plain
    return found


def _typed(series: Any) -> np.ndarray:
    import pandas as pd

    if isinstance(series.dtype, pd.PeriodDtype):
        series = series.dt.to_timestamp()
    if isinstance(series.dtype, pd.DatetimeTZDtype):
        series = series.dt.tz_convert("UTC").dt.tz_localize(None)
    kind = getattr(series.dtype, "kind", "O")
    if isinstance(series.dtype, np.dtype) and kind in "iufbM":
        return series.to_numpy()
    gaps = series.isna().to_numpy()
    values = series.astype(object).to_numpy()
    return np.array([None if gap else value for value, gap in zip(values, gaps, strict=True)] or [], dtype=object)
