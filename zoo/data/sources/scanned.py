"""Windows of series in which anomalies are sought: each stands for its last step."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from zoo.data.columns import as_label
from zoo.data.dataset import Signature, SourceData, Split
from zoo.data.inputs import ArrayInputs
from zoo.data.sources.series import ReadSeries, read_series
from zoo.data.sources.windows import SPLITS, OneSeries
from zoo.data.tables.file import Table
from zoo.data.targets import UNLABELED
from zoo.errors import ZooError, first_few

if TYPE_CHECKING:
    from zoo.recipe.data_section import Data


def load_scanned(table: Table, data: Data) -> SourceData:
    """Cut the series of a table into windows, split by the time of their last step.

    Training windows hold no abnormal step. Without a target all steps count as normal.

    Raises:
        ZooError: the series cannot be read, a step lacks a label, or a part has no window.
    """
    label = data.targets[0] if data.targets else None
    plain = data.model_copy(update={"target": None, "ignore": [*data.ignore, *data.targets]})
    read = read_series(table, plain)
    history = data.window.history if data.window is not None else 1
    labels = _labels(read.table, label)
    starts = np.cumsum([0, *(len(each.values) for each in read.parts)])
    last = dict(zip(SPLITS, _last_steps(read.parts, starts, data, history), strict=True))
    notes = _check_parts(read, last, history, table.where)
    abnormal = np.isin(labels, data.abnormal or [])
    before = np.cumsum(np.concatenate([[0], abnormal]))
    clean = before[last["train"] + 1] == before[last["train"] + 1 - history]
    if not clean.all():
        notes.append(
            f"{int((~clean).sum()):,} of {len(clean):,} training windows hold an abnormal step and are left out"
        )
        last["train"] = last["train"][clean]
    if not len(last["train"]):
        raise ZooError(f"{table.where}: every training window of {history} steps holds an abnormal step")
    if label is None:
        notes.append(f"no target: all {len(labels):,} steps count as normal, and no metric is defined")
    names = sorted(set(labels.tolist()))
    targets = np.searchsorted(names, labels).astype(np.int32)
    values = np.concatenate([each.values for each in read.parts])
    inputs = ArrayInputs(np.lib.stride_tricks.sliding_window_view(values, history, 0).transpose(0, 2, 1))
    splits = {name: Split(inputs, at + 1 - history, targets[at]) for name, at in last.items()}
    double = values.dtype == np.float64
    signature = Signature("array", label or "anomaly", (history, values.shape[1]), labels=tuple(names), double=double)
    return read.described(SourceData(signature=signature, splits=splits, notes=notes))


def _labels(table: Table, name: str | None) -> np.ndarray:
    """Return the label of each step, as text.

    Raises:
        ZooError: a step has none.
    """
    if name is None:
        return np.full(len(table), UNLABELED, object)
    texts = table.texts(name)
    lacking = np.flatnonzero([not text or text in table.reading.missing for text in texts])
    if len(lacking):
        raise ZooError(
            f"{table.where}: data.target: {len(lacking)} of {len(table)} steps have no '{name}': {table.rows(lacking)}"
            "; fill them in, or leave data.target out"
        )
    return np.array([as_label(text) for text in texts], object)


def _last_steps(parts: list[OneSeries], starts: np.ndarray, data: Data, history: int) -> list[np.ndarray]:
    """Return the last step of each window of the three parts of the time, in the series one behind the other."""
    count = max(each.begin + len(each.values) for each in parts)
    test_start = count - round(count * data.test)
    cuts = (0, test_start - round(count * data.validation), test_start, count)
    found = []
    for first, end in pairwise(cuts):
        each_series = [
            start + np.arange(max(first - each.begin, history - 1), min(end - each.begin, len(each.values)))
            for each, start in zip(parts, starts[:-1], strict=True)
        ]
        found.append(np.concatenate(each_series))
    return found


def _check_parts(read: ReadSeries, last: dict[str, np.ndarray], history: int, where: str) -> list[str]:
    """Refuse parts without a window, and return notes on the split and on series that are too short.

    Raises:
        ZooError: a part has none.
    """
    for name, steps in last.items():
        if not len(steps):
            raise ZooError(f"{where}: the {name} part has no window of {history} steps; shorten data.window")
    short = [f"'{each.name}'" for each in read.parts if len(each.values) < history]
    notes = [f"left out are {len(short)} series of fewer than {history} steps: {first_few(short)}"] if short else []
    sizes = ", ".join(f"{len(steps):,} {name}" for name, steps in last.items())
    return [*notes, f"split by time: {sizes}; a window stands for its last step"]
