"""Predictions as a file: CSV with a header, Parquet with the same columns, or a JSON document a line."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from zoo.errors import ZooError, import_extra, listing
from zoo.utils.files import replacing

Result = Mapping[str, Any]


def check_output(path: Path) -> None:
    """Check that predictions can be written to a path.

    Raises:
        ZooError: its suffix is of no format, or it is a folder.
    """
    if path.suffix.lower() not in _WRITERS:
        raise ZooError(
            f"--output {path}: expected a name that ends with {listing(_WRITERS)}, or for pictures a folder or .png"
        )
    if path.is_dir():
        raise ZooError(f"--output {path}: expected a file, and this is a folder")


def write_predictions(path: Path, results: Iterable[Result]) -> None:
    """Write results completely or not at all; the suffix decides the format.

    Raises:
        ZooError: the suffix is of no format, or the file cannot be written.
    """
    check_output(path)
    try:
        with replacing(path) as temporary:
            _WRITERS[path.suffix.lower()](temporary, results)
    except OSError as error:
        raise ZooError(f"--output {path}: cannot be written ({error.strerror or error})") from error


def _write_csv(path: Path, results: Iterable[Result]) -> None:
    rows = [dict(_cells("", result, _as_json)) for result in results]
    header = list(dict.fromkeys(name for row in rows for name in row))
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, header or ["input"], restval="")
        writer.writeheader()
        writer.writerows(rows)


def _as_json(value: list[Any]) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _write_parquet(path: Path, results: Iterable[Result]) -> None:
    pandas = import_extra("pandas", "writing Parquet")
    import_extra("pyarrow", "writing Parquet")
    rows = [dict(_cells("", result, list)) for result in results]
    header = list(dict.fromkeys(name for row in rows for name in row))
    pandas.DataFrame(rows, columns=header or ["input"]).to_parquet(path, index=False)


def _cells(name: str, value: Any, as_cell: Callable[[list[Any]], Any]) -> Iterator[tuple[str, Any]]:
    """Yield a column for each number: `probabilities.yes`, `forecast.1`; other lists are one cell."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _cells(f"{name}.{key}" if name else str(key), inner, as_cell)
    elif isinstance(value, list) and value and all(isinstance(inner, int | float) for inner in value):
        yield from ((f"{name}.{place}", inner) for place, inner in enumerate(value, start=1))
    elif isinstance(value, list):
        yield name, as_cell(value)
    elif value is not None:
        yield name, value


def _write_json_lines(path: Path, results: Iterable[Result]) -> None:
    with open(path, "w", encoding="utf-8") as file:
        for result in results:
            file.write(json.dumps(result, ensure_ascii=False, allow_nan=False) + "\n")


_WRITERS: dict[str, Callable[[Path, Iterable[Result]], None]] = {
    ".csv": _write_csv,
    ".parquet": _write_parquet,
    ".jsonl": _write_json_lines,
}
SUFFIXES = tuple(_WRITERS)
