"""Notes on a column of numbers: how they are written, which count as missing, which rounding merges."""

from __future__ import annotations

import re
from collections import Counter

import numpy as np

from zoo.data.columns import Column
from zoo.data.tables.file import Table, as_texts
from zoo.data.tables.number_style import (
    PLAIN,
    NumberStyle,
    fraction_of_numbers,
    is_missing_number,
)
from zoo.data.tables.precision import EXACT_INTEGERS, merged_integers
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


def refuse_merged(table: Table, name: str, values: np.ndarray) -> None:
    """Refuse whole numbers that float64 would merge.

    Raises:
        ZooError: different values would become one.
    """
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
    return [f"column '{column.name}': {spellings(found)} count as missing"]
