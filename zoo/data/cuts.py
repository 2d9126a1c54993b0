"""Cuts along a column of a table: the rows of a group stay in one split, or the latest rows are held out."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from zoo.data.dataset import Split
from zoo.data.splits import refuse_lost_classes
from zoo.data.tables.file import Table
from zoo.data.tables.time_order import OrderError, best_form, find_time, iso_text, moments
from zoo.errors import ZooError, counted

if TYPE_CHECKING:
    from zoo.recipe.data_section import Data


@dataclass(frozen=True, kw_only=True)
class Cut:
    """The column that cuts follow.

    Attributes:
        column: its name.
        values: of each example of the source: the group, as text, or the moment, datetime64.
    """

    column: str
    values: np.ndarray

    def hold_out(
        self, split: Split, fraction: float, name: str, *, seed: int, labels: Sequence[str] = ()
    ) -> tuple[Split, Split, str]:
        """Hold out about a fraction of the examples.

        Args:
            split: what to cut.
            fraction: of the examples to hold out, between 0 and 1. Groups, and examples of one moment, stay together.
            name: what they are held out for: "validation" or "test".
            seed: of the order in which groups are held out, which rows that are added do not change.
            labels: names of the classes, each of which has to be left in the rest.

        Returns:
            The rest, the held-out part, both in the order of `split`, and a note on the cut.

        Raises:
            ZooError: nothing is left on one of the sides, or the rest lacks a class.
        """
        values = self.values[split.indices]
        if values.dtype.kind == "M":
            out, how = _latest(values, fraction, self.column)
        else:
            out, how = _whole_groups(values, fraction, self.column, seed)
        if not out.any() or out.all():
            raise ZooError(
                f"data.{name}: {fraction:.0%} of {len(split)} examples cannot be held out along column "
                f"'{self.column}', which has {_distinct(values)}; change data.{name}, or give more data"
            )
        rest, held_out = split.part(np.flatnonzero(~out)), split.part(np.flatnonzero(out))
        refuse_lost_classes(rest, labels, name, f"along column '{self.column}'")
        return rest, held_out, f"held out for {name}, {out.mean():.1%} of the examples: {how}"


def find_cut(table: Table, data: Data) -> Cut | None:
    """Return how a recipe wants the rows of a table to be cut; None where they are drawn.

    Raises:
        ZooError: the column is not there, has gaps, or does not read as time.
    """
    if data.group is not None:
        return Cut(column=data.group, values=_groups(table, data.group))
    if data.time is not None:
        found = find_time(table, [data.time], data.time)
        assert found is not None, "a column that the recipe names is found or refused"
        try:
            return Cut(column=data.time, values=moments(table, data.time, best_form(table, *found)))
        except OrderError as error:
            raise ZooError(f"{error.fault}; fill it in, or take the rows out") from None
    return None


def _groups(table: Table, name: str) -> np.ndarray:
    texts = table.texts(name)
    missing = np.flatnonzero([not text or text in table.reading.missing for text in texts])
    if len(missing):
        raise ZooError(
            f"{table.where}: data.group: column '{name}' is empty in {table.rows(missing)} ({len(missing)} of "
            f"{len(table)} rows); fill it in, or take the rows out"
        )
    return texts


def _latest(times: np.ndarray, fraction: float, column: str) -> tuple[np.ndarray, str]:
    """Return which examples are from the moment on that leaves about `fraction` of them."""
    first = np.sort(times)[min(len(times) - 1, len(times) - round(len(times) * fraction))]
    return times >= first, f"those whose '{column}' is {iso_text(first)} or later"


def _whole_groups(groups: np.ndarray, fraction: float, column: str, seed: int) -> tuple[np.ndarray, str]:
    """Return which examples are of the first groups, in the order of their hashes, that are about `fraction` of all."""
    names, places, counts = np.unique(groups.astype(str), return_inverse=True, return_counts=True)
    order = np.array(sorted(range(len(names)), key=lambda i: _hash(seed, str(names[i]))))
    reached = np.cumsum(counts[order])
    taken = order[: int(np.abs(reached - fraction * len(groups)).argmin()) + 1]
    return np.isin(places, taken), f"{len(taken)} of {len(names)} groups of column '{column}', each whole"


def _hash(seed: int, name: str) -> bytes:
    return hashlib.sha256(f"{seed}:{name}".encode()).digest()


def _distinct(values: np.ndarray) -> str:
    return counted(np.unique(values.astype(str)).tolist(), "different values")
