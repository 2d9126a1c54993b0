"""Outputs in compact form, each against SciPy, the standard library, or a model that is right by construction."""

import itertools

import numpy as np
import pytest
from scipy.special import log_softmax

from zoo.postprocessing.kinds import compact_outputs
from zoo.tasks import END, START


def compact(kind, output, targets):
    return compact_outputs(kind, lambda inputs: output, [None], targets)


def test_likelihoods_of_tokens():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(3, 5, 7)).astype(np.float32) * 10
    targets = rng.integers(0, 7, (3, 5))
    found = compact("tokens", logits, targets)
    reference = -np.take_along_axis(log_softmax(logits.astype(np.float64), -1), targets[..., None], -1)[..., 0]
    np.testing.assert_allclose(found[..., 0], reference * (targets > 0), rtol=1e-6, atol=1e-6)
    np.testing.assert_array_equal(found[..., 1], (logits.argmax(-1) == targets) & (targets > 0))


def test_transcriptions_drop_repeats_then_blanks():
    rng = np.random.default_rng(0)
    path = rng.integers(0, 3, (20, 12))
    found = compact("transcription", np.eye(3)[path], np.zeros((20, 4)))
    for row, steps in zip(found, path, strict=True):
        assert [i for i in row if i] == [key for key, _ in itertools.groupby(steps) if key]


@pytest.mark.parametrize(("kind", "shape", "expected"), [("regression", (4, 1), (4,)), ("forecasting", (4, 3), (4, 3))])
def test_numbers_stay_as_they_are(kind, shape, expected):
    values = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    found = compact(kind, values, np.zeros(4))
    assert found.shape == expected and found.ravel().tolist() == values.ravel().tolist()


def test_pixels():
    probabilities = np.random.default_rng(0).random((2, 3, 4, 5))
    found = compact("segmentation", probabilities, np.zeros((2, 3, 4)))
    assert found.dtype == np.uint8 and (found == probabilities.argmax(-1)).all()


def test_sequences_are_decoded_to_their_end():
    """A model that says the source's symbols backwards, and then the end mark."""

    def model(inputs):
        source, decoder_input = inputs
        logits = np.zeros((*decoder_input.shape, 9), np.float32)
        for row, (ids, said) in enumerate(zip(source, decoder_input, strict=True)):
            assert said[0] == START
            answer = [*ids[ids > 0][::-1], END]
            for step in range(len(said)):
                logits[row, step, answer[min(step, len(answer) - 1)]] = 5
        return logits

    source = [np.array([[4, 5, 6], [7, 0, 0]]), np.array([[8, 4, 0]])]
    found = compact_outputs("sequences", model, source, np.zeros((3, 4), np.int32))
    assert [[int(i) for i in row if i] for row in found] == [[6, 5, 4], [7], [4, 8]]
