"""Losses of sequences against sums over tokens and over all alignments."""

from itertools import groupby, product

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter
from scipy.special import log_softmax, logsumexp

from zoo.losses import build_loss
from zoo.recipe.losses import Loss

RNG = np.random.default_rng(0)


def loss(name, y, output, **options):
    return float(build_loss(TypeAdapter(Loss).validate_python({"name": name, **options}))(y, output))


def weights_after_a_step(name, y, output, **options):
    """Return what a step of gradient descent makes of the outputs."""
    model = keras.Sequential([keras.Input(batch_shape=output.shape), Free(output.shape)])
    model.layers[0].free.assign(output)
    built = build_loss(TypeAdapter(Loss).validate_python({"name": name, **options}))
    model.compile(keras.optimizers.SGD(1.0), built, jit_compile=False)
    model.train_on_batch(output, y)
    return np.array(model.get_weights()[0])


class Free(keras.layers.Layer):
    """Give its weights, whatever the input."""

    def __init__(self, shape):
        super().__init__()
        self.free = self.add_weight(shape=shape)

    def call(self, x):
        return self.free + 0 * x


# --- masked cross-entropy -----------------------------------------------------------------------------------------

TOKENS = np.array([[3, 1, 4, 1, 2], [2, 4, 0, 0, 0], [0, 0, 0, 0, 0]], "int32")
LOGITS = (3 * RNG.normal(size=(3, 5, 6))).astype("float32")


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_mean_over_the_tokens_that_count(smoothing):
    """Not the mean of the rows' means: 5 tokens of the first row and 2 of the second."""
    target = (1 - smoothing) * np.eye(6)[TOKENS] + smoothing / 6
    losses = -(target * log_softmax(LOGITS.astype("float64"), axis=-1)).sum(-1)
    found = loss("masked_crossentropy", TOKENS, LOGITS, label_smoothing=smoothing)
    assert found == pytest.approx(losses[TOKENS != 0].sum() / 7, rel=1e-5)


