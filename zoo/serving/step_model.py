"""A model as a function of its next steps: `step.onnx`, and `encoder.onnx` where there is a source, beside a file.

Their weights are in the exported file, which they name as external data with place and length.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from zoo.errors import ZooError
from zoo.serving.onnx_file import CHECKSUM_KEY, scan
from zoo.utils.cache_entry import CacheEntry
from zoo.utils.execution import ON_CPU, Execution
from zoo.utils.files import read_regular
from zoo.utils.onnx_session import open_session, run_session

STEP, ENCODER = "step.onnx", "encoder.onnx"
STEPS_KEY = "zoo.steps"  # metadata of both files
LENGTH = "length"  # input: steps in the cache
MIN_CAPACITY = 16  # steps that a cache has room for at first
_MIN_THREADED_BYTES = 64 << 20  # of weights: the operations of a step of less are too short for several threads
_HOW_TO_SKIP = "remove it, and texts are made without a cache; or export again"


@dataclass(frozen=True, kw_only=True)
class StepModel:
    """The open files.

    Attributes:
        step: the session of a step.
        encoder: the session of the encoder; None where there is no source.
        entries: the cache.
        has_length: the step takes the number of steps in the cache.
        path: the step's file, for messages.
    """

    step: Any
    encoder: Any
    entries: tuple[CacheEntry, ...]
    has_length: bool
    path: Path

    def encode(self, source: np.ndarray) -> dict[str, np.ndarray]:
        """Return what the encoder gives for sources, `(batch, length)`, by the name of the entry."""
        if self.encoder is None:
            return {}
        names = [entry.name for entry in self.entries if entry.encoded]
        return run_session(self.encoder, names, {"source": source}, self.path.with_name(ENCODER))


def open_steps(path: Path, execution: Execution = ON_CPU, *, verify: bool = True) -> StepModel | None:
    """Open the step beside an exported file; None where there is none of this file.

    Args:
        path: the exported file.
        execution: providers and threads.
        verify: compare the files with the checksums in the step's metadata; without it, a step whose weights have
            changed is left alone.

    Raises:
        ZooError: a file is damaged, or is not of this export.
    """
    own = path.with_name(STEP)
    if not (own.is_file() and path.is_file()):
        return None
    facts = _read_facts(own)
    if facts["weights"] != path.name:
        return None  # that of another file in this folder, such as the one that this was quantized from
    if hashlib.sha256(read_regular(path)).hexdigest() != facts["weights_sha256"]:
        if not verify:
            return None
        raise ZooError(f"{own}: reads its weights from {path.name}, which has changed since; {_HOW_TO_SKIP}")
    encoder = None
    if facts["encoder_sha256"] is not None:
        beside = path.with_name(ENCODER)
        if not beside.is_file() or hashlib.sha256(read_regular(beside)).hexdigest() != facts["encoder_sha256"]:
            raise ZooError(f"{own}: belongs to another {ENCODER} than is beside it; {_HOW_TO_SKIP}")
        encoder = open_session(beside, beside, execution)
    if execution.threads is None and path.stat().st_size < _MIN_THREADED_BYTES:
        execution = replace(execution, threads=1)
    return StepModel(
        step=open_session(own, own, execution),
        encoder=encoder,
        entries=tuple(map(CacheEntry.from_json, facts["entries"])),
        has_length=facts["has_length"],
        path=own,
    )


def _read_facts(path: Path) -> dict[str, Any]:
    file = scan(read_regular(path), path)
    if file.metadata.get(CHECKSUM_KEY) != file.sha256:
        raise ZooError(f"{path}: not as it was exported: its content and '{CHECKSUM_KEY}' differ; {_HOW_TO_SKIP}")
    try:
        facts: dict[str, Any] = json.loads(file.metadata[STEPS_KEY])
    except (KeyError, ValueError) as error:
        raise ZooError(f"{path}: lacks the metadata '{STEPS_KEY}'; {_HOW_TO_SKIP}") from error
    return facts


class StepCache:
    """What a step model keeps of some sequences.

    Args:
        model: the step model.
        rows: number of sequences.
        capacity: steps that there is room for; it doubles where more come.
        encoded: what the encoder gave, by the name of the entry.

    Attributes:
        lengths: steps of each sequence that were read.
    """

    def __init__(
        self, model: StepModel, rows: int, *, capacity: int = MIN_CAPACITY, encoded: dict[str, np.ndarray] | None = None
    ) -> None:
        self._model, self._capacity = model, max(1, capacity)
        self._outputs = ["logits", *(entry.new for entry in model.entries if not entry.constant)]
        self.lengths = np.zeros(rows, np.int32)
        given = encoded or {}
        self._values = {
            entry.name: given[entry.name] if entry.encoded else self._blank(entry, rows) for entry in model.entries
        }

    def read(self, tokens: np.ndarray, rows: np.ndarray | None = None) -> np.ndarray:
        """Read the next tokens of some sequences, and return the logits after each, `(rows, steps, vocabulary)`.

        Args:
            tokens: `(rows, steps)`, without padding.
            rows: the sequences; all, in their order, by default.
        """
        lengths = self.lengths if rows is None else self.lengths[rows]
        steps, longest = tokens.shape[1], int(lengths.max(initial=0))
        self._reserve(longest + steps)
        values = self._values
        if rows is not None:
            values = {name: value[rows] for name, value in values.items()}
        feeds = {entry.past: values[entry.name] for entry in self._model.entries}
        feeds["tokens"] = np.ascontiguousarray(tokens, np.int32)
        if self._model.has_length:
            feeds[LENGTH] = lengths
        found = run_session(self._model.step, self._outputs, feeds, self._model.path)
        same = longest if rows is None and int(lengths.min(initial=longest)) == longest else None
        for entry in self._model.entries:
            if not entry.constant:
                self._write(entry, found[entry.new], rows, lengths if same is None else same)
        if rows is None:
            self.lengths = lengths + np.int32(steps)
        else:
            self.lengths[rows] += np.int32(steps)
        return found["logits"]

    def take(self, rows: np.ndarray) -> None:
        """Keep these sequences, in this order; one may come several times."""
        if len(rows) == len(self.lengths) and (rows == np.arange(len(rows))).all():
            return
        self._values = {name: value[rows] for name, value in self._values.items()}
        self.lengths = self.lengths[rows]

    def clear(self, rows: np.ndarray) -> None:
        """Forget what was read of some sequences."""
        self.lengths[rows] = 0
        for entry in self._model.entries:
            if not entry.constant and entry.axis is None:
                self._values[entry.name][rows] = 0

    def _write(self, entry: CacheEntry, new: np.ndarray, rows: np.ndarray | None, lengths: np.ndarray | int) -> None:
        """Keep new values: of all rows, that hold `lengths` steps each or all as many, or of some."""
        if entry.axis is None:
            if rows is None:
                self._values[entry.name] = new
            else:
                self._values[entry.name][rows] = new
            return
        value, steps = self._values[entry.name], new.shape[entry.axis]
        if isinstance(lengths, int):
            value[_steps(entry.axis, lengths, steps)] = new
            return
        for i, row in enumerate(range(len(new)) if rows is None else rows):
            value[(row, *_steps(entry.axis, lengths[i], steps)[1:])] = new[i]

    def _reserve(self, steps: int) -> None:
        if steps <= self._capacity or not self._model.has_length:
            return
        while self._capacity < steps:
            self._capacity *= 2
        for entry in self._model.entries:
            if entry.axis is not None:
                before = self._values[entry.name]
                value = self._blank(entry, len(before))
                value[_steps(entry.axis, 0, before.shape[entry.axis])] = before
                self._values[entry.name] = value

    def _blank(self, entry: CacheEntry, rows: int) -> np.ndarray:
        return np.zeros((rows, *(self._capacity if n is None else n for n in entry.shape)), entry.dtype)


def _steps(axis: int, start: int, count: int) -> tuple[slice, ...]:
    """Return the index of some steps on an axis."""
    return (*[slice(None)] * axis, slice(start, start + count))
