"""What is watched: norms against NumPy, units that are known to be dead, and weights that do not notice."""

import keras
import numpy as np
import pytest
from in_ci import in_ci
from pydantic import TypeAdapter
from rich.console import Console

from zoo.data.sources.load import load_dataset
from zoo.optimization.optimizers import build_optimizer
from zoo.optimization.watched import WatchedOptimizer
from zoo.recipe import load_recipe
from zoo.recipe.optimizers import Optimizer
from zoo.tasks import TASKS
from zoo.training.callbacks.monitoring import dead_units, rectified
from zoo.training.fit import fit
from zoo.training.problem import set_up

SMALL = ["model.widths=[8]", "training.batch_size=100", "training.epochs=2", "optimizer.learning_rate=0.01"]


def network():
    keras.utils.set_random_seed(0)
    return keras.Sequential([keras.Input((3,)), keras.layers.Dense(4), keras.layers.Dense(1)])


@pytest.mark.parametrize("groups", [None, [{"layers": "dense*", "learning_rate": 0.5}]])
def test_norms_are_those_of_numpy(groups):
    model = network()
    given = {"name": "sgd", "learning_rate": 0.1, "clip_global_norm": 0.5, "groups": groups}
    inner = build_optimizer(TypeAdapter(Optimizer).validate_python(given), model, 10, 2)
    optimizer = WatchedOptimizer.around(inner, model.trainable_variables)
    norms, ratios = [], []
    for scale in (0.1, 3.0, 20.0):
        gradients = [np.random.default_rng(1).normal(scale=scale, size=v.shape) for v in model.trainable_variables]
        before = [np.array(v) for v in model.trainable_variables]
        optimizer.apply([keras.ops.convert_to_tensor(g, "float32") for g in gradients], model.trainable_variables)
        moved = [np.array(v) - old for v, old in zip(model.trainable_variables, before, strict=True)]
        norms.append(np.sqrt(sum((g**2).sum() for g in gradients)))  # before clipping
        ratios.append(np.sqrt(sum((m**2).sum() for m in moved) / sum((b**2).sum() for b in before)))
    found = optimizer.read()
    assert found == pytest.approx({"gradient_norm": np.mean(norms), "update_ratio": np.mean(ratios)}, rel=1e-4)
    assert optimizer.read() == {"gradient_norm": 0, "update_ratio": 0}
    assert float(optimizer.learning_rate) == pytest.approx(0.1) and int(optimizer.iterations) == 3


def test_dead_units_are_those_that_are_zero_everywhere():
    inputs = keras.Input((4, 4, 1))
    x = keras.layers.ReLU()(keras.layers.Conv2D(3, 1, name="maps")(inputs))
    x = keras.layers.Dense(5, activation="relu", name="units")(keras.layers.GlobalAveragePooling2D()(x))
    model = keras.Model(inputs, keras.layers.Dense(2)(x))
    model.get_layer("maps").set_weights([np.ones((1, 1, 1, 3)), np.array([0.0, -9.0, 0.0])])
    kernel = np.eye(3, 5) + 0.1
    model.get_layer("units").set_weights([kernel, np.array([0.0, 0.0, 0.0, -9.0, -9.0])])
    examples = np.random.default_rng(0).uniform(size=(6, 4, 4, 1)).astype("float32")
    assert dead_units(rectified(model), examples) == pytest.approx(3 / 8)
    assert rectified(keras.Model(inputs, keras.layers.Dense(2)(inputs))) is None


@pytest.mark.parametrize(
    "recipe",
    [pytest.param("mlp/digits", marks=pytest.mark.slow), pytest.param("cnn/digits", marks=pytest.mark.ci)],
)
def test_a_run_that_is_watched_ends_in_the_same_weights(recipe, tmp_path):
    extra = ["model.depth=1"] if recipe == "cnn/digits" else []
    runs = []
    for monitor in ("false", "true"):
        loaded = load_recipe(recipe, [*SMALL, *extra, f"training.monitor={monitor}"]).recipe
        problem = set_up(loaded, load_dataset(loaded.data, TASKS[loaded.task]))
        runs.append((fit(problem, tmp_path / monitor, Console(quiet=True)), problem.views.trained.get_weights()))
    (plain, weights), (watched, same) = runs
    assert all(np.array_equal(a, b) for a, b in zip(weights, same, strict=True))
    figures = {"gradient_norm", "update_ratio", "dead_units"}
    assert set(watched.history[0]) - set(plain.history[0]) == figures
    assert all(0 < row["gradient_norm"] < 100 and 0 < row["update_ratio"] < 1 for row in watched.history)
    assert all(0 <= row["dead_units"] < 1 for row in watched.history)
    assert "dead_units" in (tmp_path / "true" / "metrics.csv").read_text().splitlines()[0]


@pytest.mark.parametrize("name", in_ci(["sgd", "adamw"], but=["adamw"]))
@pytest.mark.ci
def test_gradients_of_two_steps_are_those_of_a_batch_twice_as_large(name, tmp_path):
    weights = []
    for size, accumulate in ((100, 1), (50, 2)):
        given = ["model={name: mlp, widths: [8], norm: none, dropout: 0.0}", f"training.batch_size={size}"]
        optimizer = f"optimizer={{name: {name}, learning_rate: 0.01, accumulate: {accumulate}, clip_global_norm: 0.5}}"
        given += [optimizer, "augment=[]", "training.epochs=1", "training.select=last"]
        recipe = load_recipe("mlp/digits", given).recipe
        problem = set_up(recipe, load_dataset(recipe.data, TASKS[recipe.task]))
        fit(problem, tmp_path / str(size), Console(quiet=True))
        weights.append(problem.views.trained.get_weights())
    for a, b in zip(*weights, strict=True):
        np.testing.assert_allclose(a, b, atol=2e-5)
