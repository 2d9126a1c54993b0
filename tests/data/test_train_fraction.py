"""`data.train_fraction`: a part of the training examples, in which a smaller part lies."""

import itertools

import numpy as np
import pandas as pd
import pytest

from zoo.data.cuts import Cut
from zoo.data.dataset import whole
from zoo.data.inputs import ArrayInputs
from zoo.data.sources.load import load_dataset
from zoo.data.train_fraction import take_fraction
from zoo.errors import ZooError
from zoo.recipe import load_recipe
from zoo.tasks import TASKS


def split_of(targets):
    return whole(ArrayInputs(np.arange(len(targets), dtype=np.float32)[:, None]), np.asarray(targets))


def load(recipe, *overrides):
    loaded = load_recipe(recipe, overrides).recipe
    return load_dataset(loaded.data, TASKS[loaded.task], loaded.preprocess)


def test_a_smaller_part_lies_in_a_larger_one_and_keeps_the_proportions():
    targets = np.random.default_rng(0).choice(3, 1000, p=[0.7, 0.25, 0.05])
    parts = [take_fraction(split_of(targets), f, seed=3, stratify=True)[0] for f in (0.05, 0.1, 0.5, 0.9)]
    for small, large in itertools.pairwise(parts):
        assert set(small.indices) < set(large.indices)
    for part, fraction in zip(parts, (0.05, 0.1, 0.5, 0.9), strict=True):
        assert len(part) == round(1000 * fraction)
        np.testing.assert_allclose(np.bincount(part.targets), fraction * np.bincount(targets), atol=2)
    assert (np.diff(parts[1].indices) > 0).all()


def test_each_class_keeps_an_example_and_too_few_are_refused():
    targets = np.array([0] * 97 + [1, 1, 2])
    assert set(take_fraction(split_of(targets), 0.03, seed=0, stratify=True)[0].targets) == {0, 1, 2}
    with pytest.raises(ZooError, match="2 of 100 training examples are too few for 3 classes"):
        take_fraction(split_of(targets), 0.02, seed=0, stratify=True)
    with pytest.raises(ZooError, match="is none"):
        take_fraction(split_of(targets), 0.001, seed=0)


def test_groups_are_kept_whole_and_moments_from_the_latest_on():
    groups = np.repeat([f"g{i}" for i in range(20)], 5)
    cut = Cut(column="who", values=groups)
    small, large = (take_fraction(split_of(np.zeros(100)), f, seed=1, cut=cut)[0] for f in (0.2, 0.6))
    assert set(small.indices) < set(large.indices) and len(small) == 20
    assert all((np.bincount(part.indices // 5) % 5 == 0).all() for part in (small, large))
    times = np.datetime64("2020-01-01") + np.random.default_rng(0).permutation(100)
    latest = take_fraction(split_of(np.zeros(100)), 0.3, seed=1, cut=Cut(column="day", values=times))[0]
    assert times[latest.indices].min() > np.delete(times, latest.indices).max()


def test_of_series_the_last_windows_are_kept():
    recipe = "transformer/sunspots"
    everything, half = load(recipe), load(recipe, "data.train_fraction=0.5")
    assert len(half.train) == round(len(everything.train) / 2)
    np.testing.assert_array_equal(half.train.indices, everything.train.indices[-len(half.train) :])
    np.testing.assert_array_equal(half.series.origins["train"], everything.series.origins["train"][-len(half.train) :])
    np.testing.assert_array_equal(half.validation.targets, everything.validation.targets)


def test_validation_and_test_stay_and_the_audit_says_how_many_are_left(tmp_path):
    generator = np.random.default_rng(0)
    frame = pd.DataFrame({"a": generator.normal(size=200), "y": generator.choice(["p", "q"], 200)})
    frame.to_csv(tmp_path / "data.csv", index=False)
    recipe = tmp_path / "r.yaml"
    recipe.write_text(
        "extends: _base/tabular_classification\ndata: {source: 'csv:data.csv', target: y}\nmodel: {name: mlp}\n"
        "optimizer: {name: adam, learning_rate: 1e-3}\ntraining: {epochs: 2}\n"
    )
    everything, part = load(recipe), load(recipe, "data.train_fraction=0.25")
    for name in ("validation", "test"):
        np.testing.assert_array_equal(getattr(part, name).indices, getattr(everything, name).indices)
    assert set(part.train.indices) < set(everything.train.indices)
    assert any("36 of 144 training examples are used" in note for note in part.notes)
    with pytest.raises(ZooError, match=r"data.per_class \(5\) says already"):
        load_recipe(recipe, ["data.per_class=5", "data.train_fraction=0.5"])
