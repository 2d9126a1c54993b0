"""JSON Lines files: one object a line, its keys the columns."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from zoo.data.notes import damaged_files
from zoo.data.tables.encoding import decode_file
from zoo.data.tables.reading import Reading
from zoo.errors import ZooError, counted, first_few, visible

MAX_CELLS = 1 << 28  # of a table; objects whose keys are names of things would make a column of each
_LARGEST_EXACT = 1 << 53  # whole numbers that float64 holds
_NAMES = {list: "a list", dict: "an object", str: "a text", bool: "true or false", int: "a number", float: "a number"}


def read_json_lines(
    path: Path, reading: Reading, notes: list[str]
) -> tuple[dict[str, np.ndarray], np.ndarray, Reading]:
    """Return the columns of a file, the line of each row, and how it was read.

    A column is of numbers or booleans where all its values are, else of objects: texts, lists, None where missing.

    Raises:
        ZooError: it is not readable, or lines are no objects and the recipe does not leave them out.
    """
    text, encoding = decode_file(path, reading, notes)
    rows: list[dict[str, Any]] = []
    lines: list[int] = []
    faults: list[str] = []
    blank = []
    for number, line in enumerate(text.rstrip().split("\n"), start=1):
        if not line.strip():
            blank.append(number)
            continue
        try:
            rows.append(_object(line))
            lines.append(number)
        except (ValueError, RecursionError) as error:
            faults.append(f"line {number} ({_reason(error)})")
    total = len(rows) + len(faults)
    if not total:
        raise ZooError(f"{path}: not readable as a table (the file is empty)")
    if faults:
        what = f"{len(faults)} of {total} lines are no JSON objects: {first_few(faults)}"
        if not reading.skip or len(faults) * 2 > total:
            raise ZooError(
                f'{path}: {what}; write one object a line, such as {{"text": "good", "label": "yes"}}, or leave '
                "such lines out (data.on_error=skip)"
            )
        notes.append(damaged_files(f"{what}; they are left out", faults))
    if blank:
        notes.append(f"without content, and left out: {counted(blank, 'lines')}")
    names = list(dict.fromkeys(name for row in rows for name in row))
    if len(names) * len(rows) > MAX_CELLS:
        raise ZooError(
            f"{path}: {len(rows):,} lines have {len(names):,} different keys, such as {first_few(names)}; a table has "
            "the same keys in each line"
        )
    columns = {name: _column(name, [row.get(name) for row in rows], notes) for name in names}
    return columns, np.array(lines), replace(reading, encoding=encoding)


def _object(line: str) -> dict[str, Any]:
    """Return the object that a line holds.

    Raises:
        ValueError: it holds something else, or an object that JSON does not allow. The message says why.
    """
    found = json.loads(line, object_pairs_hook=_unique, parse_constant=_refuse_constant)
    if not isinstance(found, dict):
        raise ValueError(f"{_NAMES.get(type(found), 'null')}, not an object")
    if "\\u" in line:
        try:
            json.dumps(found, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise ValueError("half of a surrogate pair is no character") from None
    return found


def _unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = [name for name, count in Counter(name for name, _ in pairs).items() if count > 1]
        raise ValueError(f"repeats the key '{visible(twice[0])}'")
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _reason(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg}, character {error.pos + 1}"
    if isinstance(error, RecursionError):
        return "nested too deeply"
    return str(error).partition(";")[0]


def _column(name: str, values: list[Any], notes: list[str]) -> np.ndarray:
    """Return a column, typed where all its values have one type."""
    kinds = Counter(type(value) for value in values if value is not None)
    types = set(kinds)
    whole = len(values) == sum(kinds.values())
    if types == {bool} and whole:
        return np.array(values, bool)
    if types and types <= {int, float} and all(abs(v) <= _LARGEST_EXACT for v in values if isinstance(v, int)):
        if whole and types == {int}:
            return np.array(values, np.int64)
        return np.array([np.nan if value is None else value for value in values], np.float64)
    if str in types and types & {int, float, bool}:
        parts = ", ".join(f"{count} hold {_NAMES[kind]}" for kind, count in kinds.most_common() if kind in _NAMES)
        notes.append(f"column '{visible(name)}': values of several types are read as texts: {parts}")
    return np.fromiter(values, object, len(values))
