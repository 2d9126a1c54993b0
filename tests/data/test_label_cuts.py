"""Cuts of examples with several labels: labels keep their proportions, and rare ones reach each part."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.data.dataset import whole
from zoo.data.folds import hold_out_fold
from zoo.data.inputs import ArrayInputs
from zoo.data.label_cuts import spread_labels
from zoo.data.splits import hold_out
from zoo.recipe.data_section import Fold

RATES = np.array([0.4, 0.2, 0.1, 0.05, 0.02])


def marks_of(count, seed=0, rates=RATES):
    return (np.random.default_rng(seed).random((count, len(rates))) < rates).astype(np.uint8)


def split_of(marks):
    return whole(ArrayInputs(np.arange(len(marks))[:, None]), marks)


@settings(max_examples=30, deadline=None)
@given(st.integers(20, 200), st.floats(0.1, 0.5), st.integers(0, 10**6))
def test_a_cut_is_a_seeded_partition_of_the_exact_size(count, fraction, seed):
    split = split_of(marks_of(count, seed))
    rest, out = hold_out(split, fraction, "test", seed=seed, stratify=True)
    assert len(out) == round(count * fraction)
    assert sorted([*rest.indices, *out.indices]) == list(range(count))
    np.testing.assert_array_equal(out.targets, split.targets[out.indices])
    assert np.array_equal(hold_out(split, fraction, "test", seed=seed, stratify=True)[1].indices, out.indices)


def test_another_seed_cuts_differently():
    marks = marks_of(100)
    assert len({tuple(spread_labels(marks, np.array([80, 20]), seed)) for seed in range(5)}) == 5


def test_each_label_keeps_its_proportion_as_a_random_cut_does_not():
    """The exact number of held-out examples of a label is the reference; a random cut misses it by its own spread."""
    marks = marks_of(1_000)
    exact = marks.sum(axis=0) * 0.2
    ours = np.stack([marks[spread_labels(marks, np.array([800, 200]), seed) == 1].sum(axis=0) for seed in range(5)])
    drawn = np.stack([marks[np.random.default_rng(s).permutation(1_000)[:200]].sum(axis=0) for s in range(5)])
    assert np.abs(ours - exact).max() <= 2
    assert np.abs(drawn - exact).max() > 5


def test_a_label_of_two_examples_is_on_both_sides_and_a_single_one_is_trained_on():
    marks = np.zeros((100, 4), np.uint8)
    marks[:50, 0], marks[[3, 70], 1], marks[[4, 5, 71], 2], marks[80, 3] = 1, 1, 1, 1
    for seed in range(10):
        rest, out = hold_out(split_of(marks), 0.05, "validation", seed=seed, stratify=True)
        assert out.targets.sum(axis=0)[1:].tolist() == [1, 1, 0]
        assert rest.targets.sum(axis=0)[1:].tolist() == [1, 2, 1]


def test_a_label_of_three_examples_reaches_all_three_splits():
    marks = marks_of(200)
    marks[:, 4] = 0
    marks[[7, 80, 150], 4] = 1
    rest, test = hold_out(split_of(marks), 0.1, "test", seed=0, stratify=True)
    train, validation = hold_out(rest, 0.1, "validation", seed=0, stratify=True)
    assert [part.targets[:, 4].sum() for part in (train, validation, test)] == [1, 1, 1]


def test_folds_keep_the_proportions_of_the_labels():
    split = split_of(marks_of(500))
    found = [
        hold_out_fold(split, None, Fold(number=i, of=5), seed=0, stratify=True, labels=tuple("abcde"))[2]
        for i in range(1, 6)
    ]
    assert sorted(np.concatenate([part.indices for part in found])) == list(range(500))
    counts = np.stack([part.targets.sum(axis=0) for part in found])
    assert np.abs(counts - split.targets.sum(axis=0) / 5).max() <= 2 and {len(part) for part in found} == {100}
