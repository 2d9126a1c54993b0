"""Which baselines are tried, and that the best on validation is the one that is named."""

from dataclasses import replace

import numpy as np
import pytest

from zoo.data.preprocessing import fit_preprocessor
from zoo.data.sources.load import load_dataset
from zoo.errors import ZooError
from zoo.evaluation.baselines import run
from zoo.evaluation.metrics.evaluate import evaluate
from zoo.recipe import load_recipe
from zoo.tasks import TASKS


def prepared(name, *overrides):
    """Return a recipe, its data and its preprocessing."""
    recipe = load_recipe(name, overrides).recipe
    dataset = load_dataset(recipe.data, TASKS[recipe.task], recipe.preprocess)
    return recipe, dataset, fit_preprocessor(recipe.preprocess, dataset)


@pytest.fixture(scope="module")
def wine():
    return prepared("mlp/wine", "evaluation.baseline=majority_class")


@pytest.fixture(scope="module")
def sunspots():
    return prepared("transformer/sunspots")


def test_the_strongest_is_chosen_on_validation_and_all_are_told(wine):
    recipe, dataset, _ = wine
    found = run.run_strongest_baseline(*wine)
    tried = {entry["name"]: entry["accuracy"] for entry in found["tried"]}
    assert list(tried) == ["majority_class", "logistic_regression", "gradient_boosting"]
    assert found["name"] == max(tried, key=tried.get) != "majority_class"
    counts = np.bincount(dataset.validation.targets, minlength=3)
    most = np.bincount(dataset.train.targets).argmax()
    assert tried["majority_class"] == pytest.approx(counts[most] / counts.sum())
    for name in tried:
        alone = run.run_baseline(*wine, name=name)
        assert tried[name] == evaluate(recipe.task, dataset.validation.targets, alone["validation"])["accuracy"]


def test_of_equal_ones_it_is_the_recipes_own(wine, monkeypatch):
    monkeypatch.setattr(run, "evaluate", lambda *a: {"accuracy": 0.5})
    assert run.run_strongest_baseline(*wine)["name"] == "majority_class"


def test_the_metric_that_is_better_where_lower_is_read_so(sunspots):
    """Of the yearly sunspots, the naive forecast is far behind ridge regression on the window."""
    _, dataset, preprocessor = sunspots
    simple = load_recipe("transformer/sunspots", ["evaluation.baselines=[naive, seasonal_naive, drift, ridge]"]).recipe
    found = run.run_strongest_baseline(simple, dataset, preprocessor)
    assert found["name"] == "ridge"
    values = {entry["name"]: entry["mase"] for entry in found["tried"]}
    assert values["ridge"] == min(values.values()) < 0.6 * values["naive"]
    assert evaluate("forecasting", dataset.test.targets, found["test"])["mase"] == pytest.approx(0.986, abs=0.02)


def test_what_is_tried_where_the_recipe_does_not_say(wine, sunspots, monkeypatch):
    recipe, dataset, preprocessor = sunspots
    assert run.baselines_to_try(recipe, dataset, preprocessor) == [
        "exponential_smoothing",
        "naive",
        "seasonal_naive",
        "drift",
        "ridge",
        "theta",
        "arima",
    ]
    monkeypatch.setattr(run, "MAX_ARIMA_STEPS", 100)
    assert "arima" not in run.baselines_to_try(recipe, dataset, preprocessor)
    monkeypatch.setattr(run, "MAX_TRIED_VALUES", 100)
    assert run.baselines_to_try(*wine) == ["majority_class"]
    alone = load_recipe("transformer/sunspots", ["evaluation.baselines=[]"]).recipe
    assert run.baselines_to_try(alone, dataset, preprocessor) == ["exponential_smoothing"]


def test_one_that_cannot_be_fitted_is_passed_over_with_its_problem(wine, monkeypatch):
    real = run.run_baseline

    def fails(*arguments, name, code):
        if name != "logistic_regression":
            raise ZooError(f"{name} is missing")
        return real(*arguments, name=name, code=code)

    monkeypatch.setattr(run, "run_baseline", fails)
    found = run.run_strongest_baseline(*wine)
    assert found["name"] == "logistic_regression"
    assert found["tried"][0] == {"name": "majority_class", "problem": "majority_class is missing"}
    monkeypatch.setattr(run, "run_baseline", lambda *a, name, code: fails(*a, name="none", code=code))
    with pytest.raises(ZooError, match="none is missing"):
        run.run_strongest_baseline(*wine)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        (
            "evaluation.baselines=[ridge]",
            r"override .*: evaluation\.baselines\.0: no baseline 'ridge' for ",
        ),
        ("evaluation.baseline=null", None),
    ],
)
def test_names_are_checked(override, message):
    if message is None:
        with pytest.raises(ZooError, match="nothing is compared"):
            load_recipe("mlp/wine", ["evaluation.baselines=[majority_class]", override])
    else:
        with pytest.raises(ZooError, match=message):
            load_recipe("mlp/wine", [override])


def test_all_baselines_of_texts_with_numbers_are_tried(tmp_path):
    words = np.array(["ash", "bay", "elm", "fir", "oak", "yew"])
    chosen = np.random.default_rng(0).integers(0, 6, (300, 4))
    rows = [f"{' '.join(words[row])},{10 * (row == 2).any() - 4 * (row == 5).any()}" for row in chosen]
    (tmp_path / "t.csv").write_text("\n".join(["note,cost", *rows]))
    (tmp_path / "mine.yaml").write_text(
        "extends: [_base/sequence_regression, _base/adamw_cosine]\n"
        'data: {source: "csv:t.csv", text: note, target: cost}\n'
        "model: {name: lstm, units: 8}\ntraining: {epochs: 20}\n"
    )
    found = run.run_strongest_baseline(*prepared(tmp_path / "mine.yaml"))
    tried = {entry["name"]: entry.get("mse", entry.get("problem")) for entry in found["tried"]}
    assert set(tried) == {"ridge", "mean", "gradient_boosting"} and found["name"] == "gradient_boosting"
    assert tried["gradient_boosting"] < 0.5 * tried["ridge"] < tried["mean"]  # it is either there or not


def test_a_baseline_answers_other_examples_as_it_does_the_test_split(wine, sunspots, monkeypatch):
    """It is fitted again, once for a data set, and its answers stay in the cache."""
    for (recipe, dataset, preprocessor), name in ((wine, "logistic_regression"), (sunspots, "ridge")):
        test, series = dataset.test, dataset.series
        some = np.arange(0, len(test), 2)
        cases = {"all": (dataset, test)}
        if series is None:
            cases["some"] = (dataset, test.part(some))
        else:
            origins = {**series.origins, "test": series.origins["test"][some]}
            cases["some"] = (replace(dataset, series=replace(series, origins=origins)), test.part(some))
        known = run.run_baseline(recipe, dataset, preprocessor, name=name)["test"]
        found = run.run_baseline_on(recipe, preprocessor, cases, name=name, version=0)
        np.testing.assert_allclose(found["all"], known)
        np.testing.assert_allclose(found["some"], known[some])
        with monkeypatch.context() as patch:
            patch.setattr(run, "_data", None)  # nothing is fitted
            again = run.run_baseline_on(recipe, preprocessor, cases, name=name, version=0)
            np.testing.assert_array_equal(again["some"], found["some"])
            with pytest.raises(TypeError):
                run.run_baseline_on(recipe, preprocessor, cases, name=name, version=1)
