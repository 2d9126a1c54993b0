"""Several tables as one, whose rows know which table, and which split, they come from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from zoo.data.memory.value_types import families
from zoo.data.tables.file import Table
from zoo.errors import ZooError, first_few


def join_tables(
    tables: Sequence[Table], places: Sequence[str], *, splits: Sequence[str] | None = None, where: str | None = None
) -> Table:
    """Return tables as one that knows the place of each row.

    Args:
        tables: with the same columns, in any order.
        places: what messages call each.
        splits: the split of each; None where the recipe decides.
        where: what messages call the whole; the first table where it is left out.

    Raises:
        ZooError: a table lacks a column, has another one, or holds values of another type in it; all are listed.
    """
    first, *others = tables
    _refuse_differences(first, others)
    sizes = list(map(len, tables))
    lines = [table.lines for table in tables]
    return Table(
        where or first.where,
        {name: _concatenated([table.columns[name] for table in tables]) for name in first.columns},
        None if any(each is None for each in lines) else np.concatenate([each for each in lines if each is not None]),
        reading=first.reading,
        notes=_notes(tables),
        typed=first.typed,
        split=None if splits is None else np.repeat(np.array(splits, object), sizes),
        places=np.repeat(np.array(places, object), sizes),
        numbers=np.concatenate([np.arange(1, size + 1) for size in sizes]),
    )


def _refuse_differences(first: Table, others: Sequence[Table]) -> None:
    faults: list[str] = []
    for table in others:
        faults += [f"{table.where} lacks the column '{name}'" for name in first.columns if name not in table.columns]
        faults += [
            f"{table.where} has the column '{name}', which {first.where} lacks"
            for name in table.columns
            if name not in first.columns
        ]
        for name in (name for name in first.columns if name in table.columns):
            here, there = (" and ".join(sorted(families(t.columns[name]))) for t in (first, table))
            if here and there and here != there:
                faults.append(f"column '{name}' holds {here} in {first.where}, and {there} in {table.where}")
    if faults:
        count = f" ({len(faults)} differences)" if len(faults) > 1 else ""
        raise ZooError(f"{first_few(faults)}{count}")


def _notes(tables: Sequence[Table]) -> list[str]:
    """Return the notes on all tables: once where they are on all, else with the table."""
    found = [note for note in tables[0].notes if all(note in table.notes for table in tables)]
    for table in tables:
        found += [f"{table.where}: {note}" for note in table.notes if note not in found]
    return found


def _concatenated(parts: list[np.ndarray]) -> np.ndarray:
    kinds = {part.dtype.kind for part in parts}
    if len(kinds) == 1 or kinds <= set("iuf"):
        return np.concatenate(parts)
    return np.concatenate([part.astype(object) for part in parts])
