"""Tokens that are hidden: how many, how, and that the same seed hides the same."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.backend.startup import start_keras
from zoo.data.augmentation.masking import HIDDEN, PREDICTED_FRACTION, hide_characters, hide_tokens
from zoo.data.tokenizer import fit_tokenizer
from zoo.tasks import PADDING, UNKNOWN

start_keras()
VOCABULARY = 30


def hidden(tokens, seed=(0, 0)):
    import tensorflow as tf

    shown, targets = hide_tokens(tf.constant(tokens), VOCABULARY, tf.constant(seed, tf.int64))
    return shown.numpy(), targets.numpy()


@pytest.fixture(scope="module")
def tokens():
    found = np.random.default_rng(0).integers(4, VOCABULARY, (400, 100)).astype(np.int32)
    found[:, 90:] = PADDING
    return found


def test_fractions_of_the_paper(tokens):
    shown, targets = hidden(tokens)
    chosen, real = targets != PADDING, tokens != PADDING
    assert shown.dtype == targets.dtype == np.int32
    np.testing.assert_array_equal(targets[chosen], tokens[chosen])
    np.testing.assert_array_equal(shown[~chosen], tokens[~chosen])
    assert not chosen[~real].any()
    count = chosen.sum()
    assert count / real.sum() == pytest.approx(PREDICTED_FRACTION, abs=0.01)
    gone, same = (shown == UNKNOWN)[chosen].mean(), (shown == tokens)[chosen].mean()
    others = 26 / 27 * 0.1  # of those shown as another, some are drawn as what they were
    assert gone == pytest.approx(0.8, abs=0.02) and same == pytest.approx(1 - 0.8 - others, abs=0.02)
    assert shown.max() < VOCABULARY and (shown[real] != PADDING).all()


def test_a_function_of_the_seed(tokens):
    first, again, other = hidden(tokens), hidden(tokens), hidden(tokens, (0, 1))
    np.testing.assert_array_equal(first, again)
    assert (first[1] != other[1]).any()


@given(st.lists(st.text("abcde ", min_size=1, max_size=40), min_size=1, max_size=8), st.integers(0, 1000))
def test_texts(texts, seed):
    tokenizer = fit_tokenizer(["abcde "], level="character")
    tokens = tokenizer.encode(texts)
    found, targets = hide_characters(texts, tokens, seed)
    seen = tokenizer.encode(found)
    assert seen.shape == tokens.shape
    np.testing.assert_array_equal(np.where(targets != PADDING, targets, seen), tokens)
    np.testing.assert_array_equal(seen == UNKNOWN, targets != PADDING)
    assert all(HIDDEN in text for text in found)
    np.testing.assert_array_equal(hide_characters(texts, tokens, seed)[1], targets)
