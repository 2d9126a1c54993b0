"""Training on the digits, small: figures, checkpoints, stopping, and the same bits from the same seed."""

import csv
import json
import warnings

import keras
import numpy as np
import pytest
from rich.console import Console

from zoo.data.sources.load import load_dataset
from zoo.errors import ZooError
from zoo.recipe import load_recipe
from zoo.tasks import TASKS
from zoo.training.fit import fit
from zoo.training.problem import set_up

SMALL = ["model.widths=[8]", "training.batch_size=100", "training.epochs=3", "optimizer.learning_rate=0.01"]
STEPS = 12  # whole batches in an epoch


@pytest.fixture(scope="module")
def digits():
    recipe = load_recipe("mlp/digits").recipe
    return load_dataset(recipe.data, TASKS[recipe.task])


@pytest.fixture
def train(digits, tmp_path):
    """Return a function that trains the small network on the digits; gives problem and result."""

    def run(*overrides, recipe="mlp/digits", console=None):
        problem = set_up(load_recipe(recipe, [*SMALL, *overrides]).recipe, digits)
        return problem, fit(problem, tmp_path, console or Console(quiet=True))

    return run


def weights(problem):
    return problem.views.trained.get_weights()


def same(first, second):
    return all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize(("setting", "in_use"), [("auto", True), ("off", False)])
def test_the_environment_names_the_kernels_in_use(train, tmp_path, setting, in_use):
    (tmp_path / "environment.json").write_text('{"recipe": "mlp/digits", "versions": {}, "hardware": {}}')
    train(f"training.cpu_kernels={setting}", "training.epochs=2")
    facts = json.loads((tmp_path / "environment.json").read_text())
    assert facts["recipe"] == "mlp/digits"
    assert facts["backend"]["name"] == "tensorflow" and facts["backend"]["devices"] == 1
    assert ("batch_norm" in facts["backend"]["cpu_kernels"]) is in_use


def test_history_log_and_checkpoints(train, tmp_path):
    problem, fitted = train("training.select=last")
    assert [row["epoch"] for row in fitted.history] == [1, 2, 3] and fitted.kept_epoch == 3
    figures = {"loss", "val_loss", "accuracy", "val_accuracy", "learning_rate", "seconds"}
    assert all(figures <= set(row) and np.isfinite(list(row.values())).all() for row in fitted.history)
    assert fitted.history[-1]["loss"] < fitted.history[0]["loss"]
    assert fitted.history[-1]["seconds"] <= fitted.seconds
    with open(tmp_path / "metrics.csv", newline="") as file:
        rows = [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]
    assert rows == fitted.history
    assert list((tmp_path / "tensorboard").rglob("events*"))
    last = keras.saving.load_model(tmp_path / "checkpoints" / "last.keras", safe_mode=True)
    assert same(last.get_weights(), weights(problem))


def test_figures_are_those_of_the_model(train):
    problem, fitted = train("training.select=last")
    validation = problem.dataset.validation
    found = problem.outputs(problem.validation)
    assert fitted.history[-1]["val_accuracy"] == pytest.approx((found.argmax(1) == validation.targets).mean())
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)


def test_the_best_epoch_is_kept(train, tmp_path):
    problem, fitted = train("training.select=best", "optimizer={name: sgd, learning_rate: 20}", "training.epochs=5")
    accuracy = [row["val_accuracy"] for row in fitted.history]
    best = max(fitted.history, key=lambda row: (row["val_accuracy"], -row["val_loss"], row["epoch"]))
    assert fitted.kept_epoch == best["epoch"] and accuracy[-1] != max(accuracy)
    kept = weights(problem)
    correct = problem.outputs(problem.validation).argmax(1) == problem.dataset.validation.targets
    assert correct.mean() == pytest.approx(max(accuracy))
    problem.views.trained.load_weights(tmp_path / "checkpoints" / "best.weights.h5")
    assert same(weights(problem), kept)
    last = keras.saving.load_model(tmp_path / "checkpoints" / "last.keras")
    assert not same(last.get_weights(), kept)


