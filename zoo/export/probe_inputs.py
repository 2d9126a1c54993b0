"""Examples that are generated, on which the file of a published network is compared with its Keras model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from zoo.data.dataset import Split, whole
from zoo.data.inputs import ImageInputs, TextInputs

if TYPE_CHECKING:
    from zoo.data.tokenizer import Tokenizer

_SIZES = ((1.0, 1.0), (1.37, 1.0), (0.71, 1.9), (0.5, 0.4), (2.1, 1.3), (1.0, 0.13), (3.0, 2.9), (0.05, 0.05))
_TEXTS = 48
_PHRASES = ("", "café naïve", "東京 2020", "👩‍🔬 works", "x" * 300, "A sentence, with marks; and (more)!")


def probe_images(size: int) -> Split:
    """Return images of waves and noise of several shapes, smaller and larger than `size`; all random from one seed."""
    rng = np.random.default_rng(0)
    shapes = [(max(1, round(size * high)), max(1, round(size * wide))) for high, wide in _SIZES]
    images = []
    for height, width in shapes:
        rows, columns = np.mgrid[0:height, 0:width]
        waves = [np.sin(rows * a + columns * b + c) for a, b, c in rng.uniform(0.01, 0.3, (3, 3))]
        noise = rng.normal(0, 0.3, (height, width, 3))
        images.append(np.clip(127.5 + 80 * (np.stack(waves, axis=-1) + noise), 0, 255).astype(np.uint8))
    inputs = ImageInputs(len(images), images.__getitem__, "generated", np.array(shapes))
    return whole(inputs, np.zeros(len(images), np.int32))


def probe_texts(tokenizer: Tokenizer, *, longest: int | None = None, count: int = _TEXTS) -> Split:
    """Return texts of the vocabulary's pieces, from one to more than the network sees, and some unusual ones.

    Args:
        tokenizer: of the network, which may cut texts.
        longest: the most tokens of a text, where the tokenizer does not cut it; longer texts are left out.
        count: of the texts of pieces.
    """
    rng = np.random.default_rng(0)
    pieces = [piece for piece in tokenizer.symbols if not piece.startswith(("[", "<"))]
    lengths = np.unique(np.geomspace(1, longest or 1.2 * (tokenizer.length or 128), count).astype(int))
    texts = [*_PHRASES, *(" ".join(rng.choice(pieces, length)) for length in lengths)]
    if longest is not None:
        texts = [text for text in texts if len(tokenizer.tokens(text)) <= longest]
    every = np.array(texts, dtype=object)
    return whole(TextInputs(every), np.zeros(len(every), np.int32))
