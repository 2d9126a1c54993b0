"""Several labels an example: from columns of 0 and 1, or from cells that list them, to one number a label."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from zoo.data.columns import as_label
from zoo.data.tables.file import is_gap
from zoo.data.tables.reading import tidy
from zoo.errors import ZooError, counted, first_few, listing, visible

SEPARATORS = (";", "|", ",")  # between the labels of a cell, that are tried
_YES, _NO = ("1", "true", "yes"), ("0", "false", "no")
_LISTS = (list, tuple, set, np.ndarray)

Row = Callable[[int], str]  # what messages call an example


def sets_of_columns(columns: Mapping[str, Sequence[object] | np.ndarray]) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Return the labels of each example from columns that say of one label each whether an example has it.

    Args:
        columns: name of the label to 1, true or yes; or 0, false or no, in any case.

    Returns:
        A tuple of labels for each example, and the positions at which a column holds something else, by its name.
    """
    names, marks, faults = list(columns), [], {}
    for name, values in columns.items():
        texts = [_text(value) for value in values]
        marks.append([text in _YES for text in texts])
        wrong = [i for i, text in enumerate(texts) if text not in (*_YES, *_NO)]
        if wrong:
            faults[name] = np.array(wrong)
    return _sets([[n for n, mark in zip(names, row, strict=True) if mark] for row in zip(*marks, strict=True)]), faults


def wrong_marks(columns: Mapping[str, Sequence[object] | np.ndarray], faults: Mapping[str, Any], row: Row) -> str:
    """Return what is wrong with columns of 0 and 1: how many rows of each, and the first of them."""
    found = []
    for name, positions in faults.items():
        values = columns[name]
        first = first_few([f"{row(int(i))} has {_shown(values[int(i)])}" for i in positions])
        found.append(f"column '{name}': {len(positions)} of {len(values)} rows hold no 0 or 1: {first}")
    return "; ".join(found)


def sets_of_cells(
    values: Sequence[object] | np.ndarray, where: str, separator: str | None = None, row: Row = str
) -> tuple[np.ndarray, list[str]]:
    """Return the labels of each example from cells that list them: lists, or texts with something between the labels.

    An empty or missing cell has no labels. A label that a cell repeats counts once.

    Args:
        values: a cell of each example.
        where: the source, for messages.
        separator: what stands between the labels; found out where it is left out.
        row: what messages call an example.

    Returns:
        A tuple of labels for each example, and notes.

    Raises:
        ZooError: several separators would do, or a cell has an empty label.
    """
    notes = []
    texts = [value for value in values if isinstance(value, str)]
    if separator is None and texts:
        separator = _find_separator(texts, where)
        if separator is not None:
            notes.append(f"labels are separated by '{separator}'")
    lists = [_labels(value, separator) for value in values]
    empty = [i for i, labels in enumerate(lists) if "" in labels]
    if empty:
        first = first_few([f"{row(i)} has {_shown(values[i])}" for i in empty])
        raise ZooError(f"{where}: {len(empty)} of {len(values)} rows have an empty label in their list: {first}")
    without, repeated = sum(not labels for labels in lists), sum(len(set(ls)) < len(ls) for ls in lists)
    if without:
        notes.append(f"{without} of {len(values)} examples have no label")
    if repeated:
        notes.append(f"{repeated} of {len(values)} examples name a label twice, which counts once")
    return _sets(lists), notes


def label_names(sets: np.ndarray, where: str) -> tuple[str, ...]:
    """Return the labels that occur, sorted.

    Raises:
        ZooError: there are fewer than two.
    """
    names = sorted({label for labels in sets for label in labels})
    if len(names) < 2:
        raise ZooError(
            f"{where}: several labels an example need at least two labels, found {listing(names) or 'none'}; to tell "
            "two classes apart take a task with one class an example"
        )
    return tuple(names)


def multi_hot(sets: np.ndarray, labels: Sequence[str], where: str, rows: Sequence[str] | None = None) -> np.ndarray:
    """Return 1 where an example has a label, uint8 `(examples, labels)`.

    Raises:
        ZooError: an example has a label that the training split lacks.
    """
    index = {name: i for i, name in enumerate(labels)}
    marks = np.zeros((len(sets), len(labels)), np.uint8)
    unknown: Counter[str] = Counter()
    first = ""
    for place, names in enumerate(sets):
        for name in names:
            if name in index:
                marks[place, index[name]] = 1
            else:
                first = first or (f"row {place + 1}" if rows is None else rows[place])
                unknown[name] += 1
    if unknown:
        named = [f"'{visible(name)}' ({count})" for name, count in unknown.most_common()]
        raise ZooError(
            f"{where}: {counted(named, 'labels that no training example has')}; the first is in {first} (labels of the "
            f"training split: {listing(labels)})"
        )
    return marks


def _labels(value: object, separator: str | None) -> list[str]:
    if isinstance(value, _LISTS):
        return [tidy(as_label(label)) if not is_gap(label) else "" for label in value]
    if is_gap(value) or not (text := tidy(as_label(value))):
        return []
    return [tidy(part) for part in text.split(separator)] if separator is not None else [text]


def _find_separator(texts: Sequence[str], where: str) -> str | None:
    """Return what stands between labels; None where no text has any of what is tried."""
    counts = {mark: sum(mark in text for text in texts) for mark in SEPARATORS}
    found = [mark for mark, count in counts.items() if count]
    if len(found) > 1:
        named = " and ".join(f"'{mark}' (in {counts[mark]} of {len(texts)})" for mark in found)
        raise ZooError(f"{where}: the labels of a cell may be separated by {named}; name it: data.label_separator")
    return found[0] if found else None


def _sets(lists: Sequence[Sequence[str]]) -> np.ndarray:
    found = np.empty(len(lists), object)
    found[:] = [tuple(dict.fromkeys(labels)) for labels in lists]
    return found


def _text(value: object) -> str:
    plain = value.item() if isinstance(value, np.generic) else value
    return "" if is_gap(value) else as_label(plain).strip().casefold()


def _shown(value: object) -> str:
    return "nothing" if is_gap(value) or value == "" else f"{value!r:.40}"
