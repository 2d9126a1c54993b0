"""`zoo schedule` and `zoo find-lr`, on small data and without it."""

import json

import numpy as np
import pytest

from zoo.commands import learning_rate as rates
from zoo.data.batches import training_batches
from zoo.data.sources.load import load_dataset
from zoo.errors import ZooError
from zoo.recipe import load_recipe
from zoo.recipe.schedules import Exponential
from zoo.tasks import TASKS
from zoo.training import range_test
from zoo.training.fit import compile_for_training
from zoo.training.problem import set_up

SMALL = ["model.widths=[16]", "data.per_class=20", "training.batch_size=20"]
COSINE = "optimizer.learning_rate={schedule: cosine, peak: 0.1}"

TOO_LONG = "optimizer.learning_rate={schedule: warmup_linear, peak: 1, warmup: 90 steps}"


# --- schedule -----------------------------------------------------------------------------------------------------


def test_the_schedule_of_a_run(zoo, tmp_path):
    code, out, err = zoo("schedule", "mlp/digits", COSINE, "training.epochs=4", "--steps-per-epoch", "25", "--json")
    found = json.loads(out)
    assert (code, err) == (0, "")
    assert found["steps"] == list(range(100)) and found["groups"] == [] and found["note"] is None
    assert (found["recipe"], found["epochs"], found["steps_per_epoch"]) == ("mlp/digits", 4, 25)
    np.testing.assert_allclose(found["rates"], 0.05 * (1 + np.cos(np.pi * np.arange(100) / 100)), rtol=1e-5, atol=1e-8)
    assert list(tmp_path.iterdir()) == []


def test_as_text(zoo, monkeypatch):
    monkeypatch.setenv("COLUMNS", "70")
    code, out, err = zoo("schedule", "mlp/digits", "--steps-per-epoch", "5", COSINE)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].startswith("mlp/digits: learning rate 0.1 … 0.1 … ")
    assert max(map(len, lines)) <= 70 and lines[1].count("█") < lines[-2].count("█")


def test_steps_are_counted_on_the_data():
    assert rates.schedule("mlp/digits", [*SMALL, COSINE])["steps_per_epoch"] == 10
    with pytest.raises(ZooError, match="batch_size is 500, and the training split of builtin:digits has 200"):
        rates.schedule("mlp/digits", [*SMALL, COSINE, "training.batch_size=500"])


def test_of_a_long_run_some_steps_are_looked_at():
    found = rates.schedule("mlp/digits", [COSINE, "training.epochs=1000"], steps_per_epoch=1000)
    assert len(found["steps"]) == len(found["rates"]) == 500
    assert (found["steps"][0], found["steps"][-1]) == (0, 999_999)


def test_groups_and_what_a_curve_cannot_show(zoo):
    group = "optimizer.groups=[{layers: 'a*', learning_rate: 0.5}, {layers: b, weight_decay: 0.1}]"
    found = rates.schedule("mlp/digits", [COSINE, group, "training.epochs=2"], steps_per_epoch=2)
    assert found["groups"] == [{"layers": "a*", "rates": [0.5] * 4}]
    plateau = "optimizer.learning_rate={schedule: reduce_on_plateau, initial: 0.25, patience: 1}"
    found = rates.schedule("mlp/digits", [plateau, "training.epochs=3"], steps_per_epoch=2)
    assert found["rates"] == [0.25] * 6 and "where the validation loss does not" in found["note"]
    found = rates.schedule("mlp/digits", [COSINE, "optimizer.layer_decay=0.5"], steps_per_epoch=2)
    assert "the rate of the head" in found["note"]


@pytest.mark.parametrize(("name", "head"), [("curve.png", b"\x89PNG"), ("curve.svg", b"<?xml")])
def test_the_curve_as_a_file(zoo, tmp_path, name, head):
    assert zoo("schedule", "mlp/digits", COSINE, "--steps-per-epoch", "5", "--output", name)[0] == 0
    assert (tmp_path / name).read_bytes().startswith(head)
    assert [path.name for path in tmp_path.iterdir()] == [name]


