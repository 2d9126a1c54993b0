"""Decoding against exhaustive search, the formulas of the distributions, and the standard library."""

import itertools
from functools import cache

import numpy as np
import pytest

from zoo.errors import ZooError
from zoo.postprocessing.decoding import (
    END,
    PADDING,
    START,
    beam_search,
    collapse_ctc,
    ctc_greedy,
    greedy,
)
from zoo.postprocessing.sampling import next_token_probabilities, sample

VOCABULARY = 6  # padding, unknown, start, end and two symbols
ALLOWED = [1, END, 4, 5]


@cache
def logits_of(seed, row, tokens):
    """Return random logits that depend on the row and on every token before."""
    return 3 * np.random.default_rng([seed, row, *tokens]).normal(size=VOCABULARY)


def model(seed):
    def step(rows, tokens):
        assert tokens.dtype == np.int32
        assert (tokens[:, 0] == START).all()
        assert not np.isin(tokens[:, 1:], [PADDING, START, END]).any()
        return np.array([logits_of(seed, int(r), tuple(map(int, t))) for r, t in zip(rows, tokens, strict=True)])

    return step


def log_probability(seed, row, symbols):
    """Sum the logarithms of the probabilities of the symbols, among the tokens that may be chosen."""
    total, tokens = 0.0, (START,)
    for symbol in symbols:
        logits = logits_of(seed, row, tokens)
        total += logits[symbol] - np.log(np.exp(logits[ALLOWED]).sum())
        tokens += (symbol,)
    return total


def exhaustive(seed, row, most, length_penalty):
    """Return the best of all answers, without its end token."""
    symbols = [token for token in ALLOWED if token != END]
    answers = [(*a, END) for n in range(most) for a in itertools.product(symbols, repeat=n)]
    answers += itertools.product(symbols, repeat=most)
    best = max(answers, key=lambda a: log_probability(seed, row, a) / ((5 + len(a)) / 6) ** length_penalty)
    return [token for token in best if token != END]


def padded(answer, length):
    return answer + [PADDING] * (length - len(answer))


@pytest.mark.parametrize("length_penalty", [0.0, 0.6, 3.0])
@pytest.mark.parametrize("most", [1, 2, 4])
def test_a_beam_of_every_answer_is_exhaustive_search(most, length_penalty):
    for seed in range(5):
        found = beam_search(model(seed), 3, most=most, width=len(ALLOWED) ** most, length_penalty=length_penalty)
        assert found.dtype == np.int32
        assert found.tolist() == [padded(exhaustive(seed, row, most, length_penalty), most) for row in range(3)]


@pytest.mark.parametrize("seed", range(10))
def test_a_beam_of_one_is_greedy_search(seed):
    expected = greedy(model(seed), 7, most=6)
    for length_penalty in (0.0, 0.6, 2.0):
        found = beam_search(model(seed), 7, most=6, width=1, length_penalty=length_penalty)
        np.testing.assert_array_equal(found, expected)


def test_greedy_takes_the_most_probable_token():
    for seed in range(10):
        for row, answer in enumerate(greedy(model(seed), 4, most=5)):
            expected, tokens = [], (START,)
            while len(expected) < 5:
                logits = logits_of(seed, row, tokens)
                best = max(ALLOWED, key=lambda token: logits[token])
                if best == END:
                    break
                expected.append(best)
                tokens += (best,)
            assert answer.tolist() == padded(expected, 5)


def test_a_wider_beam_finds_better_answers_on_average():
    def score(width):
        answers = beam_search(model(0), 200, most=6, width=width, length_penalty=0.0)
        ended = [[t for t in a if t] + ([END] if not all(a) else []) for a in answers.tolist()]
        return np.mean([log_probability(0, row, answer) for row, answer in enumerate(ended)])

    assert score(1) < score(2) < score(8)


def test_rows_do_not_depend_on_their_batch():
    together = beam_search(model(3), 6, most=5, width=3)
    for row in range(6):
        alone = beam_search(lambda rows, tokens, row=row: model(3)(rows + row, tokens), 1, most=5, width=3)
        np.testing.assert_array_equal(alone[0], together[row])


