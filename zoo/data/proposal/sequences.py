"""A recipe for sequences of numbers: a `.ts` file or a pair of them, or a table in long form."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from zoo.data.columns import numbers
from zoo.data.proposal.proposal import Proposal
from zoo.data.proposal.sizes import add_sequence_model, add_validation
from zoo.data.sources.ts_file import split_paths
from zoo.data.sources.ts_text import read_ts
from zoo.data.tables.file import Table
from zoo.data.tables.infer import infer_number
from zoo.data.tables.panel import series_rows
from zoo.data.tables.times import named_as_time
from zoo.data.tables.uninformative import looks_like_id
from zoo.errors import ZooError, listing

_MIN_SEQUENCES = 10
_MIN_STEPS = 3  # on average
_STEPS = ("step", "t", "tick", "frame", "index", "position")  # usual names of columns that number the steps


def ts_proposal(path: Path, name: str) -> Proposal:
    """Return a recipe for a `.ts` file, a pair of them, or a folder that holds one pair.

    Raises:
        ZooError: a file cannot be read, or its cases have nothing to predict.
    """
    paths = split_paths(path)
    file = read_ts(paths["train"])
    if not file.labels:
        raise ZooError(
            f"{paths['train']}: its cases have no class and no number to predict (@classLabel, @targetLabel)"
        )
    task = "classification" if file.classes else "regression"
    what = (
        f"{len(set(file.labels))} classes: {listing(sorted(set(file.labels))[:5])}" if file.classes else "a number each"
    )
    proposal = Proposal(f"sequence_{task}", bases=(f"_base/series_{task}", "_base/adamw_cosine"))
    proposal.reason = f"{len(file.values):,} sequences of numbers with {what}"
    reason = f"splits: {listing(p.name for p in paths.values())}"
    proposal.add("data.source", f"ts:{name}", reason)
    if file.classes and "validation" not in paths:
        add_validation(proposal, len(file.values), len(set(file.labels)))
    add_sequence_model(proposal, [len(case) for case in file.values], own_test="test" in paths)
    return proposal


def long_form_proposal(
    table: Table, source: str, target: str, task_of: Callable[[Table, str], tuple[str, str, list[str]]]
) -> Proposal | None:
    """Return a recipe for a table in which the rows of an id are the steps of one sequence; None where they are not.

    Args:
        table: the rows.
        source: as the recipe names it.
        target: the column to predict, which has to be the same at all steps.
        task_of: tells whether it holds classes or numbers (`zoo.data.proposal.table`).
    """
    others = [name for name in table.columns if name != target]
    for name in (other for other in others if looks_like_id(other)):
        texts = table.texts(name)
        if (texts == "").any() or not _MIN_SEQUENCES <= len(set(texts)) <= len(texts) / _MIN_STEPS:
            continue
        rows = series_rows(table, [name])
        values = table.texts(target)
        if any(len(set(values[places])) > 1 for places in rows.values()) or len(set(values)) < 2:
            continue
        channels = [other for other in others if other != name and _changes(table, other, list(rows.values()))]
        time = next((c for c in channels if named_as_time(c) or c.casefold() in _STEPS), None)
        if not [channel for channel in channels if channel != time]:
            continue
        try:
            task, _, _ = task_of(table, target)
        except ZooError:
            return None
        proposal = Proposal(f"sequence_{task}", target=target, bases=(f"_base/series_{task}", "_base/adamw_cosine"))
        lengths = [len(places) for places in rows.values()]
        proposal.reason = f"'{target}' is the same in all rows of each of {len(rows):,} values of '{name}'"
        proposal.doubts.append(
            f"the rows of each '{name}' are taken as the steps of one sequence; to predict '{target}' from one row, "
            f"take tabular_{task} with data.group: {name}"
        )
        proposal.add("data.source", source, f"{len(table):,} steps of {len(rows):,} sequences")
        proposal.add("data.target", target)
        proposal.add("data.series", name, "tells the sequences apart")
        if time is not None:
            proposal.add("data.time", time, "the order of the steps")
            if not all(_rises(table, time, places) for places in rows.values()):
                proposal.add("data.sort", True, "rows are not in this order")
        add_sequence_model(proposal, lengths, own_test=False)
        return proposal
    return None


def _changes(table: Table, name: str, rows: list[np.ndarray]) -> bool:
    """Return whether a column holds numbers that change within sequences."""
    try:
        column, _ = infer_number(table, name)
    except ZooError:
        return False
    if column.type != "number":
        return False
    values = numbers(table, column)
    return sum(len(np.unique(values[places])) > 1 for places in rows) > len(rows) / 2


def _rises(table: Table, name: str, places: np.ndarray) -> bool:
    column, _ = infer_number(table, name)
    return bool((np.diff(numbers(table, column)[places]) > 0).all())
