"""The definition of a built-in data set."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Splits = Mapping[str, Iterable[dict[str, Any]]]


@dataclass(frozen=True)
class Definition:
    """A built-in data set.

    Attributes:
        description: what it holds, how it is made, who described it first, and what a trivial answer scores.
        features: the TFDS features of an example.
        splits: makes the examples of every split, in the order of their keys.
        keys: the input and the target, as TFDS's `supervised_keys`; None where there are no targets.
        metadata: facts that a reader of the examples needs beside their features.
        variant: name of what the examples depend on beside the version; None for nothing.
    """

    description: str
    features: dict[str, Any]
    splits: Callable[[], Splits]
    keys: tuple[Any, Any] | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    variant: str | None = None