def test_equal_scores_and_certain_answers():
    """Ties go to the lower id; with a penalty of zero an answer that has ended is not lost to its equals."""
    even = np.zeros((1, VOCABULARY))
    assert greedy(lambda rows, tokens: even, 1, most=2).tolist() == [[1, 1]]
    certain = np.full((1, VOCABULARY), -np.inf)
    certain[0, END] = 0.0

    def step(rows, tokens):
        return np.repeat(certain if tokens.shape[1] > 1 else even, len(rows), axis=0)

    for width in (1, 2, 5):
        found = beam_search(step, 1, most=4, width=width, length_penalty=0.0)
        assert found.tolist() == ([[1, 0, 0, 0]] if width == 1 else [[0, 0, 0, 0]])


def test_padding_and_start_are_never_chosen():
    favored = np.zeros(VOCABULARY)
    favored[[PADDING, START]] = 1e9

    def step(rows, tokens):
        return np.tile(favored, (len(rows), 1))

    drawn = sample(lambda tokens: step(tokens, tokens), np.full((50, 1), 4), length=10, seed=0)[:, 1:]
    for answers in (greedy(step, 2, most=3), beam_search(step, 2, most=3), drawn[drawn != PADDING]):
        assert not np.isin(answers[answers != PADDING], [PADDING, START, END]).any()


def test_no_rows():
    assert greedy(model(0), 0, most=3).shape == (0, 3)
    assert beam_search(model(0), 0, most=3).shape == (0, 3)
    assert sample(np.zeros_like, np.zeros((0, 2), np.int32), length=3, seed=0).shape == (0, 5)


# --- sampling -----------------------------------------------------------------------------------------------------

PROBABILITIES = np.array([[0.05, 0.4, 0.1, 0.3, 0.15], [0.2, 0.2, 0.2, 0.2, 0.2]])


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, PROBABILITIES),
        ({"temperature": 0.5}, PROBABILITIES**2 / (PROBABILITIES**2).sum(axis=1, keepdims=True)),
        ({"top_k": 2}, [[0, 4 / 7, 0, 3 / 7, 0], [0.5, 0.5, 0, 0, 0]]),
        ({"top_k": 99}, PROBABILITIES),
        ({"top_p": 0.39}, [[0, 1, 0, 0, 0], [0.5, 0.5, 0, 0, 0]]),
        ({"top_p": 0.41}, [[0, 4 / 7, 0, 3 / 7, 0], [1 / 3, 1 / 3, 1 / 3, 0, 0]]),
        ({"top_p": 1.0}, PROBABILITIES),
        ({"top_k": 3, "top_p": 0.5}, [[0, 4 / 7, 0, 3 / 7, 0], [0.5, 0.5, 0, 0, 0]]),
        ({"top_k": 1, "temperature": 7.0}, [[0, 1, 0, 0, 0], [1, 0, 0, 0, 0]]),
    ],
)
def test_distribution_by_its_formula(settings, expected):
    found = next_token_probabilities(np.log(PROBABILITIES) + 100.0, **settings)
    np.testing.assert_allclose(found, expected, atol=1e-12)


@pytest.mark.parametrize("settings", [{}, {"temperature": 0.7}, {"top_k": 3}, {"top_p": 0.8}])
def test_draws_follow_the_distribution(settings):
    logits = np.random.default_rng(1).normal(size=VOCABULARY)
    rows = 20_000
    drawn = sample(
        lambda tokens: np.tile(logits, (len(tokens), 1)),
        np.full((rows, 1), 5),
        length=1,
        end=None,
        seed=0,
        **settings,
    )[:, 1]
    allowed = np.where(np.isin(np.arange(VOCABULARY), ALLOWED), logits, -np.inf)[None]
    expected = next_token_probabilities(allowed, **settings)[0]
    shares = np.bincount(drawn, minlength=VOCABULARY) / rows
    assert (shares[expected == 0] == 0).all()
    assert (np.abs(shares - expected) <= 5 * np.sqrt(expected * (1 - expected) / rows)).all()


def test_prompts_of_different_lengths_are_continued_where_they_end():
    def step(tokens):
        """Favor the number of tokens so far, plus four; a row with seven ends."""
        lengths = (tokens != PADDING).sum(axis=1)
        logits = np.full((len(tokens), 12), -np.inf)
        logits[np.arange(len(tokens)), np.where(lengths < 7, lengths + 4, END)] = 0.0
        return logits

    found = sample(step, np.array([[4, 0, 0], [4, 4, 4]]), length=5, seed=0)
    assert found.tolist() == [[4, 5, 6, 7, 8, 9, 0, 0], [4, 4, 4, 7, 8, 9, 10, 0]]


