"""Temperature scaling: the number against made-up logits, and in the model that is saved."""

import keras
import numpy as np
import pytest
from rich.console import Console
from scipy.special import log_softmax, softmax

from zoo.data.sources.load import load_dataset
from zoo.recipe import load_recipe
from zoo.tasks import TASKS
from zoo.training.fit import fit
from zoo.training.problem import set_up
from zoo.training.saved_outputs import saved_outcomes
from zoo.training.temperature import best_temperature, fit_temperature, temperature_of, without_temperature


@pytest.mark.parametrize("factor", [0.4, 1.0, 3.0])
def test_overconfidence_is_divided_out(factor):
    generator = np.random.default_rng(0)
    true = generator.normal(0, 2, (20_000, 4))
    y = np.array([generator.choice(4, p=row) for row in softmax(true, axis=1)])
    assert best_temperature(factor * true, y) == pytest.approx(factor, rel=0.05)


def test_the_log_loss_has_its_minimum_there():
    generator = np.random.default_rng(1)
    y = generator.integers(0, 3, 200)
    logits = generator.normal(0, 3, (200, 3)) + 3 * np.eye(3)[y]
    found = best_temperature(logits, y)
    losses = [-log_softmax(logits / t, axis=1)[np.arange(200), y].mean() for t in (found / 1.01, found, found * 1.01)]
    assert losses[1] <= min(losses)


def test_it_stays_1_where_no_example_is_wrong():
    y = np.arange(30) % 3
    assert best_temperature(np.eye(3)[y], y) == 1.0


@pytest.mark.parametrize(
    ("loss", "members"),
    [
        pytest.param("categorical_crossentropy", None, marks=pytest.mark.ci),
        pytest.param("binary_crossentropy", None, marks=pytest.mark.ci),
        ("focal", 2),
    ],
)
@pytest.mark.ci
def test_the_saved_model_has_it_and_says_the_same_classes(tmp_path, loss, members):
    lines = ["model.widths=[64]", "training.epochs=8", "training.batch_size=64", "optimizer.learning_rate=0.01"]
    lines += [f"loss={{name: {loss}}}", "evaluation.temperature=true", "data.per_class=15", "optimizer.weight_decay=0"]
    lines += [] if members is None else [f"model.ensemble={members}"]
    recipe = load_recipe("mlp/digits", lines).recipe
    data = load_dataset(recipe.data, TASKS[recipe.task])
    problem = set_up(recipe, data)
    fit(problem, tmp_path, Console(quiet=True))
    found = fit_temperature(problem)
    problem.views.saved.save(tmp_path / "model.keras")
    model = keras.saving.load_model(tmp_path / "model.keras")
    assert temperature_of(model) == pytest.approx(found) and abs(np.log(found)) > 0.05
    task, y = TASKS[recipe.task], data.validation.targets
    after = saved_outcomes(model, data.validation, data.signature, task)
    with without_temperature(model):
        before = saved_outcomes(model, data.validation, data.signature, task)
    assert temperature_of(model) == pytest.approx(found)
    logits = np.log(before.astype(np.float64))  # up to a constant in each row, which the softmax takes out
    np.testing.assert_allclose(after, softmax(logits / found, axis=1), rtol=2e-3, atol=1e-6)
    np.testing.assert_array_equal(after.argmax(1), before.argmax(1))
    rows = np.arange(len(y))
    assert -np.log(after[rows, y]).mean() < -np.log(before[rows, y]).mean()