# --- bad input ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["schedule", "mlp/digit"], "there is no recipe 'mlp/digit'"),
        (["find-lr", "mlp/digit"], "there is no recipe 'mlp/digit'"),
        (
            ["schedule", "mlp/digits", "--output", "a.pdf"],
            "--output: expected a name that ends in .png or .svg, received",
        ),
        (["find-lr", "mlp/digits", "--output", "a"], "--output: expected a name that ends in .png or .svg, received a"),
        (
            ["find-lr", "mlp/digits", "--low", "1", "--high", "0.1"],
            "--low and --high: expected 0 < low < high, received",
        ),
        (["find-lr", "mlp/digits", "--low", "0"], "--low and --high: expected 0 < low < high, received 0 and 10"),
        (["find-lr", "gan/digits"], "gan/digits: a GAN has two losses that play against each other"),
        (
            [*("schedule", "mlp/digits", "--steps-per-epoch", "2", "training.epochs=9"), TOO_LONG],
            "optimizer.learning_rate.warmup: 90 steps do not fit into the run, which has 18 steps",
        ),
    ],
)
def test_what_the_user_can_put_right(zoo, tmp_path, arguments, message):
    code, out, err = zoo(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith(f"error: {message}") and len(err.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


# --- find-lr ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """Return what the test on a small network gives."""
    output = tmp_path_factory.mktemp("curve") / "curve.png"
    return rates.find_rate("mlp/digits", SMALL, steps=60, low=1e-6, high=1e3, output=output), output


def test_the_rate_rises_until_the_loss_does(found):
    result, output = found
    ran = len(result["rates"])
    assert result["diverged"] and 20 < ran < 60
    np.testing.assert_allclose(result["rates"], np.geomspace(1e-6, 1e3, 60)[:ran], rtol=1e-6)
    assert len(result["losses"]) == len(result["smoothed"]) == ran
    assert result["smoothed"][-1] > 4 * min(result["smoothed"])
    assert 1e-4 < result["suggestion"] < 0.3
    assert result["tenth_of_minimum"] == pytest.approx(result["rates"][int(np.argmin(result["smoothed"]))] / 10)
    assert [path.name for path in output.parent.iterdir()] == ["curve.png"]


def test_the_losses_are_those_of_the_batches():
    """As training at these rates gives them, one step after the other, also across epochs."""
    recipe = load_recipe("mlp/digits", [*SMALL, "model.dropout=0", "training.seed=3"]).recipe
    data = load_dataset(recipe.data, TASKS[recipe.task])
    low, high, steps = 1e-4, 1e-2, 20
    result = range_test.range_test(set_up(recipe, data), steps, low, high)
    again = set_up(recipe, data)
    rate = Exponential(schedule="exponential", initial=low, factor=high / low, every="19 steps")
    compile_for_training(again, recipe.optimizer.model_copy(update={"learning_rate": rate}), 10, 2)
    expected = []
    for start in (0, 10):
        for x, y in training_batches(again.train, recipe, start=start, steps=10):
            again.views.trained.reset_metrics()
            expected.append(float(again.views.trained.train_on_batch(x, y)[0]))
    np.testing.assert_allclose(result.losses, expected, rtol=1e-4)
    assert not result.diverged and len(result.losses) == steps


def test_as_json_and_as_text(zoo, monkeypatch, tmp_path):
    made = range_test.RangeTest([1e-3, 1e-2, 0.1], [3.0, 2.0, 4.0], [3.0, 2.4, 3.3], 0.01, 0.001, False)
    monkeypatch.setattr(range_test, "range_test", lambda *arguments: made)
    code, out, err = zoo("find-lr", "mlp/digits", *SMALL, "--json")
    assert code == 0 and json.loads(out) == {"recipe": "mlp/digits", **vars(made)}
    assert err == "mlp/digits: 100 steps, learning rate 1e-06 to 10\n"
    lines = zoo("find-lr", "mlp/digits", *SMALL)[1].splitlines()
    assert lines[-2:] == ["steepest                 0.01", "a tenth of the lowest    0.001"]
    assert list(tmp_path.iterdir()) == []
    flat = range_test.RangeTest([1e-3, 1e-2], [2.0, 3.0], [2.0, 2.5], None, None, False)
    monkeypatch.setattr(range_test, "range_test", lambda *arguments: flat)
    assert "the loss did not fall" in zoo("find-lr", "mlp/digits", *SMALL)[1]


def test_smoothing_has_no_bias():
    assert range_test.smooth([2.0] * 30, 100) == pytest.approx([2.0] * 30)
    assert range_test.smooth([1.0, 3.0], 100)[1] == pytest.approx((0.9 * 0.1 * 1.0 + 0.1 * 3.0) / (1 - 0.9**2))


def test_what_is_suggested_on_a_curve_that_is_known():
    """A logistic fall around 1e-2 and a rise from 1: the middle of the fall, and a tenth of where it ends."""
    power = np.linspace(-6, 1, 100)
    loss = 1 - 1 / (1 + np.exp(-4 * (power + 2))) + np.exp(8 * (power - 0.5))
    steepest, tenth = range_test.suggestions(10**power, loss.tolist(), 100)
    assert np.log10(steepest) == pytest.approx(-2, abs=0.1)
    assert tenth == pytest.approx(10 ** power[np.argmin(loss)] / 10)
    assert range_test.suggestions(10**power, power.tolist(), 100) == (None, None)
