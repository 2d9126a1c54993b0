"""Real digits for the drawn sets, split before anything is drawn: test digits never occur in training."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np

from zoo.data.builtin.measured import digit_images

_TEST_FRACTION = 0.2


@dataclass(frozen=True)
class Glyphs:
    """Images of digits.

    Attributes:
        images: uint8 `(glyphs, 8, 8)`, ink 255 on 0.
        labels: the digit each shows, `(glyphs,)`.
    """

    images: np.ndarray
    labels: np.ndarray

    def draw(self, generator: np.random.Generator, count: int) -> tuple[np.ndarray, list[int]]:
        """Return some glyphs, drawn with replacement, and their labels."""
        chosen = generator.integers(0, len(self.labels), count)
        return self.images[chosen], self.labels[chosen].tolist()


def split_glyphs() -> dict[str, Glyphs]:
    """Return scikit-learn's 1,797 digits in two splits: 1,438 for training, 359 for the test."""
    images, labels = digit_images()
    order = np.argsort(np.random.default_rng(1998).random(len(labels)), kind="stable")
    held_out = int(_TEST_FRACTION * len(labels))
    parts = {"train": order[held_out:], "test": order[:held_out]}
    return {split: Glyphs(images[rows], labels[rows]) for split, rows in parts.items()}


def png(image: np.ndarray) -> io.BytesIO:
    """Return a grey image, uint8 `(height, width)`, as a PNG file, several times faster than TFDS encodes it."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG", compress_level=1)
    file.seek(0)
    return file
