"""CSV files: encoding, separator, header and rows, each with its line."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np

from zoo.data.notes import damaged_files
from zoo.data.tables.encoding import decode_file
from zoo.data.tables.reading import Reading, check_names, tidy
from zoo.errors import MAX_SHOWN_NAMES, ZooError, first_few, visible

_SEPARATORS = (",", ";", "\t", "|")  # that are tried, the usual one first
_SNIFFED_ROWS = 100


def read_csv(
    path: Path, reading: Reading, target: str, notes: list[str]
) -> tuple[dict[str, np.ndarray], np.ndarray, Reading]:
    """Return the columns of a CSV file as text, the line of each row, and how it was read.

    Raises:
        ZooError: it is not readable, names a column twice, or has rows of another width than the header.
    """
    text, encoding = decode_file(path, reading, notes)
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
        first = first_few([f"line {lines[i]}" for i in wrong])
        what = (
            f"{len(wrong)} of {len(rows) - 1} rows have another number of fields than the header's {len(names)} "
            f"({widths}): {first}"
        )
        if not reading.skip or len(wrong) * 2 > len(rows):
            raise ZooError(
                f"{path}: {what}; correct them, name what separates the fields (data.separator), or leave such rows "
                "out (data.on_error=skip)"
            )
        notes.append(damaged_files(f"{what}; they are left out", [f"line {lines[i]}" for i in wrong]))
        for i in reversed(wrong):
            del rows[i], lines[i]
    columns = {name: np.array([row[i] for row in rows[1:]], dtype=object) for i, name in enumerate(names)}
    return columns, np.array(lines[1:]), replace(reading, encoding=encoding)


_SEPARATOR_NAMES = {";": "semicolons", "\t": "tabs", "|": "'|'"}


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
    check_names(names, str(path))
    changed = [visible(name) for name, given in zip(names, header, strict=True) if given and name != given]
    if changed:
        notes.append(f"blanks around the names of {len(changed)} columns were removed: {first_few(changed)}")
    return names
