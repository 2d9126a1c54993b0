"""`digit_strips`: rows of real digits, to be read from left to right without knowing where each one is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from zoo.data.builtin.definition import Definition
from zoo.data.builtin.glyphs import Glyphs, png, split_glyphs

HEIGHT = 16  # pixels
WIDTH = 96  # pixels
MAX_DIGITS = 8  # in a strip
_GLYPH_SIZE = 8  # pixels, high and wide
_MAX_EXTRA_GAP = 3  # columns between two digits, beyond the one that is always there
_MAX_DRIFT = 2  # rows that a digit is above or below the line


def digit_strips() -> Definition:
    """Define strips with one to eight digits, and what they read."""
    import tensorflow_datasets as tfds

    def splits() -> dict[str, Iterator[dict[str, Any]]]:
        glyphs = split_glyphs()
        return {
            "train": _strips(8_000, [2006, 0], glyphs["train"]),
            "test": _strips(1_000, [2006, 1], glyphs["test"]),
        }

    return Definition(
        description=(
            f"Grey strips {WIDTH}×{HEIGHT} with 1 to {MAX_DIGITS} of scikit-learn's digits (Alpaydin & Kaynak 1998) "
            "side by side, for transcription without alignment (connectionist temporal classification, Graves et al. "
            "2006, https://doi.org/10.1145/1143844.1143891): gaps, heights, brightness, background and noise vary. "
            f"Two digits begin at least {_GLYPH_SIZE + 1} columns apart. The digits of the test are other images than "
            "those of training."
        ),
        features={"image": tfds.features.Image(shape=(HEIGHT, WIDTH, 1)), "label": tfds.features.Text()},
        splits=splits,
        keys=("image", "label"),
    )


def _strips(count: int, seed: list[int], glyphs: Glyphs) -> Iterator[dict[str, Any]]:
    generator = np.random.default_rng(seed)
    for _ in range(count):
        images, labels = glyphs.draw(generator, int(generator.integers(1, MAX_DIGITS + 1)))
        yield {"image": png(_strip(generator, images)), "label": "".join(map(str, labels))}


def _strip(generator: np.random.Generator, images: np.ndarray) -> np.ndarray:
    """Draw the digits side by side: uint8 `(height, width)`."""
    digits = len(images)
    gaps = 1 + generator.integers(0, _MAX_EXTRA_GAP + 1, digits - 1)
    lefts = np.concatenate([[0], np.cumsum(_GLYPH_SIZE + gaps)])
    lefts += generator.integers(0, WIDTH - lefts[-1] - _GLYPH_SIZE + 1)
    line = generator.integers(_MAX_DRIFT, HEIGHT - _GLYPH_SIZE - _MAX_DRIFT + 1)
    tops = line + generator.integers(-_MAX_DRIFT, _MAX_DRIFT + 1, digits)
    background, contrast = generator.integers(0, 61), generator.integers(90, 181)
    brightness = contrast * (0.8 + 0.2 * generator.random(digits))
    canvas = np.full((HEIGHT, WIDTH), float(background))
    for image, left, top, strength in zip(images, lefts, tops, brightness, strict=True):
        canvas[top : top + _GLYPH_SIZE, left : left + _GLYPH_SIZE] += image * (strength / 255)
    canvas += generator.integers(-14, 15, canvas.shape)
    return np.rint(np.clip(canvas, 0, 255)).astype(np.uint8)
