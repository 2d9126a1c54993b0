"""Data frames and dicts of columns as tables: what a column's type says is kept, what no table holds is refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.data.memory.given import type_of
from zoo.data.memory.value_types import families, is_table_value, rows_of
from zoo.data.tables.file import Table, from_frame
from zoo.data.tables.join import join_tables
from zoo.data.tables.reading import Reading, check_names
from zoo.errors import ZooError, first_few, import_extra, visible

if TYPE_CHECKING:
    import pandas as pd

_EXACT = 1 << 53  # whole numbers up to it are exact in float64


def as_pandas(value: Any, where: str) -> pd.DataFrame:
    """Return a data frame of pandas or Polars, or a dict of columns, as one of pandas.

    Raises:
        ZooError: columns have several levels or names twice, differ in length, or are none.
    """
    pd = import_extra("pandas", f"{where}: a data frame")
    if isinstance(value, pd.DataFrame):
        if value.columns.nlevels > 1:
            raise ZooError(
                f"{where}: the columns have {value.columns.nlevels} levels; give them one name each, for example "
                "frame.columns = ['_'.join(map(str, names)) for names in frame.columns]"
            )
        check_names([str(name) for name in value.columns], where)
        return value
    columns = value if isinstance(value, Mapping) else {name: value[name] for name in value.columns}
    check_names([str(name) for name in columns], where)
    series = {str(name): _series(values, f"{where}: column '{name}'") for name, values in columns.items()}
    lengths = {name: len(values) for name, values in series.items()}
    if len(set(lengths.values())) > 1:
        listed = first_few([f"'{visible(name)}' {length}" for name, length in lengths.items()])
        raise ZooError(f"{where}: the columns have different numbers of rows: {listed}")
    return pd.DataFrame(series)


def _series(values: Any, where: str) -> pd.Series:
    """Return one column of a dict, or of a frame of another library, by place: an index is not aligned with others."""
    import pandas as pd

    if isinstance(values, pd.Series):
        return values.reset_index(drop=True)
    if isinstance(values, str | bytes | Mapping) or not hasattr(values, "__len__"):
        raise ZooError(f"{where}: expected one value for each row, received {type_of(values)}")
    if hasattr(values, "to_list"):  # Polars
        values = values.to_list()
    if isinstance(values, np.ndarray):
        if values.ndim == 2 and values.shape[1] == 1:
            values = values[:, 0]
        if values.ndim != 1:
            raise ZooError(f"{where}: expected one value for each row, received {type_of(values)}")
        return pd.Series(values)
    every = list(values)
    found = np.empty(len(every), object)
    found[:] = every
    kinds = families(found)
    if len(kinds) > 1 or not all(map(is_table_value, kinds)):
        return pd.Series(found, dtype=object)  # refused later, with its rows
    return pd.Series(pd.array(every))


def table_of(frame: pd.DataFrame, where: str, reading: Reading, *, forecasts: bool) -> tuple[Table, list[str]]:
    """Return a data frame as a table, and the names of the columns that its types call categories.

    Args:
        frame: of pandas, each column named once.
        where: what to call it in messages.
        reading: how texts in it are read.
        forecasts: the index holds time, where it has a name or holds moments.

    Raises:
        ZooError: it has no rows, or columns hold what no table holds, or values of several types; all are listed.
    """
    if not len(frame):
        raise ZooError(f"{where}: the table has no rows")
    notes: list[str] = []
    if not forecasts:
        frame = _without_index(frame, notes)
    faults: list[str] = []
    categorical = []
    columns: dict[str, Any] = {}
    for place, name in enumerate(map(str, frame.columns)):
        series, is_category = _plain(frame.iloc[:, place], name, notes, faults)
        columns[name] = series
        categorical += [name] * is_category
    if faults:
        raise ZooError(f"{where}: {first_few(faults)}")
    table = from_frame(type(frame)(columns, index=frame.index), where, reading)
    table.notes.extend(notes)
    return table, categorical


def _without_index(frame: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
    import pandas as pd

    index = frame.index
    if not (isinstance(index, pd.RangeIndex) and index.start == 0 and index.step == 1 and index.name is None):
        named = f" {', '.join(repr(str(name)) for name in index.names if name is not None)}".rstrip()
        notes.append(
            f"the index{named} of the frame is not used; frame.reset_index() makes it a column"
            if named
            else "the index of the frame is not used"
        )
    return frame.reset_index(drop=True)


def _plain(series: pd.Series, name: str, notes: list[str], faults: list[str]) -> tuple[Any, bool]:
    """Return a column in a type that tables know, and whether it is one of categories; add its faults to a list."""
    import pandas as pd

    is_category = isinstance(series.dtype, pd.CategoricalDtype)
    if is_category:
        if series.dtype.ordered:
            notes.append(f"column '{name}': the order of its categories is not used")
        series = series.astype(object)
    if isinstance(series.dtype, pd.SparseDtype):
        series = pd.Series(np.asarray(series), index=series.index)
    kind = getattr(series.dtype, "kind", "O")
    if kind in "mc":
        advice = {"m": "give seconds, frame[name].dt.total_seconds()", "c": "give real and imaginary part"}[kind]
        faults.append(f"column '{name}' holds {series.dtype} values, which no model takes; {advice}")
        return series, is_category
    if kind in "iufb" and not isinstance(series.dtype, np.dtype):
        series = _without_masks(series)
    if series.dtype == object:
        _check_types(series.to_numpy(), name, faults)
    return series, is_category


def _without_masks(series: pd.Series) -> pd.Series:
    """Return a nullable column of numbers in NumPy's type, where that holds its values exactly; else as it is."""
    import pandas as pd

    dtype: Any = series.dtype
    if not series.isna().any():
        return pd.Series(series.to_numpy(dtype=dtype.numpy_dtype), index=series.index)
    if dtype.kind == "f" or (dtype.kind in "iu" and series.abs().max() <= _EXACT):
        return pd.Series(series.to_numpy(dtype=np.float64, na_value=np.nan), index=series.index)
    return series


