from collections import Counter, defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import check_grad

from zoo.evaluation.baselines import ngrams
from zoo.evaluation.baselines.ngrams import NGrams, fit_ngrams, ngram_nll, run_ngrams, windows_in_text

TEXT = "the cat sat on the mat and the dog sat on the log while the rat ran at the bat " * 3
SYMBOLS = sorted(set(TEXT))
VOCABULARY = len(SYMBOLS) + 6  # two symbols never occur


def encode(text):
    return np.array([SYMBOLS.index(c) + 4 for c in text])


def windows(tokens, length=16):
    count = (len(tokens) - 1) // length
    return tokens[: count * length].reshape(count, length), tokens[1 : count * length + 1].reshape(count, length)


@pytest.fixture(scope="module")
def split():
    """Return the training text, and windows of a validation and a test text."""
    tokens = encode(TEXT)
    order = np.random.default_rng(0).permutation(len(tokens) // 12)
    tokens = np.concatenate([tokens[12 * i : 12 * i + 12] for i in order])
    return tokens[:150], windows(tokens[150:190]), windows(tokens[190:])


def dictionary_model(train, discounts, order, vocabulary):
    """Return interpolated Kneser-Ney as the formulas have it, as a function of context and token."""
    grams = [Counter(tuple(train[i : i + k]) for i in range(len(train) - k + 1)) for k in range(1, order + 1)]
    counts = []
    for k in range(order):
        if k == order - 1:
            counts.append(grams[k])
        else:
            before = defaultdict(set)
            for gram in grams[k + 1]:
                before[gram[1:]].add(gram[0])
            counts.append({gram: len(before[gram]) for gram in grams[k]})

    def probability(context, token, k=order - 1):
        if k < 0:
            return 1 / (vocabulary - 1)
        history = tuple(context[len(context) - k :])
        following = {gram[-1]: c for gram, c in counts[k].items() if gram[:-1] == history and c}
        lower = probability(context, token, k - 1)
        if not following:
            return lower
        total = sum(following.values())
        taken = [0.0, *discounts[k]]
        left = following.get(token, 0) - taken[min(following.get(token, 0), 3)]
        return left / total + sum(taken[min(c, 3)] for c in following.values()) / total * lower

    return probability


@pytest.mark.parametrize("order", [1, 2, 3, 5])
def test_against_the_formulas(split, order):
    train, validation, test = split
    model, converged = fit_ngrams(train, windows_in_text(*validation), vocabulary=VOCABULARY, order=order)
    assert converged
    expected = dictionary_model(list(train), model.discounts, order, VOCABULARY)
    contexts, targets = windows_in_text(*test, order=order)
    nll, best = model.score(contexts, targets)
    by_hand = [expected(list(context), token) for context, token in zip(contexts, targets, strict=True)]
    np.testing.assert_allclose(np.exp(-nll), by_hand, rtol=1e-9)
    p = model.probabilities(contexts)
    np.testing.assert_allclose(p[np.arange(len(p)), targets], by_hand, rtol=1e-9)
    np.testing.assert_array_equal(best, p.argmax(1) == targets)


@settings(max_examples=40)
@given(st.lists(st.integers(1, 5), min_size=1, max_size=40), st.integers(1, 5), st.integers(0, 100))
def test_probabilities_sum_to_one_after_any_context(train, order, seed):
    generator = np.random.default_rng(seed)
    contexts = generator.integers(0, 8, (20, order - 1))
    discounts = generator.random((order, 3)) * [1, 2, 3]
    model = NGrams(8, ngrams._count(np.array(train), 8, order), discounts)
    p = model.probabilities(contexts)
    np.testing.assert_allclose(p.sum(1), 1)
    assert (p[:, 0] == 0).all() and (p[:, 1:] > -1e-12).all()


def test_gradient(split):
    train, validation, _ = split
    levels = ngrams._count(train, VOCABULARY, 3)
    terms = [ngrams._terms(*level) for level in ngrams._counts(levels, *_last(validation, 2), VOCABULARY)]

    def value(flat):
        return ngrams._loss_and_gradient(terms, flat.reshape(3, 3), VOCABULARY)[0]

    def gradient(flat):
        return ngrams._loss_and_gradient(terms, flat.reshape(3, 3), VOCABULARY)[1]

    assert check_grad(value, gradient, np.tile([0.4, 0.9, 1.7], 3)) < 1e-6


def _last(windowed, width):
    contexts, targets = windows_in_text(*windowed)
    return contexts[:, -width:], targets


def test_fitted_discounts_beat_others_and_context_helps(split):
    train, validation, test = split
    model, _ = fit_ngrams(train, windows_in_text(*validation), vocabulary=VOCABULARY)
    contexts, targets = windows_in_text(*validation)
    best = model.score(contexts, targets)[0].mean()
    for shift in (0.5, 1.5):
        other = NGrams(VOCABULARY, model.levels, np.clip(model.discounts * shift, 1e-3, [1, 2, 3]))
        assert other.score(contexts, targets)[0].mean() >= best
    nll = [ngram_nll(train, validation, test, vocabulary=VOCABULARY, order=order).mean() for order in (1, 5)]
    assert nll[1] < 0.7 * nll[0] < np.log(VOCABULARY)


def test_context_across_windows():
    tokens = np.arange(1, 14)
    x, y = windows(tokens, length=4)
    contexts, targets = windows_in_text(x, y)
    assert targets.tolist() == list(range(2, 14))
    assert contexts[0].tolist() == [0, 0, 0, 1] and contexts[4].tolist() == [2, 3, 4, 5]
    alone, _ = windows_in_text(x, y, across=False)
    assert alone[4].tolist() == [0, 0, 0, 5] and alone[7].tolist() == contexts[7].tolist() == [5, 6, 7, 8]
    shuffled, _ = windows_in_text(x[::-1], y[::-1])
    assert shuffled[4].tolist() == [0, 0, 0, 5]


def test_padding_does_not_count(split):
    train, validation, (x, y) = split
    outputs, _ = run_ngrams(train, {"v": validation, "t": (x, y)}, "v", vocabulary=VOCABULARY)
    shorter = y.copy()
    shorter[-1, -5:] = 0
    found, _ = run_ngrams(train, {"v": validation, "t": (x, shorter)}, "v", vocabulary=VOCABULARY)
    assert (found["t"][-1, -5:] == 0).all()
    np.testing.assert_array_equal(found["t"][shorter != 0], outputs["t"][shorter != 0])
    assert outputs["t"].dtype == np.float32 and outputs["t"].shape == (*y.shape, 2)


def test_a_text_shorter_than_the_order(split):
    nll = ngram_nll(np.array([5, 6]), split[1], split[2], vocabulary=VOCABULARY)
    assert np.isfinite(nll).all() and nll.mean() < 2 * np.log(VOCABULARY)
