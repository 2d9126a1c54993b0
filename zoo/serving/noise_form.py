"""The distribution of what a file takes that makes images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Noise:
    """What a file that makes images takes: independent normal numbers.

    Attributes:
        input: its name.
        mean: of each number; empty where all are 0.
        deviation: standard deviation of each number; empty where all are 1.
    """

    input: str = "noise"
    mean: tuple[float, ...] = ()
    deviation: tuple[float, ...] = ()


def noise_from_json(facts: Mapping[str, Any]) -> Noise:
    """Return the noise that a file describes.

    Raises:
        ValueError: it is another distribution, or of unequal lengths.
    """
    mean, deviation = (tuple(map(float, facts.get(key, ()))) for key in ("mean", "deviation"))
    if facts.get("distribution", "normal") != "normal" or len(mean) != len(deviation):
        raise ValueError("expected a normal distribution")
    return Noise(input=str(facts.get("input", "noise")), mean=mean, deviation=deviation)
