"""Columns of tokens: a cell is a list of words, or a text in which blanks separate them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from zoo.data.tables.file import Table
from zoo.errors import ZooError, first_few, visible


def as_tokens(value: Any) -> list[str]:
    """Return the tokens of a cell, or those of one that `fault_of` finds nothing wrong with; whole numbers as text."""
    return value.split() if isinstance(value, str) else [str(token) for token in value]


def fault_of(value: Any, *, numbers: bool = False) -> str:
    """Return what is wrong with a cell of tokens; an empty text where nothing is.

    Args:
        value: the cell.
        numbers: whole numbers are allowed, as names of tags are.
    """
    if not isinstance(value, str | list | tuple | np.ndarray):
        return "nothing" if value is None or value != value else f"{value!r:.30}"
    if isinstance(value, str):
        return "" if value.strip() else "no tokens"
    if not len(value):
        return "no tokens"
    allowed = (str, int, np.integer) if numbers else (str,)
    for token in value:
        if not isinstance(token, allowed) or isinstance(token, bool):
            return f"{token!r:.30} among the tokens"
        if isinstance(token, str) and token.split() != [token]:
            return f"a token that is empty or has a blank in it, '{visible(token)[:30]}'"
    return ""


def joined(rows: Sequence[Sequence[str]]) -> np.ndarray:
    """Return sentences as texts `(rows,)` in which one blank separates the tokens."""
    return np.array([" ".join(row) for row in rows], dtype=object)


def token_texts(table: Table, name: str, where: str) -> np.ndarray:
    """Return a column of tokens as texts in which one blank separates the tokens.

    Raises:
        ZooError: cells hold something else; the message counts them all.
    """
    values = table.columns[name]
    faults = [f"{table.row(i)} has {fault}" for i, value in enumerate(values) if (fault := fault_of(value))]
    if faults:
        raise ZooError(
            f"{where}: column '{name}': {len(faults)} of {len(table)} rows hold no list of words: {first_few(faults)}"
        )
    return joined([as_tokens(value) for value in values])
