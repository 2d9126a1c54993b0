"""Cuts, as properties over made-up class counts."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.data.dataset import whole
from zoo.data.inputs import ArrayInputs
from zoo.data.splits import draw_per_class, hold_out, hold_out_by_content
from zoo.errors import ZooError

COUNTS = st.lists(st.integers(2, 40), min_size=2, max_size=5)
FRACTIONS = st.floats(0.05, 0.7)
SEEDS = st.integers(0, 2**31)


def split_of(counts):
    targets = np.random.default_rng(0).permutation(np.repeat(np.arange(len(counts), dtype=np.int32), counts))
    return whole(ArrayInputs(np.arange(len(targets))[:, None]), targets)


@given(COUNTS, FRACTIONS, SEEDS, st.booleans())
def test_a_cut_is_a_seeded_partition_that_keeps_the_mixture(counts, fraction, seed, stratify):
    split = split_of(counts)
    size = round(len(split) * fraction)
    if (stratify and not len(counts) <= size <= len(split) - len(counts)) or not 0 < size < len(split):
        with pytest.raises(ZooError, match=r"too few for|raise data\.test"):
            hold_out(split, fraction, "test", seed=seed, stratify=stratify)
        return
    rest, out = hold_out(split, fraction, "test", seed=seed, stratify=stratify)
    assert len(out) == size
    assert sorted([*rest.indices, *out.indices]) == list(range(len(split)))
    for part in (rest, out):
        assert (np.diff(part.indices) > 0).all()
        np.testing.assert_array_equal(part.targets, split.targets[part.indices])
    again = hold_out(split, fraction, "test", seed=seed, stratify=stratify)
    np.testing.assert_array_equal(out.indices, again[1].indices)
    if stratify:
        exact = np.array(counts) * size / len(split)
        assert (np.abs(np.bincount(out.targets, minlength=len(counts)) - exact) < 1).all()


def test_another_seed_cuts_differently():
    split = split_of([50, 50])
    cuts = {tuple(hold_out(split, 0.2, "test", seed=seed, stratify=True)[1].indices) for seed in range(5)}
    assert len(cuts) == 5


def test_a_cut_of_a_cut_keeps_to_its_examples():
    rest, test = hold_out(split_of([30, 30]), 0.2, "test", seed=0, stratify=True)
    train, validation = hold_out(rest, 0.2, "validation", seed=0, stratify=True)
    parts = [set(s.indices.tolist()) for s in (train, validation, test)]
    assert set.union(*parts) == set(range(60)) and sum(map(len, parts)) == 60


@pytest.mark.parametrize(
    ("counts", "fraction", "message"),
    [
        ([1, 20], 0.2, "a class has only one example: 0; holding out 20% for test needs at least two of each"),
        ([3, 3, 3], 0.2, r"20% of 9 examples for test is 2, too few for 3 classes; raise data\.test or add data"),
        ([2, 2], 0.9, "too few for 2 classes"),
    ],
)
def test_too_few_examples(counts, fraction, message):
    with pytest.raises(ZooError, match=message):
        hold_out(split_of(counts), fraction, "test", seed=0, stratify=True)


def test_too_few_numbers():
    with pytest.raises(ZooError, match=r"10% of 4 examples for validation is 0; raise data\.validation"):
        hold_out(split_of([2, 2]), 0.1, "validation", seed=0, stratify=False)


@given(COUNTS, st.integers(1, 12), SEEDS)
def test_a_few_of_each_class(counts, few, seed):
    split = split_of(counts)
    if min(counts) < few:
        with pytest.raises(ZooError, match=rf"data.per_class is {few}, and class \d has \d+ examples"):
            draw_per_class(split, few, seed)
        return
    kept = draw_per_class(split, few, seed)
    assert (np.bincount(kept.targets) == few).all()
    positions = kept.take(np.arange(len(kept)))[:, 0]
    assert (np.diff(positions) > 0).all() and (split.targets[positions] == kept.targets).all()
    again = draw_per_class(split, few, seed)
    np.testing.assert_array_equal(again.take(np.arange(len(again)))[:, 0], positions)
    fewer = draw_per_class(split, max(1, few - 1), seed)
    assert set(fewer.take(np.arange(len(fewer)))[:, 0]) <= set(positions)


@given(st.integers(0, 50), SEEDS)
def test_by_content_an_added_example_moves_no_other(more, seed):
    values = np.random.default_rng(seed).normal(size=(300 + more, 2)).astype(np.float32)
    targets = np.zeros(len(values), np.float32)
    _, before, _ = hold_out_by_content(whole(ArrayInputs(values[:300]), targets[:300]), 0.3, "test", seed=seed)
    order = np.random.default_rng(seed + 1).permutation(len(values))
    _, after, note = hold_out_by_content(whole(ArrayInputs(values[order]), targets), 0.3, "test", seed=seed)
    held = {tuple(row) for row in after.take(np.arange(len(after)))}
    assert {tuple(row) for row in before.take(np.arange(len(before)))} == held & {tuple(row) for row in values[:300]}
    assert f"{len(after) / len(values):.1%}" in note


def test_by_content_equal_examples_stay_together_and_the_fraction_is_met_on_average():
    values = np.repeat(np.arange(4000.0), 2)[:, None]
    rest, out, _ = hold_out_by_content(whole(ArrayInputs(values), np.zeros(8000, np.float32)), 0.2, "test", seed=0)
    assert not set(rest.take(np.arange(len(rest)))[:, 0]) & set(out.take(np.arange(len(out)))[:, 0])
    assert abs(len(out) / 8000 - 0.2) < 4 * (0.2 * 0.8 / 4000) ** 0.5  # four standard errors
    _, other, _ = hold_out_by_content(whole(ArrayInputs(values), np.zeros(8000, np.float32)), 0.2, "validation", seed=0)
    assert abs(len(np.intersect1d(out.indices, other.indices)) / len(out) - 0.2) < 0.05  # the two cuts are independent


def test_by_content_a_class_that_is_lost_is_refused():
    split = split_of([100, 1])
    held = [hold_out_seed(split, seed) for seed in range(20)]
    assert any("no example to train on of 1 classes: b" in text for text in held)


def hold_out_seed(split, seed):
    try:
        hold_out_by_content(split, 0.5, "test", seed=seed, labels=["a", "b"])
    except ZooError as error:
        return str(error)
    return ""
