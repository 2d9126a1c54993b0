"""A table in long form: a row a step, and columns that tell the sequences apart; one target in each sequence."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from zoo.data.columns import as_label, check_columns, numbers
from zoo.data.dataset import SourceData
from zoo.data.kinds import KINDS
from zoo.data.sources.long_rows import in_time, order_keys, value_rows
from zoo.data.sources.sequences import Sequences, sequence_source
from zoo.data.tables.file import Table
from zoo.data.tables.infer import infer_columns, infer_number
from zoo.data.tables.panel import series_rows
from zoo.data.tables.time_order import TimeColumn, best_form, find_time
from zoo.errors import ZooError, first_few
from zoo.tasks import Task

if TYPE_CHECKING:
    from zoo.recipe.data_section import Data


def load_long_form(table: Table, data: Data, task: Task) -> SourceData:
    """Load the rows of each sequence, in the order of their time where a column has it.

    Raises:
        ZooError: a sequence has several targets or none, its rows are not in order, or a value is missing.
    """
    target = data.targets[0]
    rows = series_rows(table, data.series_columns)
    others = [c for c in table.columns if c not in (target, *data.series_columns, *data.ignore)]
    if data.time is not None:
        check_columns(table, [data.time], "data.time")
    time, order = _order(table, data, others)
    others = [name for name in others if name != time.name]
    columns, notes = infer_columns(table, others)
    left_out = [column.name for column in columns if column.type != "number"]
    columns = [replace(column, double=False) for column in columns if column.type == "number"]
    notes = [note for note in notes if not any(f"'{name}'" in note for name in left_out)]
    if left_out:
        notes.append(f"left out, as they hold text: {first_few(list(map(repr, left_out)))}")
    if not columns:
        raise ZooError(f"{table.where}: no column of numbers is left beside '{target}' and what tells sequences apart")
    rows = {name: in_time(table, name, places, order, sort=data.sort) for name, places in rows.items()}
    values = value_rows(table, columns)
    sequences = Sequences(
        values=[values[places] for places in rows.values()],
        targets=_targets(table, target, rows, task),
        names=[f"sequence '{name}'" for name in rows],
    )
    source = sequence_source({"train": sequences}, target, task, table.where)
    signature = replace(
        source.signature, columns=tuple(columns), series=data.series_columns, time=time, reading=table.reading
    )
    what = f"{len(rows):,} sequences by {' and '.join(map(repr, data.series_columns))}"
    what += f", in the order of column '{time.name}'" if time.name else ", in the order of the rows"
    return replace(source, signature=signature, notes=[*table.notes, *notes, what, *source.notes])


def _order(table: Table, data: Data, others: list[str]) -> tuple[TimeColumn, np.ndarray | None]:
    """Return the column of time, and what rows are ordered by: moments, or numbers such as those of steps."""
    found = find_time(table, others, None) if data.time is None else None
    if data.time is None and found is None:
        if data.sort:
            raise ZooError(f"{table.where}: data.sort: no column reads as time; name it under data.time")
        return TimeColumn(), None
    name = data.time or (found[0] if found else "")
    column, _ = infer_number(table, name)
    form = ""
    if column.type == "category" or column.form == "time":
        form = best_form(table, *(found or find_time(table, [name], name) or (name, [])))
    time = TimeColumn(name=name, form=form, sort=data.sort)
    return time, order_keys(table, time)


def _targets(table: Table, target: str, rows: dict[str, np.ndarray], task: Task) -> np.ndarray:
    """Return the one target of each sequence.

    Raises:
        ZooError: a sequence has several; all are counted.
    """
    texts = table.texts(target)
    several = [
        f"'{name}' ({first_few(list(dict.fromkeys(texts[places].tolist())))})"
        for name, places in rows.items()
        if len(set(texts[places].tolist())) > 1
    ]
    if several:
        raise ZooError(
            f"{table.where}: data.target: column '{target}' has to have one value in each sequence, and "
            f"{len(several)} of {len(rows)} have several: {first_few(several)}"
        )
    firsts = np.array([places[0] for places in rows.values()])
    if KINDS[task.kind].column == "category":
        missing = table.reading.missing
        labels = [None if not text or text in missing else as_label(text) for text in texts[firsts]]
        return np.array(labels, object)
    column, _ = infer_number(table, target)
    if column.type == "category":
        raise ZooError(f"{table.where}: data.target: column '{target}' holds text, and this task predicts numbers")
    return numbers(table, column)[firsts].astype(object)
