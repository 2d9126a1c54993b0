"""Corruptions of texts."""

from __future__ import annotations

import re
import string
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from zoo.evaluation.robustness.corruption import Corruption, Generators, Training

_One = Callable[[str, float, np.random.Generator], str]
_WORDS = re.compile(r"\S+")


def _each(change: _One, raw: Any, strength: float, generators: Generators, training: Training) -> Any:
    """Change each text of an array of `str`."""
    texts = [change(text, strength, generator) for text, generator in zip(raw, generators, strict=True)]
    return np.array(texts, dtype=object) if np.asarray(raw).dtype == object else np.array(texts)


def typos(text: str, strength: float, generator: np.random.Generator) -> str:
    """Mistype this fraction of the characters: swapped with the next, left out, doubled, or another letter."""
    drawn = generator.random((len(text), 2))
    letters = generator.integers(0, len(string.ascii_lowercase), len(text))
    found: list[str] = []
    swapped: str = ""
    for i, character in enumerate(text):
        if swapped:
            found.append(swapped)
            swapped = ""
            continue
        kind = int(4 * drawn[i, 1]) if drawn[i, 0] < strength else -1
        if kind == 0 and i + 1 < len(text):
            found.append(text[i + 1])
            swapped = character
        elif kind in (-1, 0):
            found.append(character)
        elif kind == 2:
            found.append(2 * character)
        elif kind == 3:
            found.append(string.ascii_lowercase[letters[i]])
    return "".join(found)


def dropped_words(text: str, strength: float, generator: np.random.Generator) -> str:
    """Leave out this fraction of the words, but never all of them."""
    words = text.split()
    if not words:
        return text
    drawn = generator.random(len(words))
    kept = [word for word, chance in zip(words, drawn, strict=True) if chance >= strength]
    return " ".join(kept or [words[int(drawn.argmax())]])


def upper_case(text: str, strength: float, generator: np.random.Generator) -> str:
    """Write this fraction of the words in capitals."""
    drawn = iter(generator.random(len(_WORDS.findall(text))))
    return _WORDS.sub(lambda found: found[0].upper() if next(drawn) < strength else found[0], text)


def _corruption(name: str, unit: str, strengths: tuple[float, ...], change: _One) -> Corruption:
    return Corruption(name=name, unit=unit, strengths=strengths, apply=partial(_each, change))


CORRUPTIONS = (
    _corruption("typos", "fraction of the characters", (0.02, 0.05, 0.1, 0.15, 0.2), typos),
    _corruption("dropped words", "fraction of the words", (0.1, 0.2, 0.3, 0.4, 0.5), dropped_words),
    _corruption("upper case", "fraction of the words", (0.2, 0.4, 0.6, 0.8, 1.0), upper_case),
)
