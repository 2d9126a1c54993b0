"""Table files: CSV as text, each row with its line, and Parquet with its types."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.errors import MAX_SHOWN_NAMES, ZooError, visible
from zoo.utils.files import check_regular, read_regular

if TYPE_CHECKING:
    import pandas as pd

PARQUET = (".parquet", ".pq")
_SEPARATORS = (",", ";", "\t", "|")  # that are tried, the usual one first
_SNIFFED_ROWS = 100
_BYTE_ORDER_MARKS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
MAX_CSV_BYTES = 1 << 32  # of a file, whose rows are held as text


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How a file is read; what is None is found out.

    Attributes:
        separator: what stands between the fields of a CSV file.
        encoding: of a CSV file.
        decimal: the decimal mark of numbers.
        thousands: what separates thousands.
        other_encoding: of a CSV file that is no UTF-8.
        missing: texts that count as missing in each column.
        skip: rows that cannot be read are left out, not refused.
    """

    separator: str | None = None
    encoding: str | None = None
    decimal: str | None = None
    thousands: str | None = None
    other_encoding: str | None = None
    missing: tuple[str, ...] = ()
    skip: bool = False

    def to_json(self) -> dict[str, str]:
        """Return what another file of the same kind is read with, where it is not as usual."""
        facts = {"separator": self.separator, "other_encoding": self.encoding or self.other_encoding}
        return {name: value for name, value in facts.items() if value and value not in (",", "utf-8")}


@dataclass
class Table:
    """The columns of a file.

    Attributes:
        where: the file, for messages.
        columns: text (object) from CSV; from Parquet numbers, booleans, moments, or objects, None where missing.
        lines: the line of each row in the file; None where it has none.
        reading: how it was read.
        notes: what reading did that a reader of the results should know.
        parsed: numbers of columns that were parsed before.
    """

    where: str
    columns: dict[str, np.ndarray]
    lines: np.ndarray | None = None
    reading: Reading = Reading()
    notes: list[str] = field(default_factory=list)
    _texts: dict[str, np.ndarray] = field(default_factory=dict, repr=False)
    parsed: dict[Any, np.ndarray] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()))) if self.columns else 0

    def row(self, position: int) -> str:
        """Return what to call a row in a message: its number, and its line in the file."""
        return f"row {position + 1}" + (f" (line {self.lines[position]})" if self.lines is not None else "")

    def rows(self, positions: Sequence[int] | np.ndarray) -> str:
        """Return what to call several rows: the first five of them."""
        named = ", ".join(self.row(int(position)) for position in positions[:MAX_SHOWN_NAMES])
        return named + (f" and {len(positions) - MAX_SHOWN_NAMES} more" if len(positions) > MAX_SHOWN_NAMES else "")

    def take(self, positions: np.ndarray) -> Table:
        """Return a table of some rows."""
        lines = None if self.lines is None else self.lines[positions]
        columns = {name: values[positions] for name, values in self.columns.items()}
        return Table(self.where, columns, lines, self.reading, self.notes)

    def texts(self, name: str) -> np.ndarray:
        """Return a column as text without blanks around it and in composed Unicode, empty where it is missing."""
        if name not in self._texts:
            self._texts[name] = np.array([tidy(text) for text in as_texts(self.columns[name])], dtype=object)
        return self._texts[name]


def tidy(text: str) -> str:
    """Return a text without blanks around it, accents in one character with their letters (NFC)."""
    text = text.strip()
    return text if text.isascii() else unicodedata.normalize("NFC", text)


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


def read_table(path: str | Path, reading: Reading = Reading(), target: str = "") -> Table:
    """Read a CSV or Parquet file.

    Args:
        path: the file.
        reading: how it is read.
        target: a column that the file has to have, which tells between separators.

    Raises:
        ZooError: the file is missing, not readable, empty, names a column twice, or has rows of another width.
    """
    path = Path(path)
    if path.suffix.lower() in PARQUET:
        try:
            import pandas as pd

            check_regular(path)
            frame = pd.read_parquet(path)
        except Exception as error:
            reason = str(error).partition("\n")[0] or type(error).__name__
            raise ZooError(f"{path}: not readable as a table ({reason})") from error
        table = from_frame(frame, str(path), reading)
    else:
        table = _read_csv(path, reading, target)
    if not len(table):
        raise ZooError(f"{path}: the table has no rows")
    return table


def from_frame(frame: pd.DataFrame, where: str, reading: Reading = Reading()) -> Table:
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
    _check_names(names, where)
    columns = {name: _typed(frame.iloc[:, i]) for i, name in enumerate(names)}
    return Table(where, columns, None, reading)


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


def _check_names(names: Sequence[str], where: str) -> None:
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        raise ZooError(f"{where}: columns named twice: {', '.join(twice)}")


# === CSV ===


