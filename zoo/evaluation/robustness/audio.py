"""Corruptions of audio clips."""

from __future__ import annotations

from typing import Any

import numpy as np

from zoo.evaluation.robustness.corruption import Corruption, Generators, Training


def noise(raw: Any, strength: float, generators: Generators, training: Training) -> Any:
    """Add white noise at this ratio of the clip's power to the noise's, in decibels; silence stays silent."""
    power = np.square(raw, dtype=np.float64).mean(axis=1, keepdims=True)
    drawn = np.stack([generator.normal(size=raw.shape[1]) for generator in generators])
    return (raw + np.sqrt(power / 10 ** (strength / 10)) * drawn).astype(np.float32)


def quieter(raw: Any, strength: float, generators: Generators, training: Training) -> Any:
    """Lower the level by so many decibels."""
    return (raw / 10 ** (strength / 20)).astype(np.float32)


def clipping(raw: Any, strength: float, generators: Generators, training: Training) -> Any:
    """Raise the level by so many decibels above full scale, and cut what exceeds it."""
    peak = np.abs(raw).max(axis=1, keepdims=True)
    return np.clip(raw / np.where(peak > 0, peak, 1) * 10 ** (strength / 20), -1, 1).astype(np.float32)


def time_shift(raw: Any, strength: float, generators: Generators, training: Training) -> Any:
    """Begin this fraction of the clip later, or earlier, by chance; silence fills the gap."""
    found = np.zeros_like(raw)
    steps = round(strength * raw.shape[1])
    for clip, shifted, generator in zip(raw, found, generators, strict=True):
        if generator.random() < 0.5:
            shifted[steps:] = clip[: len(clip) - steps]
        else:
            shifted[: len(clip) - steps] = clip[steps:]
    return found


CORRUPTIONS = (
    Corruption(name="noise", unit="signal-to-noise ratio in dB", strengths=(30, 20, 10, 5, 0), apply=noise),
    Corruption(name="quieter", unit="dB", strengths=(3, 6, 12, 20, 30), apply=quieter),
    Corruption(name="clipping", unit="dB above full scale", strengths=(3, 6, 12, 18, 24), apply=clipping),
    Corruption(name="time shift", unit="fraction of the clip", strengths=(0.02, 0.05, 0.1, 0.2, 0.3), apply=time_shift),
)
