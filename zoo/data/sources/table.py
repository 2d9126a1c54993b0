"""`csv:PATH`, `parquet:PATH` and `jsonl:PATH`: a file or several; the recipe names the column to predict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from zoo.data.columns import Column, check_columns, not_texts, numbers, take_columns, wrong_rows
from zoo.data.cuts import find_cut
from zoo.data.dataset import InputKind, Signature, SourceData, Split
from zoo.data.inputs import Inputs, TableInputs, TextInputs
from zoo.data.kinds import KINDS, RawTargets
from zoo.data.notes import Note
from zoo.data.sources.audio_table import read_audio_rows
from zoo.data.sources.file_rows import FileRows
from zoo.data.sources.image_table import read_image_rows
from zoo.data.sources.long_form import load_long_form
from zoo.data.sources.scanned import load_scanned
from zoo.data.sources.series import load_series
from zoo.data.sources.table_targets import TableTargets, find_targets
from zoo.data.split_names import split_of_text
from zoo.data.tables.file import Table, refuse_nested
from zoo.data.tables.files import read_tables
from zoo.data.tables.free_text import text_column
from zoo.data.tables.infer import exact_moments, infer_columns
from zoo.data.tables.reading import Reading
from zoo.data.tables.texts import without_names
from zoo.data.tables.uninformative import names_splits, split_note
from zoo.errors import ZooError, counted
from zoo.recipe.image_column import columns_of
from zoo.tasks import Task

if TYPE_CHECKING:
    from zoo.recipe.data_section import Data

_MAX_SKIPPED_FRACTION = 0.5  # of the rows; a file with more faults is another file than the recipe says


def reading_of(data: Data) -> Reading:
    """Return how a recipe wants its table read."""
    return Reading(
        separator=data.separator,
        encoding=data.encoding,
        decimal=data.decimal,
        thousands=data.thousands,
        missing=tuple(data.missing),
        skip=data.on_error == "skip",
    )


def load_table(name: str, data: Data, task: Task) -> SourceData:
    """Load the rows of a file as examples or, for forecasting, as the steps of a series.

    Raises:
        ZooError: the file is not readable, lacks a column that the recipe names, or has a value of the wrong type.
    """
    form, target = data.source.partition(":")[0], "".join(data.targets[:1])
    return table_source(read_tables(name, reading_of(data), target, form=form), data, task)


def table_source(table: Table, data: Data, task: Task) -> SourceData:
    """Return the rows of a table as examples or, for forecasting, as the steps of a series; see `load_table`."""
    check_columns(table, data.targets, "data.target")
    check_columns(table, data.ignore, "data.ignore")
    has_steps = KINDS[task.kind].targets is None or task.scans_series or bool(data.series_columns)
    if has_steps and table.split is not None and table.places is not None and len(set(table.split)) > 1:
        raise ZooError(f"{table.where}: files are named as splits, and series are split by time; give one file")
    if task.scans_series:
        return load_scanned(table, data)
    if KINDS[task.kind].targets is None:
        return load_series(table, data)
    if data.series_columns:
        return load_long_form(table, data, task)
    return _load_rows(table, data, task)


def _load_rows(table: Table, data: Data, task: Task) -> SourceData:
    target, read_targets = ", ".join(data.targets), KINDS[task.kind].targets
    assert read_targets is not None
    check_columns(table, data.categorical, "data.categorical")
    check_columns(table, data.texts, "data.texts")
    apart = [name for name in (data.split_column, data.group, data.time) if name]
    for key in ("split_column", "group", "time"):
        check_columns(table, [name] if (name := getattr(data, key)) else [], f"data.{key}")
    inputs = [c for c in table.columns if c not in (*data.targets, *data.ignore, *apart)]
    columns, notes = _columns(table, data, inputs)
    goal, target_notes = find_targets(table, data, task)
    notes = [*table.notes, *notes, *target_notes]
    reader = _FILES.get(_file_key(data))
    table, skipped = _without_faults(table, columns if reader is None else [], goal)
    notes += skipped
    files = reader(table, data) if reader is not None else None
    if files is not None:
        table, notes = files.table, [*notes, *files.notes]
    parts = split_rows(table, data.split_column)
    values = goal.values(table, notes)
    labels, targets = read_targets(
        RawTargets(
            values={split: values[rows] for split, rows in parts.items()},
            where=f"{table.where}: column{'s' * (len(goal.columns) > 1)} '{target}'",
            names=tuple(column.name for column in goal.columns) if len(goal.columns) > 1 else (),
            rows={split: [table.row(int(row)) for row in rows] for split, rows in parts.items()},
        )
    )
    kind, shape, examples = _examples(table, columns, data, files)
    signature = Signature(
        kind,
        target,
        shape,
        columns=tuple(columns),
        labels=labels,
        targets=tuple(data.targets) if targets["train"].ndim == 2 and not labels else (),
        reading=table.reading,
        double=targets["train"].dtype == np.float64,
        sample_rate=files.sample_rate if files is not None else 0,
    )
    splits = {split: Split(examples, rows, targets[split]) for split, rows in parts.items()}
    if data.split_column:
        notes.append(f"split by column '{data.split_column}': {', '.join(f'{len(r)} {n}' for n, r in parts.items())}")
    others = [name for name in table.columns if name not in (*data.targets, *(column.name for column in columns))]
    return SourceData(
        signature=signature, splits=splits, notes=notes, cut=find_cut(table, data), table=table.select(others)
    )


def _columns(table: Table, data: Data, others: list[str]) -> tuple[list[Column], list[str]]:
    """Return the columns that are inputs, and notes on them and on those that are none."""
    key = _file_key(data)
    if key:
        pattern = str(getattr(data, key))
        (name,) = columns_of(pattern)
        check_columns(table, [name], f"data.{key}")
        return [Column(pattern, "text")], unused_columns(table, name, others, key)
    return _text(table, data.text, others) if data.text else _inputs(table, data, others)


_FILES: dict[str, Callable[[Table, Data], FileRows]] = {"image": read_image_rows, "audio": read_audio_rows}


def _file_key(data: Data) -> str:
    """Return the key that names a column of files, "" where the recipe names none."""
    return next((key for key in _FILES if getattr(data, key)), "")


def _examples(
    table: Table, columns: list[Column], data: Data, files: FileRows | None
) -> tuple[InputKind, tuple[int | None, ...], Inputs]:
    """Return what the examples are, their shape, and the examples."""
    if files is not None:
        return files.kind, files.shape, files.inputs
    taken = take_columns(table, columns)
    return ("text", (), TextInputs(taken[data.text])) if data.text else ("table", (), TableInputs(taken))


def _inputs(table: Table, data: Data, names: list[str]) -> tuple[list[Column], list[str]]:
    """Return the columns that are inputs, and notes on them and on those that are left out.

    Raises:
        ZooError: none is left.
    """
    refuse_nested(table, names)
    found, notes = infer_columns(table, names, data.categorical, data.texts)
    columns = [exact_moments(table, column) for column in found]
    columns, left_out = without_names(table, columns, data.categorical)
    notes += left_out
    if not columns:
        detail = f" ({'; '.join(left_out or notes)})" if names and notes else ""
        texts = "; to learn from a column of texts, take sequence_classification and data.text" if left_out else ""
        raise ZooError(
            f"{table.where}: no input column is left beside the target '{', '.join(data.targets)}'{detail}{texts}"
        )
    return columns, notes


def _text(table: Table, name: str, others: list[str]) -> tuple[list[Column], list[str]]:
    """Return the column of texts, and notes on it and on the columns that are no inputs beside it."""
    check_columns(table, [name], "data.text")
    column, notes = text_column(table, name)
    return [column], notes + unused_columns(table, name, others)


def unused_columns(table: Table, name: str, others: list[str], key: str = "text") -> list[str]:
    """Return notes on the columns that are no inputs beside the one that `data.KEY` names."""
    others = [other for other in others if other != name]
    notes = [f"no inputs, as data.{key} names '{name}': {counted(map(repr, others), 'columns')}"] if others else []
    for other in others:
        texts = [text for text in table.columns[other] if isinstance(text, str) and text]
        if names_splits(other, list(dict.fromkeys(texts))):
            notes.append(split_note(other, Counter(texts)))
    return notes


def _without_faults(table: Table, columns: list[Column], target: TableTargets) -> tuple[Table, list[str]]:
    """Leave out the rows with a fault, where the recipe says so."""
    faults: dict[str, np.ndarray] = {}
    if table.reading.skip:
        for column in columns:
            if column.type == "number":
                faults[column.name] = wrong_rows(table, column, numbers(table, column))
            if column.type == "text":
                faults[column.name] = not_texts(table, column)
        faults |= target.faults(table)
    bad = np.unique(np.concatenate([np.empty(0, int), *faults.values()])).astype(int)
    if not len(bad):
        return table, []
    per_column = ", ".join(f"'{name}' ({len(rows)})" for name, rows in faults.items() if len(rows))
    what = f"{len(bad)} of {len(table)} rows cannot be read, because of column {per_column}: {table.rows(bad)}"
    if len(bad) > _MAX_SKIPPED_FRACTION * len(table):
        raise ZooError(f"{table.where}: {what}; too many to leave out")
    kept = table.take(np.setdiff1d(np.arange(len(table)), bad))
    evidence = [{"row": table.row(int(row))} for row in bad]
    note = Note(f"{what}; they are left out", "mixed_types", severity="warning", affected=len(bad), evidence=evidence)
    return kept, [note]


def split_rows(table: Table, column: str | None) -> dict[str, np.ndarray]:
    """Return the rows of each split that the table names; all rows train where it names none.

    Raises:
        ZooError: a row names no split, or none trains.
    """
    if table.split is not None:
        if column is not None:
            raise ZooError(f"{table.where}: data.split_column: the names of the files say which split a row is in")
        return {name: np.flatnonzero(table.split == name) for name in dict.fromkeys(table.split)}
    if column is None:
        return {"train": np.arange(len(table))}
    texts = table.texts(column)
    splits = [split_of_text(text) for text in texts]
    unknown = np.flatnonzero([split is None for split in splits])
    if len(unknown):
        raise ZooError(
            f"{table.where}: data.split_column: {table.row(unknown[0])} of column '{column}' has "
            f"'{texts[unknown[0]]}', which names no split ({len(unknown)} such of {len(table)} rows); "
            "expected train, validation or test"
        )
    found = {name: np.flatnonzero([split == name for split in splits]) for name in ("train", "validation", "test")}
    if not len(found["train"]):
        raise ZooError(f"{table.where}: data.split_column: no row of column '{column}' says train")
    return {name: rows for name, rows in found.items() if len(rows)}
