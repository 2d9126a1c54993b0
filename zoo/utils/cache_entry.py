"""What a model that reads a sequence step by step keeps from one step to the next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class CacheEntry:
    """A tensor that a layer keeps.

    Attributes:
        name: of the layer and its part; the step takes it as `past_<name>` and gives `new_<name>`.
        shape: of one sequence; None on the axis along which it grows, and where it has the length of a source.
        dtype: its type.
        axis: axis of `(batch, *shape)` to which the values of new steps are added; None for a state that is replaced.
        encoded: it starts as the encoder gives it; else with zeros.
        constant: no step changes it, and the step gives no new values.
    """

    name: str
    shape: tuple[int | None, ...]
    dtype: str = "float32"
    axis: int | None = None
    encoded: bool = False
    constant: bool = False

    @property
    def past(self) -> str:
        """Name of the step's input."""
        return f"past_{self.name}"

    @property
    def new(self) -> str:
        """Name of the step's output."""
        return f"new_{self.name}"

    def to_json(self) -> dict[str, Any]:
        """Return the entry as plain data."""
        return {**asdict(self), "shape": list(self.shape)}

    @classmethod
    def from_json(cls, facts: Mapping[str, Any]) -> CacheEntry:
        """Return the entry that `to_json` wrote."""
        return cls(**{**facts, "shape": tuple(facts["shape"])})
