"""Table files to columns: the one reader that training, evaluation and serving use."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from zoo.errors import ZooError, did_you_mean, listing
from zoo.utils.files import check_regular

if TYPE_CHECKING:
    import pandas as pd

MISSING = ""  # a missing category is a category of its own
_WHOLE = re.compile(r"(-?\d+)\.0+")  # how pandas writes the numbers of an integer column with a gap
_MIN_NUMERIC_FRACTION = 0.5  # of the values; from here on a column is numbers with faults rather than text


@dataclass(frozen=True)
class Column:
    """An input column: numbers (float32, NaN where missing) or categories (text, empty where missing)."""

    name: str
    type: Literal["number", "category"]


def read_table(path: str | Path, text: Iterable[str] = ()) -> pd.DataFrame:
    """Read a CSV or Parquet file.

    Args:
        path: the file.
        text: columns of a CSV file to keep as text, so that `01` and `true` stay categories whatever else this file
            has in the column.

    Raises:
        ZooError: the file is missing, not readable, empty, or names a column twice.
    """
    import pandas as pd

    path = Path(path)
    try:
        check_regular(path)
        if path.suffix.lower() in (".parquet", ".pq"):
            frame = pd.read_parquet(path)
        else:
            header = pd.read_csv(path, header=None, nrows=1, dtype=str, keep_default_na=False, skipinitialspace=True)
            names = [str(n) for n in header.iloc[0]]
            if len(set(names)) < len(names):
                twice = sorted({n for n in names if names.count(n) > 1})
                raise ZooError(f"{path}: columns named twice: {listing(twice)}")
            with warnings.catch_warnings():
                warnings.simplefilter("error", pd.errors.ParserWarning)  # a row with more values than the header
                types = dict.fromkeys(text, str)
                frame = pd.read_csv(path, dtype=types, index_col=False, low_memory=False, skipinitialspace=True)
    except ZooError:
        raise
    except Exception as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise ZooError(f"{path}: not readable as a table ({reason})") from error
    if frame.empty:
        raise ZooError(f"{path}: the table has no rows")
    frame.columns = [str(c) for c in frame.columns]
    return frame


def check_columns(frame: pd.DataFrame, names: Iterable[str], key: str, where: str) -> None:
    """Check that a table has the columns that a recipe key names.

    Raises:
        ZooError: it lacks one.
    """
    for name in names:
        if name not in frame.columns:
            hint = did_you_mean(name, frame.columns)
            raise ZooError(
                f"{where}: {key} names the column '{name}', which the table lacks{hint} "
                f"(columns: {', '.join(frame.columns)})"
            )


def infer_columns(frame: pd.DataFrame, names: Iterable[str], categorical: Sequence[str], where: str) -> list[Column]:
    """Decide for each named column whether it holds numbers or categories.

    Raises:
        ZooError: a column of numbers has text in it.
    """
    columns = []
    for name in names:
        if name in categorical:
            columns.append(Column(name, "category"))
            continue
        fraction, _ = _numbers(frame[name])
        if _MIN_NUMERIC_FRACTION <= fraction < 1:
            _as_numbers(frame, name, where, advice="; correct it, or list the column under data.categorical")
        columns.append(Column(name, "number" if fraction == 1 else "category"))
    return columns


def take_columns(frame: pd.DataFrame, columns: Sequence[Column], where: str) -> dict[str, np.ndarray]:
    """Return the columns as arrays `(rows,)`: float32 for numbers, text (object) for categories.

    Raises:
        ZooError: a column is missing, or a column of numbers has text in it.
    """
    missing = [c.name for c in columns if c.name not in frame.columns]
    if missing:
        hint = did_you_mean(missing[0], frame.columns)
        raise ZooError(
            f"{where}: missing columns: {listing(missing)}{hint} (found: {', '.join(map(str, frame.columns))})"
        )
    return {
        c.name: _as_numbers(frame, c.name, where) if c.type == "number" else _as_text(frame[c.name]) for c in columns
    }


def _numbers(series: pd.Series) -> tuple[float, pd.Series]:
    """Return the fraction of the present values that are numbers, and the values as numbers."""
    import pandas as pd

    values = pd.to_numeric(series, errors="coerce")
    present = int(series.notna().sum())
    return (1.0 if present == 0 else float(values.notna().sum()) / present), values


def _as_numbers(frame: pd.DataFrame, name: str, where: str, advice: str = "") -> np.ndarray:
    series = frame[name]
    _, values = _numbers(series)
    wrong = np.flatnonzero((values.isna() & series.notna()).to_numpy())
    if len(wrong):
        raise ZooError(
            f"{where}: column '{name}' holds numbers, but row {wrong[0] + 1} has {_repr(series.iloc[wrong[0]])}"
            f" ({len(wrong)} such of {len(series)} rows){advice}"
        )
    with np.errstate(over="ignore"):
        numbers = values.to_numpy(dtype=np.float32)
    infinite = np.flatnonzero(np.isinf(numbers))
    if len(infinite):
        raise ZooError(
            f"{where}: column '{name}': row {infinite[0] + 1} has {_repr(series.iloc[infinite[0]])}, "
            "not a finite number of 32 bits"
        )
    return numbers


def _as_text(series: pd.Series) -> np.ndarray:
    gaps = series.isna()
    return np.array([MISSING if gap else as_label(v) for v, gap in zip(series, gaps, strict=True)], dtype=object)


def as_label(value: Any) -> str:
    """Return a class or category as text. A whole number loses the `.0` that a gap in its column gave it."""
    if isinstance(value, float | np.floating) and value.is_integer():
        return str(int(value))
    text = str(value)
    whole = _WHOLE.fullmatch(text)
    return whole[1] if whole else text


def _repr(value: Any) -> str:
    return repr(value.item() if isinstance(value, np.generic) else value)


def table_rows(columns: Mapping[str, np.ndarray]) -> int:
    """Return the number of rows of a dict of columns."""
    return len(next(iter(columns.values())))