@pytest.mark.parametrize(
    "per_call",
    [
        pytest.param(5, marks=pytest.mark.ci),
        pytest.param(8, marks=pytest.mark.slow),
        pytest.param(500, marks=pytest.mark.slow),
        "auto",
    ],
)
def test_several_steps_in_one_call_change_nothing(train, per_call):
    """Neither the number of steps in an epoch, nor a bit of the weights, also where it does not divide the epoch."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        one, fitted_one = train("training.steps_per_execution=1")
        many, fitted_many = train(f"training.steps_per_execution={per_call}")
    assert int(many.views.trained.optimizer.iterations.numpy()) == 3 * STEPS
    assert same(weights(one), weights(many))
    for row, other in zip(fitted_one.history, fitted_many.history, strict=True):
        assert {**row, "seconds": 0} == pytest.approx({**other, "seconds": 0}, rel=1e-5)


def test_the_learning_rate_follows_the_epochs(train):
    schedule = "{schedule: step, initial: 0.1, factor: 0.5, epochs: [1, 2]}"
    _, fitted = train(f"optimizer.learning_rate={schedule}", "training.steps_per_execution=8")
    assert [row["learning_rate"] for row in fitted.history] == pytest.approx([0.05, 0.025, 0.025])


def test_early_stopping(train):
    patience = "regularization.early_stopping={patience: 2, min_delta: 100}"
    _, fitted = train(patience, "training.epochs=9", "training.select=last")
    assert len(fitted.history) == fitted.kept_epoch == 3  # the first sets the mark, two do not better it
    _, fitted = train("regularization.early_stopping={patience: 2}", "training.epochs=4")
    assert len(fitted.history) == 4


def test_the_same_seed_gives_the_same_bits(train):
    random = ["model.dropout=0.3", "augment=[{random_translation: {height: 0.2, width: 0.2}}]"]
    random += ["regularization.mixup=0.3"]
    first = weights(train(*random)[0])
    assert same(weights(train(*random)[0]), first)
    assert not same(weights(train(*random, "training.seed=1")[0]), first)
    streamed = weights(train(*random, "data.memory=streamed")[0])
    assert same(streamed, first)


@pytest.mark.ci
def test_convolutions_too(train):
    settings = ["model.widths=[4]", "model.depth=1", "training.epochs=1"]
    first, second = (weights(train(*settings, recipe="cnn/digits")[0]) for _ in range(2))
    assert same(first, second)


def test_what_is_read_once_is_not_held_where_it_is_large(digits, monkeypatch):
    problem = set_up(load_recipe("mlp/digits", SMALL).recipe, digits)
    held = problem.prepare(digits.test)
    monkeypatch.setattr("zoo.training.problem.MAX_RESIDENT_BYTES_ONCE", 1000)
    read = problem.prepare(digits.test)
    assert held.array is not None and read.array is None
    np.testing.assert_array_equal(problem.outputs(read), problem.outputs(held))


def test_a_batch_larger_than_the_data(digits):
    recipe = load_recipe("mlp/digits", ["training.batch_size=2000"]).recipe
    with pytest.raises(
        ZooError, match=r"training\.batch_size is 2000, and the training split of builtin:digits has 12"
    ):
        set_up(recipe, digits)


def test_numbers_are_trained_in_units_of_their_deviation(reopened):
    run, dataset, _ = reopened("regression")
    problem = set_up(run.recipe().recipe, dataset)
    y = dataset.train.targets.astype(np.float64)
    assert (problem.scale.mean, problem.scale.std) == pytest.approx((y.mean(), y.std()))
    np.testing.assert_allclose(problem.train.targets[:, 0], (y - y.mean()) / y.std(), atol=1e-5)
    logits = problem.views.trained.predict(problem.train.array, verbose=0)[:, 0]
    np.testing.assert_allclose(problem.outputs(problem.train), logits * y.std() + y.mean(), rtol=1e-4)


def test_progress_is_a_line_an_epoch_where_there_is_no_terminal(train):
    import io

    out = io.StringIO()
    train(console=Console(file=out, width=200))
    lines = out.getvalue().splitlines()
    assert [line.split()[1] for line in lines] == ["1/3", "2/3", "3/3"]
    assert all("loss" in line and "val_accuracy" in line and "steps/s" in line and "left" in line for line in lines)