@given(st.integers(0, 5), st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_padding_has_no_effect(extra, seed):
    rng = np.random.default_rng(seed)
    y = np.pad(TOKENS, [(0, extra), (0, extra)])
    output = rng.normal(0, 10, (*y.shape, 6)).astype("float32")
    output[:3, :5] = LOGITS
    assert loss("masked_crossentropy", y, output) == pytest.approx(
        loss("masked_crossentropy", TOKENS, LOGITS), rel=1e-5
    )


def test_padding_has_no_gradient_and_nothing_but_padding_no_loss():
    moved = weights_after_a_step("masked_crossentropy", TOKENS, LOGITS, label_smoothing=0.1) != LOGITS
    np.testing.assert_array_equal(moved.any(-1), TOKENS != 0)
    assert loss("masked_crossentropy", np.zeros((2, 3), "int32"), LOGITS[:2, :3]) == 0


def test_infinite_outputs_on_padding_do_not_spoil_the_loss():
    output = LOGITS.copy()
    output[1, 2:] = np.nan
    found = loss("masked_crossentropy", TOKENS, output, label_smoothing=0.1)
    assert found == pytest.approx(loss("masked_crossentropy", TOKENS, LOGITS, label_smoothing=0.1), rel=1e-6)


def test_a_mask_from_keras_changes_nothing():
    inputs = keras.Input((None,), dtype="int32")
    x = keras.layers.Embedding(6, 6, mask_zero=True)(inputs)
    model = keras.Model(inputs, x)
    built = build_loss(TypeAdapter(Loss).validate_python({"name": "masked_crossentropy"}))
    model.compile(loss=built, jit_compile=False)
    shifted = np.roll(TOKENS, 1, axis=1)
    expected = float(built(TOKENS, np.array(model.get_weights()[0])[shifted]))
    assert model.evaluate(shifted, TOKENS, verbose=0) == pytest.approx(expected, rel=1e-5)


# --- connectionist temporal classification ------------------------------------------------------------------------


def by_all_alignments(target, logits):
    """-log of the sum over all paths that give the target when repeats are merged and blanks removed."""
    log_p = log_softmax(logits.astype("float64"), axis=-1)
    steps, symbols = logits.shape
    paths = [
        sum(log_p[t, s] for t, s in enumerate(path))
        for path in product(range(symbols), repeat=steps)
        if [s for s, _ in groupby(path) if s] == list(target)
    ]
    return -logsumexp(paths) if paths else np.inf


TARGETS = np.array([[1, 2, 0], [1, 1, 0], [2, 0, 0], [0, 0, 0], [2, 1, 2]], "int32")
STEPS = (2 * RNG.normal(size=(5, 5, 3))).astype("float32")


@pytest.mark.parametrize("row", range(5))
def test_ctc_is_the_sum_over_all_alignments(row):
    expected = by_all_alignments([s for s in TARGETS[row] if s], STEPS[row])
    assert loss("ctc", TARGETS[row : row + 1], STEPS[row : row + 1]) == pytest.approx(expected, rel=1e-4)


@given(st.lists(st.integers(1, 2), max_size=3), st.integers(1, 4), st.integers(0, 2**32 - 1))
@settings(max_examples=25, deadline=None)
def test_ctc_of_any_target_or_zero_where_it_does_not_fit(target, steps, seed):
    logits = np.random.default_rng(seed).normal(0, 2, (1, steps, 3)).astype("float32")
    expected = by_all_alignments(target, logits[0])
    y = np.pad(np.array(target, "int32"), (0, 4 - len(target)))[None]
    assert loss("ctc", y, logits) == pytest.approx(expected if np.isfinite(expected) else 0, rel=1e-3, abs=1e-5)


def test_ctc_mean_over_the_batch_and_by_symbol():
    losses = np.array([by_all_alignments([s for s in y if s], x) for y, x in zip(TARGETS, STEPS, strict=True)])
    assert loss("ctc", TARGETS, STEPS) == pytest.approx(losses.mean(), rel=1e-4)
    lengths = np.maximum((TARGETS != 0).sum(1), 1)
    assert loss("ctc", TARGETS, STEPS, per_symbol=True) == pytest.approx((losses / lengths).mean(), rel=1e-4)


def test_ctc_padding_has_no_effect():
    assert loss("ctc", np.pad(TARGETS, [(0, 0), (0, 4)]), STEPS) == pytest.approx(loss("ctc", TARGETS, STEPS), rel=1e-5)


def test_ctc_gradients_are_finite_and_impossible_targets_have_none():
    """Three equal symbols need five steps; where there are four, the example counts for nothing."""
    y = np.array([[1, 1, 1], [1, 2, 1]], "int32")
    moved = weights_after_a_step("ctc", y, STEPS[:2, :4]) - STEPS[:2, :4]
    assert np.isfinite(moved).all()
    np.testing.assert_array_equal(moved[0], 0)
    assert (moved[1] != 0).any()
    np.testing.assert_allclose(moved[1].sum(-1), 0, atol=1e-5)  # shifting all logits of a step changes nothing
    assert loss("ctc", y[:1], STEPS[:1, :4]) == 0


def test_ctc_gradient_equals_differences():
    y, x = TARGETS[:1], STEPS[:1]
    moved = x - weights_after_a_step("ctc", y, x)
    for step, symbol in [(0, 0), (2, 1), (4, 2)]:
        up, down = x.astype("float64"), x.astype("float64")
        up[0, step, symbol] += 1e-4
        down[0, step, symbol] -= 1e-4
        expected = (by_all_alignments([1, 2], up[0]) - by_all_alignments([1, 2], down[0])) / 2e-4
        assert moved[0, step, symbol] == pytest.approx(expected, rel=1e-3, abs=1e-4)
