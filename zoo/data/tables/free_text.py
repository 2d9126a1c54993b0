"""Columns of free text, each a text to read as a whole."""

from __future__ import annotations

import numpy as np

from zoo.data.columns import Column, free_texts, not_texts, optional_texts
from zoo.data.tables.file import Table, is_gap, refuse_nested
from zoo.errors import ZooError

_ADVICE = ", or leave such rows out (data.on_error=skip)"


def text_column(table: Table, name: str) -> tuple[Column, list[str]]:
    """Return a column of free text, and notes on texts that hold nothing.

    Raises:
        ZooError: it holds numbers, lists or objects; or texts are missing, and the recipe does not leave such rows out.
    """
    refuse_nested(table, [name])
    values, column = table.columns[name], Column(name, "text", missing=table.reading.missing)
    if values.dtype != object:
        raise ZooError(
            f"{table.where}: column '{name}' holds {_HOLDS.get(values.dtype.kind, 'numbers')}, and texts are expected"
        )
    if not table.reading.skip:
        free_texts(table, column, table.where, _ADVICE)
    texts = np.delete(values, not_texts(table, column))
    blank = [i for i, text in enumerate(texts) if not text.strip()]
    if not len(texts):
        raise ZooError(f"{table.where}: column '{name}' has no text in any row")
    return column, [f"column '{name}': {len(blank)} of {len(texts)} texts are empty or blank"] if blank else []


def optional_text_column(table: Table, name: str) -> tuple[Column, list[str]]:
    """Return a column of free text beside others, and notes on texts that are missing or hold nothing.

    Raises:
        ZooError: it holds numbers, moments, or true and false by type, or no text at all.
    """
    values, column = table.columns[name], Column(name, "free_text", missing=table.reading.missing)
    strange = values.dtype != object or any(not isinstance(v, str) and not is_gap(v) for v in values)
    if strange:
        raise ZooError(
            f"{table.where}: data.texts: column '{name}' holds {_HOLDS.get(values.dtype.kind, 'numbers')}, and texts "
            "are expected; leave it out of data.texts"
        )
    empty = sum(not text.strip() for text in optional_texts(table, column))
    if empty == len(values):
        raise ZooError(f"{table.where}: column '{name}' has no text in any row")
    return column, [f"column '{name}': {empty} of {len(values)} texts are missing or empty"] if empty else []


_HOLDS = {"b": "true and false", "M": "moments"}
