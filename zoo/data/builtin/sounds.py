"""`sounds`: short generated sounds, which differ in how pitch and loudness change over time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from zoo.data.builtin.definition import Definition

RATE = 8_000  # samples a second
SAMPLES = 8_000  # of a clip
EXAMPLES = {"train": 800, "test": 400}  # each class as often as another
NOISE = (-24.0, -3.0)  # decibels of the noise's power, against that of the sound


def sounds() -> Definition:
    """Define the sounds."""
    import tensorflow_datasets as tfds

    def splits() -> dict[str, Iterator[dict[str, Any]]]:
        return {name: _examples(seed, count) for seed, (name, count) in enumerate(EXAMPLES.items())}

    return Definition(
        description=(
            "Generated sounds in noise, a second each: a steady tone, a rising and a falling chirp, a tone with "
            "vibrato, one with tremolo, a siren of two pitches, clicks, and bursts of noise. Pitch (200 to 1,800 Hz), "
            "harmonics, loudness, speed, begin and length are drawn at random, and so is the noise, 24 to 3 dB below "
            "the sound. Rising and falling chirps have the same energy in each band over the whole clip: what tells "
            "them apart is the order. Guessing one class is right for 1 of 8."
        ),
        features={
            "audio": tfds.features.Audio(shape=(SAMPLES,), dtype=np.int16, sample_rate=RATE),
            "label": tfds.features.ClassLabel(names=list(_SOUNDS)),
        },
        splits=splits,
        keys=("audio", "label"),
    )


def _examples(seed: int, count: int) -> Iterator[dict[str, Any]]:
    generator = np.random.default_rng([2024, seed])
    names = list(_SOUNDS)
    for i in range(count):
        label = names[i % len(names)]
        yield {"audio": _clip(generator, label), "label": label}


def _clip(generator: np.random.Generator, label: str) -> np.ndarray:
    """Return one sound in noise, int16 `(SAMPLES,)`."""
    length = int(generator.uniform(0.5, 0.9) * SAMPLES)
    start = int(generator.integers(0, SAMPLES - length + 1))
    sound = np.zeros(SAMPLES)
    fade = np.minimum(1.0, np.minimum(np.arange(length), np.arange(length)[::-1]) / (0.01 * RATE))
    sound[start : start + length] = _SOUNDS[label](generator, length) * fade
    power = np.square(sound).sum() / length
    noise = np.sqrt(power * 10 ** (generator.uniform(*NOISE) / 10)) * generator.normal(size=SAMPLES)
    mixed = sound + noise
    loudness = 10 ** (generator.uniform(-30, -3) / 20)
    return np.round(32_767 * loudness * mixed / np.abs(mixed).max()).astype(np.int16)


def _pitch(generator: np.random.Generator) -> float:
    return float(200 * 9 ** generator.random())


def _speed(generator: np.random.Generator) -> float:
    return float(generator.uniform(4, 9))  # changes a second


def _swing(generator: np.random.Generator, length: int, speed: float) -> np.ndarray:
    """Return a sine of a random phase with so many periods a second."""
    return np.sin(2 * np.pi * (speed * np.arange(length) / RATE + generator.random()))


def _tone(generator: np.random.Generator, hertz: np.ndarray) -> np.ndarray:
    """Return a tone with one to three harmonics whose pitch changes over time."""
    phase = 2 * np.pi * (np.cumsum(hertz) / RATE + generator.random())
    weights = np.sort(generator.uniform(0.2, 1, int(generator.integers(1, 4))))[::-1]
    audible = [(i + 1) * hertz < RATE / 2 for i in range(len(weights))]
    return np.sum([w * np.sin((i + 1) * phase) * audible[i] for i, w in enumerate(weights)], axis=0)


def _steady(generator: np.random.Generator, length: int) -> np.ndarray:
    return _tone(generator, np.full(length, _pitch(generator)))


def _rising(generator: np.random.Generator, length: int) -> np.ndarray:
    low = _pitch(generator) / 1.5
    return _tone(generator, low * generator.uniform(1.5, 2.5) ** np.linspace(0, 1, length))


def _falling(generator: np.random.Generator, length: int) -> np.ndarray:
    return _rising(generator, length)[::-1]


def _vibrato(generator: np.random.Generator, length: int) -> np.ndarray:
    swing = _swing(generator, length, _speed(generator))
    return _tone(generator, _pitch(generator) * generator.uniform(1.08, 1.2) ** swing)


def _tremolo(generator: np.random.Generator, length: int) -> np.ndarray:
    swing = _swing(generator, length, _speed(generator))
    return _steady(generator, length) * (1 + generator.uniform(0.5, 0.95) * swing)


def _siren(generator: np.random.Generator, length: int) -> np.ndarray:
    high = _swing(generator, length, _speed(generator) / 2) > 0
    return _tone(generator, _pitch(generator) * np.where(high, generator.uniform(1.2, 1.6), 1.0))


def _clicks(generator: np.random.Generator, length: int) -> np.ndarray:
    since = np.arange(length) % int(RATE / generator.uniform(5, 20))  # samples since the last click
    return np.exp(-since / (0.002 * RATE)) * np.cos(2 * np.pi * _pitch(generator) * since / RATE)


def _bursts(generator: np.random.Generator, length: int) -> np.ndarray:
    swing = _swing(generator, length, _speed(generator))
    return generator.normal(size=length) * (swing > generator.uniform(-0.3, 0.3))


_SOUNDS: dict[str, Callable[[np.random.Generator, int], np.ndarray]] = {
    "tone": _steady,
    "rising": _rising,
    "falling": _falling,
    "vibrato": _vibrato,
    "tremolo": _tremolo,
    "siren": _siren,
    "clicks": _clicks,
    "bursts": _bursts,
}
