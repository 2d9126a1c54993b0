"""Examples with targets of several values each: boxes, masks, tags, or graphs, as a program holds them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from zoo.data.memory.frames import as_pandas
from zoo.data.memory.given import PLACES, MemoryData, Pair, is_frame, is_pair, type_of
from zoo.errors import ZooError
from zoo.recipe.data_section import Data
from zoo.tasks import Task


def raw_pairs(given: MemoryData, data: Data, task: Task, wanted: str) -> dict[str, Pair]:
    """Return examples and targets of each split, as they are.

    Args:
        given: `(x, y)`, or a frame with a column of each.
        data: the recipe's section; `input` or `text` names the column of the examples, `target` that of the targets.
        task: the recipe's task.
        wanted: what `(x, y)` holds, for messages.

    Raises:
        ZooError: a split is neither, or has another number of targets than of examples.
    """
    return {split: _pair(value, PLACES[split], data, task, wanted) for split, value in given.splits.items()}


def _pair(value: Any, where: str, data: Data, task: Task, wanted: str) -> Pair:
    if is_frame(value):
        return _columns(value, where, data, task)
    if not is_pair(value):
        raise ZooError(f"{where}: expected {wanted}, or a frame with a column of each, received {type_of(value)}")
    x, y = value
    sizes = [len(each) if hasattr(each, "__len__") else None for each in (x, y)]
    if None in sizes or sizes[0] != sizes[1]:
        counts = [f"{name} {'no' if size is None else size}" for name, size in zip("xy", sizes, strict=True)]
        raise ZooError(f"{where}: expected {wanted}, with one of each for an example; lengths: {', '.join(counts)}")
    if not sizes[0]:
        raise ZooError(f"{where}: holds no examples")
    return Pair(x=x, y=y, where=where)


def _columns(value: Any, where: str, data: Data, task: Task) -> Pair:
    """Return the columns of a frame that hold examples and targets."""
    frame = as_pandas(value, where)
    frame = frame.set_axis([str(name) for name in frame.columns], axis=1)
    listed = ", ".join(frame.columns)
    target = data.one_target
    if target not in frame.columns:
        received = "is missing" if target is None else f"names no column: '{target}'"
        raise ZooError(f"{where}: target= {received} (columns: {listed})")
    others = [name for name in frame.columns if name != target and name not in data.ignore]
    name = data.input or data.text or (others[0] if len(others) == 1 else None)
    if name not in frame.columns:
        key = "data.text" if "text" in task.inputs else "data.input"
        raise ZooError(f"{where}: {task.name} takes one column as input; name it under {key} (columns: {listed})")
    return Pair(x=list(frame[name]), y=list(frame[target]), where=where)


def value_of(example: Any, *names: str) -> Any:
    """Return the value that a dict has under the first of these keys, or an object as such an attribute; else None."""
    for name in names:
        found = example.get(name) if isinstance(example, Mapping) else getattr(example, name, None)
        if found is not None:
            return found
    return None


def as_array(value: Any) -> np.ndarray:
    """Return a list, an array or a tensor as an array; one of objects where it has no such form."""
    try:
        return np.asarray(value.numpy() if hasattr(value, "numpy") else value)
    except (TypeError, ValueError):
        return np.asarray(None, dtype=object)
