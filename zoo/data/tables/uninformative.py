"""Columns that tell nothing of another row, or may name things: row numbers, ids, counts, dates typed as numbers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from zoo.data.notes import Note
from zoo.data.split_names import split_of_text
from zoo.data.tables.texts import spellings
from zoo.data.tables.times import time_forms

if TYPE_CHECKING:
    from zoo.recipe.findings import Severity

_FIRST_DATE = 15_000_101  # the first whole number that may be a date, year, month and day
_MIN_ROWS = 10  # from here on values that are all different say something
_ID = re.compile(r"(?:^|[_\W])(?i:id|ids|uuid|guid)$|[a-z](?:Id|ID)$")
_ROW_NUMBER = re.compile(
    r"^(?:unnamed: \d+|index|idx|row|row_?(?:number|names?|num|id)|no\.?|nr\.?|#|level_0|obs|id)$", re.I
)
_SPLIT_COLUMN = re.compile(r"(?:^|_)(?:split|set|subset|partition|fold)(?:$|_)", re.IGNORECASE)


def looks_like_id(name: str) -> bool:
    """Return whether the name of a column says that it holds ids."""
    return _ID.search(name) is not None


def nothing_told(name: str, values: np.ndarray) -> str:
    """Return why a column of numbers is left out: row numbers and ids tell nothing of another row."""
    if not _is_whole(values):
        return ""
    if _ROW_NUMBER.match(name) and _counts_up(values):
        what = "the column without a name" if name.startswith("Unnamed: ") else f"column '{name}'"
        return _identifier(name, f"{what} holds row numbers ({values[0]:.0f} to {values[-1]:.0f}) and is left out")
    different = len(np.unique(values))
    if _ID.search(name) and different == len(values) >= _MIN_ROWS:
        return _identifier(name, f"column '{name}' holds an id, {different} different whole numbers, and is left out")
    return ""


def hints(name: str, values: np.ndarray) -> list[str]:
    """Return notes on numbers that may tell nothing, or name things."""
    if not _is_whole(values):
        return []
    if len(values) >= _MIN_ROWS and _counts_up(values):
        text = f"column '{name}' counts the rows; list it under data.ignore if it measures nothing"
        return [_identifier(name, text, "warning", f"data: {{ignore: [{name}]}}")]
    if values.min() > _FIRST_DATE and time_forms([f"{value:.0f}" for value in np.unique(values)]):
        text = f"column '{name}' is read as numbers and looks like dates, such as {values[0]:.0f}; write them as dates"
        return [Note(text, "date_column", evidence=[{"column": name, "value": float(values[0])}])]
    if _ID.search(name):
        text = f"column '{name}' is read as numbers; list it under data.categorical if it names things"
        return [_identifier(name, text, "warning", f"data: {{ignore: [{name}]}}")]
    return []


def _identifier(name: str, text: str, severity: Severity = "note", remedy: str = "") -> Note:
    return Note(text, "identifier_column", severity=severity, evidence=[{"column": name}], remedy=remedy)


def _is_whole(values: np.ndarray) -> bool:
    return bool(len(values)) and not np.isnan(values).any() and bool((values == np.floor(values)).all())


def _counts_up(values: np.ndarray) -> bool:
    """Return whether values count the rows, from 0 or 1."""
    return len(values) > 2 and values[0] in (0, 1) and bool((np.diff(values) == 1).all())


def names_splits(name: str, present: Sequence[str]) -> bool:
    """Return whether a column says which split each row belongs to."""
    return _SPLIT_COLUMN.search(name) is not None and len(present) > 1 and all(map(split_of_text, present))


def split_note(name: str, counts: Counter[str]) -> str:
    """Return the note on a column of splits, which is left out."""
    return (
        f"column '{name}' names splits, {spellings(counts)}, and is left out; data.split_column: {name} splits "
        "the rows by it"
    )