def _read_csv(path: Path, reading: Reading, target: str) -> Table:
    notes: list[str] = []
    text, encoding = _decode(path, reading, notes)
    separator = reading.separator or _find_separator(text, target)
    if reading.separator is None and separator != ",":
        notes.append(f"fields are separated by {_SEPARATOR_NAMES.get(separator, separator)}")
    rows, lines = _rows(path, text, separator)
    if not rows:
        raise ZooError(f"{path}: not readable as a table (the file is empty)")
    names = _names(rows[0], path, notes)
    wrong = [i for i in range(1, len(rows)) if len(rows[i]) != len(names)]
    if wrong:
        found = Counter(len(rows[i]) for i in wrong)
        widths = ", ".join(f"{count} of {width}" for width, count in found.most_common(MAX_SHOWN_NAMES))
        first = ", ".join(f"line {lines[i]}" for i in wrong[:MAX_SHOWN_NAMES])
        more = f" and {len(wrong) - MAX_SHOWN_NAMES} more" if len(wrong) > MAX_SHOWN_NAMES else ""
        what = (
            f"{len(wrong)} of {len(rows) - 1} rows have another number of fields than the header's {len(names)} "
            f"({widths}): {first}{more}"
        )
        if not reading.skip or len(wrong) * 2 > len(rows):
            raise ZooError(
                f"{path}: {what}; correct them, name what separates the fields (data.separator), or leave such rows "
                "out (data.on_error: skip)"
            )
        notes.append(f"{what}; they are left out")
        for i in reversed(wrong):
            del rows[i], lines[i]
    columns = {name: np.array([row[i] for row in rows[1:]], dtype=object) for i, name in enumerate(names)}
    return Table(str(path), columns, np.array(lines[1:]), replace(reading, encoding=encoding), notes)


_SEPARATOR_NAMES = {";": "semicolons", "\t": "tabs", "|": "'|'"}


def _decode(path: Path, reading: Reading, notes: list[str]) -> tuple[str, str]:
    """Return the text of a file, and its encoding."""
    try:
        content = read_regular(path, MAX_CSV_BYTES)
    except OSError as error:
        raise ZooError(f"{path}: not readable as a table ({error.strerror or error})") from error
    encoding = reading.encoding
    marked = _BYTE_ORDER_MARKS.get(content[:2])
    if encoding is None and marked is not None and len(content) % 2 == 0:
        encoding = marked
        notes.append(f"the file is read as {marked}, as its first two bytes say")
    used = encoding or "utf-8-sig"
    try:
        return content.decode(used), encoding or "utf-8"
    except UnicodeDecodeError as error:
        if encoding is None and reading.other_encoding is not None:
            return _decode(path, replace(reading, encoding=reading.other_encoding), notes)
        line = content[: error.start].count(b"\n") + 1
        raise ZooError(
            f"{path}: not readable as a table (line {line}: the byte 0x{content[error.start]:02x} is no "
            f"{encoding or 'UTF-8'}); name the file's encoding, for example data.encoding: latin-1 or cp1252"
        ) from error
    except LookupError as error:
        raise ZooError(f"data.encoding: unknown encoding '{encoding}'") from error


def _rows(path: Path, text: str, separator: str, most: int | None = None) -> tuple[list[list[str]], list[int]]:
    """Return the rows that are not empty, and the line at which each begins."""
    rows: list[list[str]] = []
    lines: list[int] = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=separator != " ")
    kept: dict[str, str] = {}  # equal texts are held once
    before = 0
    try:
        for row in reader:
            if row:
                rows.append([kept.setdefault(value, value) for value in row])
                lines.append(before + 1)
            before = reader.line_num
            if most is not None and len(rows) >= most:
                break
    except csv.Error as error:
        raise ZooError(f"{path}: not readable as a table (line {reader.line_num}: {error})") from error
    return rows, lines


def _find_separator(text: str, target: str) -> str:
    """Return the separator by which the first rows have one width; of several, the one whose header has the target."""
    fitting = []
    for separator in _SEPARATORS:
        try:
            rows, _ = _rows(Path(), text, separator, _SNIFFED_ROWS)
        except ZooError:
            continue
        if rows and len(rows[0]) > 1 and len({len(row) for row in rows}) == 1:
            fitting.append((separator, target in [tidy(name) for name in rows[0]]))
    named = [separator for separator, has_target in fitting if has_target]
    if named or fitting:
        return (named or [separator for separator, _ in fitting])[0]
    return _by_header(text, target)


def _by_header(text: str, target: str) -> str:
    """Return the separator of the header alone, where the rows below it differ in width."""
    header = text.partition("\n")[0].rstrip("\r")
    for separator in _SEPARATORS:
        names = [tidy(name.strip('"')) for name in header.split(separator)]
        if len(names) > 1 and (not target or target in names):
            return separator
    return ","


def _names(header: Iterable[str], path: Path, notes: list[str]) -> list[str]:
    """Return the names of the columns; one without a name is called by its place, as pandas calls it."""
    names = [tidy(name) for name in header]
    names = [name or f"Unnamed: {i}" for i, name in enumerate(names)]
    _check_names(names, str(path))
    changed = [visible(name) for name, given in zip(names, header, strict=True) if given and name != given]
    if changed:
        notes.append(f"blanks around the names of {len(changed)} columns were removed: {', '.join(changed[:5])}")
    return names
