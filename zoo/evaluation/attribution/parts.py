"""The parts of raw examples that can be shuffled among examples: columns, channels, and blocks of steps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from zoo.data.dataset import InputKind, Signature
from zoo.data.inputs import CHUNK_VALUES

MAX_COLUMNS = 60  # parts that columns, features or channels make; of more, neighbors are one part
MAX_BLOCKS = 12  # of steps

Mix = Callable[[Any, np.ndarray], None]  # changes a copy: takes it and the examples that its part is taken from


@dataclass(frozen=True, kw_only=True)
class Part:
    """One part of raw examples.

    Attributes:
        name: for people.
        mix: takes raw examples, a copy of them, and for each the example that the part is taken from; changes the copy.
    """

    name: str
    mix: Callable[[Any, Any, np.ndarray], None]


@dataclass(frozen=True, kw_only=True)
class HeldInputs:
    """Raw examples in memory: an array, or a dict of arrays by name."""

    raw: Any

    def __len__(self) -> int:
        return len(next(iter(self.raw.values())) if isinstance(self.raw, dict) else self.raw)

    def take(self, indices: np.ndarray) -> Any:
        """Return the raw examples at `indices`."""
        if isinstance(self.raw, dict):
            return {name: values[indices] for name, values in self.raw.items()}
        return self.raw[indices]

    def digest(self) -> str:
        """Raise an error: these examples are of no source."""
        raise NotImplementedError

    def chunk_size(self, limit: int) -> int:
        """Return how many examples to take at a time."""
        size = 1 if isinstance(self.raw, dict) else max(1, self.raw[:1].size)
        return min(limit, max(1, CHUNK_VALUES // size))


def mixed(raw: Any, parts: list[Part], rows: np.ndarray) -> Any:
    """Return raw examples each of whose parts is taken from the examples `rows`, integers `(examples, parts)`."""
    if isinstance(raw, dict):
        found: Any = {name: np.array(values) for name, values in raw.items()}
    else:
        found = np.array(raw)
    own = np.arange(len(rows))
    for part, taken in zip(parts, rows.T, strict=True):
        if not np.array_equal(taken, own):
            part.mix(raw, found, taken)
    return found


def parts_of(signature: Signature, raw: Any) -> list[Part]:
    """Return the parts of such examples; empty where there are none that can be told apart in all of them."""
    make = _BY_INPUT.get(signature.kind)
    return [] if make is None else make(signature, raw)


def _columns(signature: Signature, raw: Any) -> list[Part]:
    names = [column.name for column in signature.columns]
    return [_of_columns(names, group) for group in _groups(len(names), MAX_COLUMNS)]


def _of_columns(names: list[str], group: np.ndarray) -> Part:
    own = [names[i] for i in group]

    def mix(raw: Any, found: Any, rows: np.ndarray) -> None:
        for name in own:
            found[name] = raw[name][rows]

    return Part(name=_range(own), mix=mix)


def _array(signature: Signature, raw: Any) -> list[Part]:
    """Return features of vectors, or channels and blocks of steps; none of sequences of several lengths."""
    if raw.ndim == 2:
        names = [f"feature {i + 1}" for i in range(raw.shape[1])]
        return [_of_array((slice(None), group), names, group) for group in _groups(len(names), MAX_COLUMNS)]
    if np.isnan(raw).any():
        return []
    return _channels_and_steps(signature, raw, "")


def _series(signature: Signature, raw: Any) -> list[Part]:
    parts = _channels_and_steps(signature, raw["array"], "array")
    others = [name for name in raw if name != "array"]
    return parts + [_of_columns(others, np.array([i])) for i in range(len(others))]


def _channels_and_steps(signature: Signature, values: np.ndarray, key: str) -> list[Part]:
    steps, channels = values.shape[1:]
    known = [column.name for column in signature.columns]
    names = known if len(known) == channels else [f"channel {i + 1}" for i in range(channels)]
    first = -steps if signature.horizon else 1  # of a forecast, steps count back from where it begins
    parts = []
    if channels > 1:
        groups = _groups(channels, MAX_COLUMNS)
        parts = [_of_array((slice(None), slice(None), group), names, group, key) for group in groups]
    numbers = [f"step {first + i}" for i in range(steps)]
    return parts + [_of_array((slice(None), group), numbers, group, key) for group in _groups(steps, MAX_BLOCKS)]


def _of_array(place: tuple[Any, ...], names: list[str], group: np.ndarray, key: str = "") -> Part:
    def mix(raw: Any, found: Any, rows: np.ndarray) -> None:
        source, target = (raw[key], found[key]) if key else (raw, found)
        target[place] = source[rows][place]

    return Part(name=_range([names[i] for i in group]), mix=mix)


def _groups(count: int, most: int) -> list[np.ndarray]:
    return np.array_split(np.arange(count), min(count, most))


def _range(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}"


_BY_INPUT: dict[InputKind, Callable[[Signature, Any], list[Part]]] = {
    "table": _columns,
    "array": _array,
    "series": _series,
}
