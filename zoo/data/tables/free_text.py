"""Columns of free text, each a text to read as a whole."""

from __future__ import annotations

import numpy as np

from zoo.data.columns import Column, free_texts, not_texts
from zoo.data.tables.file import Table, refuse_nested
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


_HOLDS = {"b": "true and false", "M": "moments"}