def _check_types(values: np.ndarray, name: str, faults: list[str]) -> None:
    """Add a fault where a column of objects holds values of several types, or of one that no table holds."""
    found = families(values)
    strange = {kind: rows for kind, rows in found.items() if not is_table_value(kind)}
    for kind, rows in strange.items():
        faults.append(
            f"column '{name}' has {kind} in {len(rows)} of {len(values)} rows: {first_few(rows_of(rows))}; a table "
            "has one text, number or moment in a cell"
        )
    if not strange and len(found) > 1:
        most, *others = sorted(found, key=lambda kind: -len(found[kind]))
        listed = " and ".join(f"{kind} in {len(found[kind])} ({first_few(rows_of(found[kind]))})" for kind in others)
        faults.append(
            f"column '{name}' has {most} in {len(found[most])} rows, and {listed}; make them one type, for example "
            f"frame['{name}'].astype(str)"
        )


def with_target(frame: Any, targets: np.ndarray, name: str, where: str) -> Any:
    """Return a frame of inputs with the targets beside them.

    Raises:
        ZooError: the frame has a column of that name.
    """
    import pandas as pd

    if name in map(str, frame.columns):
        raise ZooError(f"{where}: x has a column '{name}', and y is to be called so; name it otherwise, target='…'")
    return pd.concat([frame, pd.Series(targets, index=frame.index, name=name)], axis=1)


def joined(tables: dict[str, Table]) -> Table:
    """Return the tables of several splits as one that knows the split of each row.

    Raises:
        ZooError: a split lacks a column, has another one, or holds values of another type in it; all are listed.
    """
    if len(tables) == 1:
        return next(iter(tables.values()))
    return join_tables(list(tables.values()), list(tables), splits=list(tables))