def test_draws_repeat_with_the_seed_and_do_not_depend_on_where_others_end():
    prompt = np.array([[4, 1], [5, 1], [5, 5]])

    def step(tokens, endless=None):
        logits = np.array([logits_of(0, 0, tuple(map(int, t))) for t in tokens])
        if endless is not None:
            logits[(tokens[:, :2] != endless).any(axis=1), END] = -np.inf
        return logits

    first = sample(step, prompt, length=8, seed=1)
    assert (first == PADDING).any()
    np.testing.assert_array_equal(sample(step, prompt, length=8, seed=1), first)
    assert (sample(step, prompt, length=8, seed=2) != first).any()
    for row in range(3):
        others_go_on = sample(lambda tokens, row=row: step(tokens, prompt[row]), prompt, length=8, seed=1)
        np.testing.assert_array_equal(others_go_on[row], first[row])


# --- CTC ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("blank", [0, 2])
def test_collapse_equals_groupby(blank):
    for seed in range(20):
        rng = np.random.default_rng(seed)
        path = rng.integers(0, 4, (5, int(rng.integers(1, 12))))
        expected = [[int(k) for k, _ in itertools.groupby(row) if k != blank] for row in path.tolist()]
        found = collapse_ctc(path, blank)
        assert found.dtype == np.int32
        longest = max(len(row) for row in expected)
        assert found.tolist() == [padded(row, longest) for row in expected]


def test_collapse_of_nothing():
    assert collapse_ctc(np.zeros((3, 4), int)).shape == (3, 0)
    assert collapse_ctc(np.zeros((3, 0), int)).shape == (3, 0)
    assert collapse_ctc(np.zeros((0, 4), int)).shape == (0, 0)


def test_greedy_ctc_takes_the_best_class_of_each_step():
    probabilities = np.eye(4)[[[1, 1, 0, 1, 3], [0, 2, 2, 0, 0]]]
    assert ctc_greedy(probabilities).tolist() == [[1, 1, 3], [2, 0, 0]]
    assert ctc_greedy(np.log(probabilities + 1e-9)).tolist() == [[1, 1, 3], [2, 0, 0]]


# --- what is refused ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: greedy(model(0), 1, most=0), "most must be at least 1, received 0"),
        (lambda: beam_search(model(0), 1, most=0), "most must be at least 1"),
        (lambda: beam_search(model(0), 1, most=1, width=0), "width must be at least 1, received 0"),
        (lambda: beam_search(model(0), 1, most=1, length_penalty=-1.0), "length_penalty must be at least 0"),
        (lambda: sample(np.zeros_like, np.array([[4]]), length=0, seed=0), "length must be at least 1"),
        (lambda: sample(np.zeros_like, np.array([4]), length=1, seed=0), r"shape \(rows, steps\), received \(1,\)"),
        (lambda: sample(np.zeros_like, np.array([[0, 0]]), length=1, seed=0), "each prompt needs a token"),
        (lambda: sample(np.zeros_like, np.array([[0, 4]]), length=1, seed=0), "only on the right"),
        (lambda: next_token_probabilities(PROBABILITIES, temperature=0.0), "temperature must be above 0, received 0.0"),
        (lambda: next_token_probabilities(PROBABILITIES, top_k=0), "top_k must be at least 1, received 0"),
        (lambda: next_token_probabilities(PROBABILITIES, top_p=0.0), "top_p must be above 0 and at most 1"),
        (lambda: next_token_probabilities(PROBABILITIES, top_p=1.1), "received 1.1"),
        (lambda: greedy(lambda r, t: np.zeros(6), 1, most=1), r"shape \(1, vocabulary\), received \(6,\)"),
        (lambda: greedy(lambda r, t: np.zeros((2, 6)), 1, most=1), r"received \(2, 6\)"),
        (lambda: greedy(lambda r, t: np.full((1, 6), np.nan), 1, most=1), "NaN"),
        (lambda: greedy(lambda r, t: np.full((1, 6), -np.inf), 1, most=1), "excludes every token"),
    ],
)
def test_what_cannot_be_is_refused(call, message):
    with pytest.raises(ZooError, match=message):
        call()
