"""One corruption of raw examples, and inputs that are corrupted when they are taken."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from zoo.data.dataset import Signature, Split
from zoo.data.inputs import Inputs

LEVELS = 5  # strengths of a corruption

Generators = Sequence[np.random.Generator]  # one for each example


@dataclass(frozen=True, kw_only=True)
class Training:
    """What corruptions know of the training split.

    Attributes:
        signature: what a raw example looks like.
        mean: of each channel of arrays, `(channels,)`; of a table, of each column of numbers.
        deviation: the standard deviation, likewise.
    """

    signature: Signature
    mean: Mapping[str, Any] = field(default_factory=dict)
    deviation: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Corruption:
    """One way in which raw examples get worse.

    Attributes:
        name: of the corruption.
        unit: what the strength counts, for people.
        strengths: from weak to strong.
        apply: takes raw examples as `Split.take` returns them, the strength, a generator for each example, and what is
            known of the training split; returns new examples of the same form.
        fits: takes what is known of the training split; whether the corruption applies to such examples.
    """

    name: str
    unit: str
    strengths: tuple[float, ...]
    apply: Callable[[Any, float, Generators, Training], Any]
    fits: Callable[[Training], bool] = lambda training: True


@dataclass(frozen=True, kw_only=True)
class CorruptedInputs:
    """Raw examples, corrupted when they are taken.

    The random numbers of an example depend on seed, corruption and example alone: a stronger corruption continues a
    weaker one, and model and baseline see the same examples.
    """

    inputs: Inputs
    corruption: Corruption
    strength: float
    training: Training
    seed: int

    def __len__(self) -> int:
        return len(self.inputs)

    def take(self, indices: np.ndarray) -> Any:
        """Return the corrupted examples at `indices`."""
        name = zlib.crc32(self.corruption.name.encode())
        generators = [np.random.default_rng((self.seed, name, int(index))) for index in indices]
        return self.corruption.apply(self.inputs.take(indices), self.strength, generators, self.training)

    def digest(self) -> str:
        """Return what the examples depend on."""
        return f"{self.inputs.digest()} {self.corruption.name} {self.strength} {self.seed}"

    def chunk_size(self, limit: int) -> int:
        """Return how many examples to take at a time."""
        return self.inputs.chunk_size(limit)


def corrupted(split: Split, corruption: Corruption, strength: float, training: Training, seed: int) -> Split:
    """Return a split of the same examples, corrupted."""
    inputs = CorruptedInputs(
        inputs=split.inputs, corruption=corruption, strength=strength, training=training, seed=seed
    )
    return Split(inputs, split.indices, split.targets)
