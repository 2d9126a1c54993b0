"""Notes on a column of numbers: how they are written, which count as missing, which rounding merges."""

from __future__ import annotations

import re
from collections import Counter

import numpy as np

from zoo.data.columns import Column
from zoo.data.notes import Note
from zoo.data.tables.file import Table, as_texts
from zoo.data.tables.number_style import (
    PLAIN,
    NumberStyle,
    fraction_of_numbers,
    is_missing_number,
)
from zoo.data.tables.precision import EXACT_INTEGERS
from zoo.data.tables.texts import spellings
from zoo.errors import ZooError


def writing_notes(name: str, style: NumberStyle, counts: Counter[str], ambiguous: bool) -> list[str]:
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


def merged_notes(table: Table, column: Column, values: np.ndarray) -> list[str]:
    """Return a note on whole numbers that float64 rounds, and refuse those that it would merge.

    Raises:
        ZooError: different values would become one.
    """
    given = table.columns[column.name]
    if not len(values) or np.nanmax(np.abs(values), initial=0) <= EXACT_INTEGERS:
        return []
    if given.dtype == object:
        whole = Counter(number for text in as_texts(given) if (number := _whole(text, column.style)) is not None)
    else:
        whole = Counter(given.tolist()) if given.dtype.kind in "iu" else Counter()
    merged = len(whole) - len(set(map(float, whole)))
    if merged:
        raise ZooError(
            f"{table.where}: column '{column.name}' has whole numbers beyond 2^53: {len(whole)} different ones would "
            f"become {len(whole) - merged} numbers of 64 bits; list it under data.categorical or data.ignore"
        )
    rounded = sum(count for number, count in whole.items() if int(float(number)) != number)
    if not rounded:
        return []
    return [f"column '{column.name}': {rounded} whole numbers beyond 2^53 are rounded to numbers of 64 bits"]


def _whole(text: str, style: NumberStyle) -> int | None:
    """Return the whole number that a text is in a style; None where it is none."""
    for mark in (style.unit, style.thousands):
        text = text.replace(mark, "") if mark else text
    text = re.sub(rf"{re.escape(style.decimal)}0*$", "", text.strip())
    return int(text) if re.fullmatch(r"[+-]?[0-9]+", text) else None


def scaling_notes(column: Column, values: np.ndarray) -> list[str]:
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


def missing_notes(column: Column, counts: Counter[str]) -> list[str]:
    """Return a note on texts that count as missing numbers."""
    found = {text: count for text, count in counts.items() if text and is_missing_number(text, column.missing or ())}
    if not found:
        return []
    return [
        Note(
            f"column '{column.name}': {spellings(found)} count as missing",
            "missing_values",
            affected=sum(found.values()),
            evidence=[{"column": column.name, "value": text, "count": count} for text, count in found.items()],
        )
    ]
