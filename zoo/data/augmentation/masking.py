"""Hiding tokens of texts for a model to fill in (BERT: Devlin et al., 2018, arXiv:1810.04805, section 3.1).

A hidden token is the unknown one: in a text any symbol that the vocabulary lacks, written as U+FFFD.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.tasks import PADDING, UNKNOWN

if TYPE_CHECKING:
    import tensorflow as tf

HIDDEN = "\N{REPLACEMENT CHARACTER}"
SHARE = 0.15  # of the tokens that are to be filled in
SHOWN_AS_HIDDEN, SHOWN_AS_ANOTHER = 0.8, 0.1  # of these; the rest are shown as they are
_FIRST = 4  # id of the first symbol


def hide(tokens: tf.Tensor, vocabulary: int, seed: Any) -> tuple[tf.Tensor, tf.Tensor]:
    """Hide tokens of a batch, drawn anew for each seed.

    Args:
        tokens: ids `(batch, length)`, padded with 0.
        vocabulary: number of ids.
        seed: `(2,)`.

    Returns:
        What the model sees, and what it is to say: the tokens that were chosen, 0 elsewhere; both of the shape of
        `tokens`.
    """
    import tensorflow as tf

    fold = tf.random.experimental.stateless_fold_in
    shape = tf.shape(tokens)
    chosen = (tf.random.stateless_uniform(shape, fold(seed, 1)) < SHARE) & (tokens != PADDING)
    how = tf.random.stateless_uniform(shape, fold(seed, 2))
    another = tf.random.stateless_uniform(shape, fold(seed, 3), min(_FIRST, vocabulary - 1), vocabulary, tokens.dtype)
    shown = tf.where(how < SHOWN_AS_HIDDEN, tf.cast(UNKNOWN, tokens.dtype), another)
    shown = tf.where(how < SHOWN_AS_HIDDEN + SHOWN_AS_ANOTHER, shown, tokens)
    return tf.where(chosen, shown, tokens), tf.where(chosen, tokens, tf.cast(PADDING, tokens.dtype))


def hidden_texts(texts: Sequence[str] | np.ndarray, tokens: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Hide characters of texts once and for all, for figures that can be compared.

    Args:
        texts: `(examples,)`, one token a character.
        tokens: their ids, `(examples, length)`, padded with 0.
        seed: the same seed hides the same.

    Returns:
        The texts with `HIDDEN` in some places, and the targets: the tokens there, 0 elsewhere. A text of one character
        or more has at least one place.
    """
    draws = np.random.default_rng(seed).random(tokens.shape)
    draws[tokens == PADDING] = np.inf
    chosen = (draws < SHARE) | (draws == draws.min(axis=1, keepdims=True)) & np.isfinite(draws)
    hidden = [
        "".join(HIDDEN if gone else character for character, gone in zip(text, places, strict=False))
        for text, places in zip(texts, chosen, strict=True)
    ]
    return np.array(hidden, dtype=object), np.where(chosen, tokens, PADDING).astype(np.int32)
