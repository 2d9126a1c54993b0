"""How many lanes a run takes: what "auto" stands for, what is refused, and what the run folder records."""

import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest
from rich.console import Console

import zoo
from zoo import registry
from zoo.backend.devices import Devices
from zoo.data.sources.load import load_dataset
from zoo.errors import ZooError
from zoo.recipe import load_recipe
from zoo.tasks import TASKS
from zoo.training import lanes
from zoo.training.fit import fit
from zoo.training.lanes import lanes_for
from zoo.training.problem import set_up
from zoo.training.run import open_run

SMALL = ["model.units=8", "training.batch_size=100", "training.epochs=2", "training.select=last"]


def recipe_of(name, *overrides):
    return load_recipe(name, overrides).recipe


def small_lstm():
    return registry.build("lstm", input_shape=[6, 3], units=8)


@pytest.mark.parametrize(
    ("builder", "cores", "expected"),
    [("lstm", 2, 2), ("transformer", 4, 4), ("ddpm", 3, 1)]  # 64 examples have no thirds
    + [("lstm", 1, 1), ("lstm", 16, 1), ("gru", 2, 1), ("seq2seq_transformer", 2, 1)],
)
def test_auto_is_the_number_of_a_few_cores_for_builders_that_gain(monkeypatch, builder, cores, expected):
    monkeypatch.setattr(lanes, "MIN_AUTO_WORK", 1)
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: range(cores), raising=False)
    recipe = recipe_of("mlp/digits", "training.batch_size=64")
    recipe = recipe.model_copy(update={"model": recipe.model.model_copy(update={"name": builder})})
    assert recipe.training.lanes == "auto"
    assert lanes_for(recipe, small_lstm(), Devices()) == expected


def test_auto_is_one_where_a_step_is_short_or_there_is_an_accelerator(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: range(2), raising=False)
    network = small_lstm()
    size = 2 * -(-lanes.MIN_AUTO_WORK // (2 * network.count_params()))
    long, short = (recipe_of("lstm/digits", "model.name=lstm", f"training.batch_size={n}") for n in (size, size // 2))
    assert lanes_for(long, network, Devices()) == 2
    assert lanes_for(short, network, Devices()) == 1
    assert lanes_for(long, network, Devices(count=2)) == 1
    monkeypatch.setattr(lanes, "has_accelerator", lambda: True)
    assert lanes_for(long, network, Devices()) == 1


def masked():
    x = keras.Input((6,), dtype="int32")
    return keras.Model(x, keras.layers.GlobalAveragePooling1D()(keras.layers.Embedding(9, 4, mask_zero=True)(x)))


def losing():
    x = keras.Input((6,))
    return keras.Model(x, keras.layers.ActivityRegularization(l2=1.0)(keras.layers.Dense(3)(x)))


def normalizing():
    x = keras.Input((6,))
    return keras.Model(x, keras.layers.BatchNormalization(name="norm")(keras.layers.Dense(3)(x)))


@pytest.mark.parametrize(
    ("network", "overrides", "devices", "reason"),
    [
        (small_lstm, ["training.batch_size=63"], 1, "training.batch_size is 63, which is no multiple of 2"),
        (small_lstm, [], 2, "2 devices share each batch already"),
        (normalizing, [], 1, "layer 'norm' computes moving_mean over a whole batch"),
        (masked, [], 1, "makes a mask"),
        (losing, [], 1, "adds a loss of its own"),
    ],
)
def test_lanes_that_a_network_cannot_take_are_refused(network, overrides, devices, reason):
    recipe = recipe_of("mlp/digits", "training.lanes=2", *overrides)
    with pytest.raises(ZooError, match=r"training\.lanes: expected 1 or auto for this run, received 2: ") as refused:
        lanes_for(recipe, network(), Devices(count=devices))
    assert reason in str(refused.value)
    one = recipe_of("mlp/digits", "training.lanes=1", *overrides)
    assert lanes_for(one, network(), Devices(count=devices)) == 1


def test_lanes_are_refused_on_another_backend(monkeypatch):
    network = small_lstm()
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(ZooError, match="lanes are for TensorFlow, and the backend is jax"):
        lanes_for(recipe_of("lstm/digits", "training.lanes=2"), network, Devices())


@pytest.mark.parametrize("name", ["gan/digits", "autoencoder/digits_vae"])
def test_recipes_that_lanes_would_change_are_refused(name):
    recipe = recipe_of(name, "training.lanes=2", "training.batch_size=64")
    dataset = load_dataset(recipe.data, TASKS[recipe.task], recipe.preprocess)
    with pytest.raises(ZooError, match=r"training\.lanes"):
        set_up(recipe, dataset)


@pytest.fixture(scope="module")
def digits():
    recipe = recipe_of("lstm/digits")
    return load_dataset(recipe.data, TASKS[recipe.task], recipe.preprocess)


def test_a_run_in_lanes_is_recorded_and_resumes_to_the_same_bits(digits, tmp_path):
    """And its saved models are those of a run in one lane."""
    two, one = (set_up(recipe_of("lstm/digits", *SMALL, f"training.lanes={n}"), digits) for n in (2, 1))
    assert two.recipe.training.lanes == two.views.trained.lanes == 2
    names = [[(v.name, v.shape) for v in problem.views.trained.variables] for problem in (two, one)]
    assert names[0] == names[1]
    whole = fit(two, tmp_path / "whole", Console(quiet=True))
    stopped = recipe_of("lstm/digits", *SMALL, "training.lanes=2", "training.stop_after=1")
    fit(set_up(stopped, digits), tmp_path / "cut", Console(quiet=True))
    again = set_up(recipe_of("lstm/digits", *SMALL, "training.lanes=2"), digits)
    fit(again, tmp_path / "cut", Console(quiet=True), resume=True)
    assert whole.history[-1]["loss"] < whole.history[0]["loss"]
    for a, b in zip(again.views.trained.get_weights(), two.views.trained.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    last = keras.saving.load_model(tmp_path / "whole" / "checkpoints" / "last.keras", safe_mode=True)
    x = two.train.array[:4]
    np.testing.assert_allclose(last.predict(x, verbose=0), two.views.trained.predict(x, verbose=0), atol=1e-5)
    one.views.trained.load_weights(tmp_path / "whole" / "checkpoints" / "best.weights.h5")


COMMAND = "import sys; from zoo.cli import main; sys.argv = ['zoo', *sys.argv[1:]]; main()"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["lstm/digits", "transformer/sunspots", "diffusion/digits"])
def test_command_and_function_give_the_same_bytes(name, tmp_path):
    overrides = ["training.lanes=2", "training.batch_size=64", "training.epochs=1", "training.select=last"]
    command = [sys.executable, "-c", COMMAND, "train", name, *overrides, "--runs", str(tmp_path / "a"), "--no-export"]
    done = subprocess.run([*command, "--json"], capture_output=True, text=True, check=True)
    runs = [json.loads(done.stdout)["run"], zoo.train(name, overrides, runs=tmp_path / "b", export=False)]
    weights = []
    for run in map(open_run, runs):
        assert run.recipe().recipe.training.lanes == 2
        with np.load(next((run.folder / "checkpoints").glob("step-*.npz"))) as state:
            weights.append({key: state[key] for key in state.files})
    assert weights[0].keys() == weights[1].keys()
    assert all(np.array_equal(weights[0][key], weights[1][key]) for key in weights[0] if key != "facts")


def test_the_recipe_of_a_run_has_a_number(tmp_path):
    run = open_run(zoo.train("mlp/wine", ["training.epochs=8"], runs=tmp_path, export=False))
    assert run.recipe().recipe.training.lanes == 1
