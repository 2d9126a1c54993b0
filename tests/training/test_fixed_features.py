"""Features that training does not change: computed once, and the training is what it would be without that."""

import numpy as np
import pytest
from rich.console import Console

from zoo.data.sources.load import load_dataset
from zoo.recipe import load_recipe
from zoo.tasks import TASKS
from zoo.training import problem as problem_module
from zoo.training.fit import fit
from zoo.training.problem import set_up

RECIPE = """
extends: [_base/sequence_classification, _base/adamw_cosine]
data: {{source: "npz:{}"}}
preprocess: [{{standardize: {{}}}}]
model: {{name: minirocket, features: 168}}
training: {{batch_size: 8, epochs: 3}}
"""


@pytest.fixture(scope="module")
def recipe(tmp_path_factory):
    random = np.random.default_rng(0)
    path = tmp_path_factory.mktemp("series") / "series.npz"
    labels = np.arange(60) % 3
    x = random.normal(size=(60, 30, 2)).cumsum(axis=1) * (1 + labels[:, None, None])
    np.savez(path, x_train=x, y_train=labels, x_test=x[:12], y_test=labels[:12])
    path.with_suffix(".yaml").write_text(RECIPE.format(path))
    return path.with_suffix(".yaml")


def problem_of(recipe, *overrides):
    loaded = load_recipe(recipe, overrides).recipe
    return set_up(loaded, load_dataset(loaded.data, TASKS[loaded.task]))


def test_the_training_is_the_same(recipe, tmp_path, monkeypatch):
    once = problem_of(recipe)
    assert once.trained_on.array.shape == (len(once.train), 168) and once.views.trained.input_shape == (None, 168)
    found = fit(once, tmp_path / "once", Console(quiet=True))
    monkeypatch.setattr(problem_module, "compute_fixed_features", lambda problem: problem)
    each_epoch = problem_of(recipe)
    assert each_epoch.trained_on is each_epoch.train
    expected = fit(each_epoch, tmp_path / "each", Console(quiet=True))
    assert [row["loss"] for row in found.history] == pytest.approx([row["loss"] for row in expected.history], abs=1e-4)
    raw = once.dataset.test.take(np.arange(12))
    np.testing.assert_allclose(once.views.saved(raw), each_epoch.views.saved(raw), atol=1e-3)
    trained = [np.array(w) for w in once.views.network.trainable_variables]
    assert max(np.abs(w).max() for w in trained) > 0.001  # the saved network has the weights that were trained


@pytest.mark.parametrize(
    "override", ["regularization.mixup=0.2", "training.precision=mixed_bfloat16", "model={name: fcn, widths: [4,4,4]}"]
)
def test_where_features_change_nothing_is_computed_before(recipe, override):
    problem = problem_of(recipe, override)
    assert problem.trained_on is problem.train and problem.validated_on is problem.validation
