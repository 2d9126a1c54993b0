"""Masking of patches: what is hidden, what comes back in which place, and what the loss is given."""

import keras
import numpy as np
import pytest

from zoo.layers.masking import MaskedTarget, RandomMasking, Unmask, visible_steps

RNG = np.random.default_rng(0)
TOKENS = RNG.normal(size=(5, 12, 3)).astype("float32")


def arrays(*tensors):
    return [np.asarray(t) for t in tensors]


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(("ratio", "visible"), [(0.0, 12), (0.25, 9), (0.5, 6), (0.75, 3), (0.9, 1), (0.99, 1)])
def test_exactly_the_visible_steps_are_given_on_and_restore_puts_them_back(ratio, visible, training):
    layer = RandomMasking(ratio, seed=1)
    x, restore, mask = arrays(*layer(TOKENS, training=training))
    assert x.shape == (5, visible, 3) and restore.dtype == np.int32 and mask.dtype == np.float32
    assert ((mask == 0).sum(1) == visible).all() and set(np.unique(mask)) <= {0.0, 1.0}
    for row in range(5):
        assert sorted(restore[row]) == list(range(12))
        np.testing.assert_array_equal(mask[row], restore[row] >= visible)
        for step in np.flatnonzero(mask[row] == 0):
            np.testing.assert_array_equal(x[row, restore[row, step]], TOKENS[row, step])
    assert [tuple(s.shape) for s in layer.compute_output_spec(keras.KerasTensor((None, 12, 3)))] == [
        (None, visible, 3),
        (None, 12),
        (None, 12),
    ]


@pytest.mark.parametrize("ratio", [0.25, 0.75])
def test_unmask_is_the_inverse_with_one_token_for_what_was_hidden(ratio):
    x, restore, mask = RandomMasking(ratio, seed=1)(TOKENS, training=True)
    layer = Unmask()
    found, mask = arrays(layer(x, restore), mask)
    shown = np.where(mask[..., None] == 0, TOKENS, np.asarray(layer.token))
    np.testing.assert_array_equal(found, shown)
    assert layer.count_params() == 3


def test_evaluation_is_repeatable_and_training_draws_anew():
    layer, other = RandomMasking(0.5, seed=1), RandomMasking(0.5, seed=2)
    first, again, theirs = (np.asarray(m(TOKENS)[2]) for m in (layer, layer, other))
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(first, theirs)
    np.testing.assert_array_equal(np.asarray(layer(TOKENS[:2])[2]), first[:2])  # whatever the size of the batch
    assert len({tuple(row) for row in first}) == 5
    drawn = [np.asarray(layer(TOKENS, training=True)[2]) for _ in range(2)]
    assert (drawn[0] != drawn[1]).any()
    same = RandomMasking(0.5, seed=1)
    np.testing.assert_array_equal(np.asarray(same(TOKENS, training=True)[2]), drawn[0])


def test_more_examples_than_the_table_has_rows():
    mask = np.asarray(RandomMasking(0.5)(np.zeros((150, 8, 1), "float32"))[2])
    assert (mask.sum(1) == 4).all()
    np.testing.assert_array_equal(mask[64:128], mask[:64])


@pytest.mark.parametrize("training", [True, False])
def test_every_step_is_hidden_as_often_as_the_others(training):
    mask = np.asarray(RandomMasking(0.75, seed=0)(np.zeros((4096, 16, 1), "float32"), training=training)[2])
    spread = 0.03 if training else 0.25  # outside of training 64 masks take turns
    np.testing.assert_allclose(mask.mean(0), 0.75, atol=spread)


def test_the_state_of_the_numbers_is_one_of_the_models_variables():
    """Which is how a run's checkpoint keeps it."""

    def build(seed):
        inputs = keras.Input((12, 3))
        return keras.Model(inputs, RandomMasking(0.5, seed=seed, name="masking")(inputs))

    model, other = build(3), build(4)
    model(TOKENS, training=True)
    for ours, theirs in zip(other.variables, model.variables, strict=True):
        ours.assign(theirs)
    assert len(model.variables) == 1
    for a, b in zip(other(TOKENS, training=True), model(TOKENS, training=True), strict=True):
        np.testing.assert_array_equal(a, b)


def test_impossible_maskings_are_refused():
    for ratio in (-0.1, 1.0):
        with pytest.raises(ValueError, match="at least 0 and below 1"):
            RandomMasking(ratio)
    with pytest.raises(ValueError, match="at least 2 patches"):
        RandomMasking(0.5)(TOKENS[:, :1])
    with pytest.raises(ValueError, match="known number of steps"):
        RandomMasking(0.5).build((None, None, 3))
    assert visible_steps(1, 0.0) == 1 and visible_steps(64, 0.75) == 16 and visible_steps(2, 0.01) == 1


@pytest.mark.parametrize("normalize", [True, False])
def test_the_target_is_each_patch_by_itself(normalize):
    prediction, patches = RNG.normal(size=(2, 5, 12, 6)).astype("float32")
    mask = (RNG.uniform(size=(5, 12)) < 0.5).astype("float32")
    found = np.asarray(MaskedTarget(normalize)(prediction, patches, mask))
    np.testing.assert_array_equal(found[..., :6], prediction)
    np.testing.assert_array_equal(found[..., -1], mask)
    if normalize:
        patches = (patches - patches.mean(-1, keepdims=True)) / np.sqrt(patches.var(-1, keepdims=True) + 1e-6)
    np.testing.assert_allclose(found[..., 6:-1], patches, atol=1e-5)
    assert np.isfinite(MaskedTarget(normalize)(prediction, 0 * patches + 3, mask)).all()
