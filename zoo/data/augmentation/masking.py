"""Hide tokens of texts for a model to predict (BERT: Devlin et al., 2018, arXiv:1810.04805, section 3.1).

A hidden token becomes the unknown one; in a text, U+FFFD, which no vocabulary has.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.tasks import END, PADDING, START, UNKNOWN

if TYPE_CHECKING:
    import tensorflow as tf

HIDDEN = "\N{REPLACEMENT CHARACTER}"
PREDICTED_FRACTION = 0.15  # of the tokens
HIDDEN_FRACTION = 0.8  # of the predicted tokens
REPLACED_FRACTION = 0.1  # of the predicted tokens, by another token; the rest stay as they are
_FIRST_SYMBOL = len((PADDING, UNKNOWN, START, END))  # id


def hide_tokens(tokens: tf.Tensor, vocabulary: int, seed: Any) -> tuple[tf.Tensor, tf.Tensor]:
    """Hide tokens of a batch; each seed draws others.

    Args:
        tokens: ids `(batch, length)`, padded with 0.
        vocabulary: number of ids.
        seed: `(2,)`.

    Returns:
        What the model sees, and what it predicts: the chosen tokens, 0 elsewhere. Both have the shape of `tokens`.
    """
    import tensorflow as tf

    fold = tf.random.experimental.stateless_fold_in
    shape = tf.shape(tokens)
    chosen = (tf.random.stateless_uniform(shape, fold(seed, 1)) < PREDICTED_FRACTION) & (tokens != PADDING)
    how = tf.random.stateless_uniform(shape, fold(seed, 2))
    another = tf.random.stateless_uniform(
        shape, fold(seed, 3), min(_FIRST_SYMBOL, vocabulary - 1), vocabulary, tokens.dtype
    )
    shown = tf.where(how < HIDDEN_FRACTION, tf.cast(UNKNOWN, tokens.dtype), another)
    shown = tf.where(how < HIDDEN_FRACTION + REPLACED_FRACTION, shown, tokens)
    return tf.where(chosen, shown, tokens), tf.where(chosen, tokens, tf.cast(PADDING, tokens.dtype))


def hide_characters(texts: Sequence[str] | np.ndarray, tokens: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Hide the same characters of texts each time, so that metrics can be compared.

    Args:
        texts: `(examples,)`, one token a character.
        tokens: their ids, `(examples, length)`, padded with 0.
        seed: the same seed hides the same.

    Returns:
        The texts with `HIDDEN` in some places, and the targets: the tokens there, 0 elsewhere. Every text that is not
        empty has at least one such place.
    """
    draws = np.random.default_rng(seed).random(tokens.shape)
    draws[tokens == PADDING] = np.inf
    chosen = (draws < PREDICTED_FRACTION) | (draws == draws.min(axis=1, keepdims=True)) & np.isfinite(draws)
    hidden = [
        "".join(HIDDEN if gone else character for character, gone in zip(text, places, strict=False))
        for text, places in zip(texts, chosen, strict=True)
    ]
    return np.array(hidden, dtype=object), np.where(chosen, tokens, PADDING).astype(np.int32)
