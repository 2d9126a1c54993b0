"""Sequences of numbers, one an example, of one length or padded to the longest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zoo.data.dataset import Signature, SourceData, Split
from zoo.data.inputs import ArrayInputs
from zoo.data.kinds import KINDS, RawTargets
from zoo.data.sources.padded import padded
from zoo.errors import ZooError, first_few
from zoo.tasks import Task

_LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True, kw_only=True)
class Sequences:
    """Sequences with what is to be predicted of each.

    Attributes:
        values: of each, `(steps, channels)`.
        targets: of each, as a source gives them.
        names: of each, for messages.
    """

    values: list[np.ndarray]
    targets: np.ndarray
    names: list[str]


def sequence_source(parts: dict[str, Sequences], target: str, task: Task, where: str) -> SourceData:
    """Return sequences as examples.

    Args:
        parts: the sequences of each split.
        target: name of what is predicted.
        task: its task.
        where: the source, for messages.

    Raises:
        ZooError: a value is missing or too large, or a target does not fit the task.
    """
    faults = [
        f"{name} (step {int(np.flatnonzero(~_finite(values).all(axis=1))[0]) + 1})"
        for part in parts.values()
        for name, values in zip(part.names, part.values, strict=True)
        if not _finite(values).all()
    ]
    if faults:
        count = sum(len(part.values) for part in parts.values())
        raise ZooError(
            f"{where}: {len(faults)} of {count} sequences lack a value, or have one that is no finite number of 32 "
            f"bits: {first_few(faults)}; fill them in, or leave such sequences out"
        )
    read_targets = KINDS[task.kind].targets
    assert read_targets is not None, "no task on sequences forecasts"
    labels, targets = read_targets(
        RawTargets(
            values={split: part.targets for split, part in parts.items()},
            where=f"{where}: '{target}'",
            rows={split: part.names for split, part in parts.items()},
        )
    )
    lengths = sorted({len(values) for part in parts.values() for values in part.values})
    channels = next(iter(parts.values())).values[0].shape[1]
    notes, open_steps = [], lengths[0] < lengths[-1]
    if open_steps:
        notes.append(
            f"sequences have {lengths[0]:,} to {lengths[-1]:,} steps: shorter ones are padded, and padding is masked"
        )
    everything = [values for part in parts.values() for values in part.values]
    inputs = ArrayInputs(padded(everything, lengths[-1]))
    splits, start = {}, 0
    for split, part in parts.items():
        splits[split] = Split(inputs, np.arange(start, start + len(part.values)), targets[split])
        start += len(part.values)
    shape = (None if open_steps else lengths[-1], channels)
    double = targets["train"].dtype == np.float64
    signature = Signature("array", target, shape, labels=labels)
    if double:
        raise ZooError(f"{where}: '{target}': float32 would merge different values of the target; subtract an offset")
    return SourceData(signature=signature, splits=splits, notes=notes)


def _finite(values: np.ndarray) -> np.ndarray:
    return np.abs(values) <= _LARGEST
