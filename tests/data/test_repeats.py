"""`data.leaked_examples: drop`: what is held out is not trained on."""

import numpy as np
import pytest

from zoo.data.dataset import whole
from zoo.data.inputs import ArrayInputs
from zoo.data.repeats import without_repeats
from zoo.data.sources.load import load_dataset
from zoo.errors import ZooError
from zoo.recipe import load_recipe
from zoo.tasks import TASKS


def test_training_loses_what_is_held_out_and_nothing_else(tmp_path):
    x = np.random.default_rng(0).normal(size=(100, 3)).astype(np.float32)
    y = np.arange(100) % 2
    np.savez(tmp_path / "a.npz", x_train=x[:80], y_train=y[:80], x_test=x[60:], y_test=y[60:])
    recipe = tmp_path / "r.yaml"
    recipe.write_text(
        "extends: _base/tabular_classification\ndata: {source: 'npz:a.npz'}\nmodel: {name: mlp}\n"
        "optimizer: {name: adam, learning_rate: 1e-3}\ntraining: {epochs: 2}\n"
    )

    def load(*overrides):
        loaded = load_recipe(recipe, overrides).recipe
        return load_dataset(loaded.data, TASKS[loaded.task], loaded.preprocess)

    kept, dropped = load(), load("data.leaked_examples=drop")
    seen = {row.tobytes() for row in x[60:]}
    before = kept.train.take(np.arange(len(kept.train)))
    after = dropped.train.take(np.arange(len(dropped.train)))
    wanted = np.array([row for row in before if row.tobytes() not in seen])
    np.testing.assert_array_equal(after, wanted)
    assert len(before) > len(after) and any("are left out" in note for note in dropped.notes)
    for name in ("validation", "test"):
        np.testing.assert_array_equal(getattr(dropped, name).indices, getattr(kept, name).indices)


def test_nothing_left_is_refused_and_so_are_windows():
    split = whole(ArrayInputs(np.zeros((4, 2), np.float32)), np.zeros(4))
    with pytest.raises(ZooError, match="all 4 training examples"):
        without_repeats(split, [split])
    with pytest.raises(ZooError, match="overlap by design"):
        load_recipe("transformer/sunspots", ["data.leaked_examples=drop"])
