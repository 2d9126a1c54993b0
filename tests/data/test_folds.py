"""Folds: each example is held out once, classes keep their proportions, groups stay whole, the test stays out."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

from zoo.data.cuts import Cut
from zoo.data.dataset import whole
from zoo.data.folds import hold_out_fold
from zoo.data.inputs import ArrayInputs
from zoo.data.sources.load import load_dataset
from zoo.errors import ZooError
from zoo.recipe.data_section import Data, Fold
from zoo.tasks import TASKS


def split_of(targets):
    return whole(ArrayInputs(np.arange(len(targets))[:, None]), np.asarray(targets, np.int32))


def folds_of(split, count, validation=None, **given):
    given = {"seed": 0, "stratify": True} | given
    return [hold_out_fold(split, validation, Fold(number=i, of=count), **given) for i in range(1, count + 1)]


def test_each_example_is_held_out_once_and_classes_keep_their_proportions():
    targets = np.random.default_rng(0).permutation(np.repeat([0, 1, 2], [60, 30, 10]))
    found = folds_of(split_of(targets), 5, labels=("a", "b", "c"))
    for rest, validation, out, note in found:
        assert validation is None and "20 of the 100 examples" in note
        assert np.bincount(out.targets).tolist() == [12, 6, 2]
        assert sorted([*rest.indices, *out.indices]) == list(range(100))
        assert (rest.targets == targets[rest.indices]).all() and (out.targets == targets[out.indices]).all()
    assert sorted(np.concatenate([out.indices for _, _, out, _ in found])) == list(range(100))


def test_numbers_are_drawn_and_the_seed_decides():
    split = split_of(np.arange(31))
    first, again, other = (folds_of(split, 3, stratify=False, seed=seed) for seed in (1, 1, 2))
    held_out = [[out.indices.tolist() for _, _, out, _ in found] for found in (first, again, other)]
    assert held_out[0] == held_out[1] != held_out[2]
    assert sorted(len(part) for part in held_out[0]) == [10, 10, 11]


@pytest.mark.parametrize("stratify", [True, False])
def test_a_group_is_in_one_fold(stratify):
    groups = np.repeat([f"g{i}" for i in range(12)], 5).astype(object)
    cut = Cut(column="patient", values=groups)
    found = folds_of(split_of(np.arange(60) % 2), 4, cut=cut, stratify=stratify, labels=("a", "b"))
    seen = [set(groups[out.indices]) for _, _, out, _ in found]
    assert sum(map(len, seen)) == 12 == len(set.union(*seen))
    assert "each group of column 'patient' whole" in found[0][3]


def test_validation_of_the_same_source_is_in_the_folds_and_another_goes_on_choosing():
    both = split_of(np.arange(40) % 2)
    train, validation = both.part(np.arange(0, 40, 2)), both.part(np.arange(1, 40, 2))
    rest, own, out, _ = folds_of(train, 4, validation, stratify=False)[0]
    assert own is None and sorted([*rest.indices, *out.indices]) == list(range(40))
    apart = split_of(np.zeros(7))
    rest, own, out, _ = folds_of(train, 4, apart, stratify=False)[0]
    assert own is apart and sorted([*rest.indices, *out.indices]) == list(range(0, 40, 2))


@pytest.mark.parametrize(
    ("targets", "groups", "message"),
    [
        ([0, 0, 0, 0, 0, 1, 1], None, "folds is 3, and there are only 2 examples of a class"),
        ([0, 1] * 6, [*"aaaaaabbbbbb"], "folds is 3, and there are only 2 groups"),
        ([0] * 8 + [1] * 3, [*"abcdabcd", *"eee"], "holds every example of 1 classes: two"),
    ],
)
def test_what_cannot_be_cut_is_refused(targets, groups, message):
    cut = None if groups is None else Cut(column="g", values=np.array(groups, object))
    with pytest.raises(ZooError, match=message):
        folds_of(split_of(targets), 3, cut=cut, labels=("one", "two"))


def test_the_test_split_is_in_no_fold():
    task = TASKS["image_classification"]
    usual = load_dataset(Data(source="builtin:digits"), task)
    held_out = set()
    for number in (1, 2, 3):
        fold = load_dataset(Data(source="builtin:digits", fold=Fold(number=number, of=3)), task)
        indices = [set(split.indices.tolist()) for split in (fold.train, fold.validation, fold.test)]
        assert len(set.union(*indices)) == sum(map(len, indices)) == 1797 - len(usual.test)
        assert not set(usual.test.indices.tolist()) & set.union(*indices)
        assert abs(len(indices[1]) / len(indices[0] | indices[1]) - 0.1) < 0.01
        assert not held_out & indices[2]
        held_out |= indices[2]
        assert fold.fingerprint != usual.fingerprint
    assert held_out | set(usual.test.indices.tolist()) == set(range(len(load_digits().target)))
