import re

import numpy as np
import pytest
from scipy.stats import binomtest

from zoo.evaluation.metrics.comparison import compare, mcnemar
from zoo.evaluation.metrics.evaluate import evaluate
from zoo.tasks import TASKS


def classifier(y: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Probabilities over two classes that are right where `right` says so."""
    chosen = np.where(right, y, 1 - y)
    return 0.8 * np.eye(2)[chosen] + 0.1


@pytest.fixture
def examples():
    generator = np.random.default_rng(0)
    return generator.integers(0, 2, 1000), generator.random(1000)


def test_better(examples):
    y, draw = examples
    result = compare(
        "image_classification", y, classifier(y, draw < 0.9), classifier(y, draw < 0.8), name="logistic_regression"
    )
    low, high = result["interval"]
    assert 0 < low < result["difference"] < high and result["p_value"] < 1e-6
    assert re.fullmatch(
        r"better than logistic regression by \d+\.\d points of accuracy \(95% CI \d+\.\d to \d+\.\d\)",
        result["verdict"],
    )


def test_worse_reports_the_size_without_a_sign(examples):
    y, draw = examples
    result = compare("image_classification", y, classifier(y, draw < 0.8), classifier(y, draw < 0.9), name="ridge")
    assert result["difference"] < 0 and result["interval"][1] < 0
    found = re.fullmatch(
        r"worse than ridge by ([\d.]+) points of accuracy \(95% CI ([\d.]+) to ([\d.]+)\)", result["verdict"]
    )
    amount, low, high = map(float, found.groups())
    assert low < amount < high


def test_no_better(examples):
    y, draw = examples
    other = np.random.default_rng(1).random(1000)
    result = compare("image_classification", y, classifier(y, draw < 0.8), classifier(y, other < 0.8), name="ridge")
    low, high = result["interval"]
    assert low < 0 < high and result["p_value"] > 0.05
    assert result["relation"] == "no clear difference"
    assert result["verdict"].startswith(("no better than ridge: ", "not clearly better than ridge: "))
    assert result["verdict"].endswith("; the simpler baseline may serve as well")
    assert f"95% CI {-100 * low:.1f} points behind to {100 * high:.1f} points ahead" in result["verdict"]


def test_a_model_that_equals_the_baseline_is_no_better(examples):
    y, draw = examples
    output = classifier(y, draw < 0.8)
    result = compare("image_classification", y, output, output)
    assert result["difference"] == 0 and result["interval"] == [0, 0] and result["p_value"] == 1
    assert result["verdict"].startswith("no better than the baseline: level, accuracy ")
    assert "(95% CI level to level);" in result["verdict"]


def test_pairing_narrows_the_interval(examples):
    y, draw = examples
    paired = compare("image_classification", y, classifier(y, draw < 0.9), classifier(y, draw < 0.88))
    other = np.random.default_rng(1).random(1000)
    unpaired = compare("image_classification", y, classifier(y, draw < 0.9), classifier(y, other < 0.88))
    assert np.diff(paired["interval"]) < 0.6 * np.diff(unpaired["interval"])


def test_regression_counts_a_smaller_error_as_better():
    y, noise = np.random.default_rng(0).normal(size=(2, 400))
    result = compare("tabular_regression", y, y + noise, y + 2 * noise, name="mean")
    assert result["difference"] == pytest.approx(np.abs(noise).mean())
    assert result["metric"] == "mae" and result["p_value"] is None
    assert result["verdict"].startswith("better than mean by 0.")
    assert "(50.0%) in mean absolute error (95% CI " in result["verdict"]


@pytest.mark.parametrize(("task", "metric"), [("tabular_regression", "mae"), ("image_classification", "accuracy")])
@pytest.mark.parametrize("strength", [0.6, 0.95, 1.0, 1.05, 1.6])
def test_ahead_means_better_whichever_way_the_metric_points(task, metric, strength):
    generator = np.random.default_rng(3)
    if metric == "mae":
        y, noise, other = generator.normal(size=(3, 60))
        model, baseline = y + noise / strength, y + other
    else:
        y = generator.integers(0, 2, 60)
        model, baseline = (classifier(y, generator.random(60) < p) for p in (0.5 * strength, 0.5))
    result = compare(task, y, model, baseline, name="ridge")
    figures = [evaluate(task, y, output)[metric] for output in (model, baseline)]
    ahead = figures[0] > figures[1] if metric == "accuracy" else figures[0] < figures[1]
    assert (result["difference"] > 0) == ahead
    low, high = result["interval"]
    clear = low > 0 or high < 0
    if result["relation"] != "no clear difference":
        assert clear and result["relation"] == ("better" if ahead else "worse")
        assert result["verdict"].startswith(f"{result['relation']} than ridge by ")
    else:
        assert not clear or result["p_value"] >= 0.05
        assert (" ahead, " in result["verdict"]) == ahead
        assert result["verdict"].startswith("not clearly better" if ahead else "no better")


def test_a_difference_that_mcnemar_does_not_find_is_not_clear():
    """Of 40 examples the model alone has 5 right, the baseline alone none: p = 0.0625, and the bootstrap excludes 0."""
    y = np.zeros(40, int)
    right = np.arange(40) < 30
    result = compare("image_classification", y, classifier(y, right), classifier(y, right & (np.arange(40) >= 5)))
    assert result["interval"][0] > 0 and result["p_value"] == pytest.approx(0.0625)
    assert result["relation"] == "no clear difference"
    assert result["verdict"].startswith(
        "not clearly better than the baseline: 12.5 points ahead, accuracy 75.0% against"
    )
    assert "p = 0.062" in result["verdict"]


def test_output_that_is_not_finite_is_not_compared(examples):
    y, draw = examples
    output = classifier(y, draw < 0.8)
    result = compare("image_classification", y, output * np.nan, output, name="ridge")
    assert result["verdict"] == "not comparable with ridge: the model's output is not finite"
    assert result["interval"] is None and result["difference"] is None


def test_mcnemar_against_the_binomial_test():
    model, baseline = np.arange(20) < 15, np.arange(20) >= 12
    assert mcnemar(model, baseline) == pytest.approx(binomtest(12, 17, 0.5).pvalue)


@pytest.mark.parametrize("kind", ["forecasting", "tokens", "sequences", "transcription", "segmentation", "detection"])
def test_every_kind(made, kind):
    inputs, _ = made.report_inputs(kind)
    task, (y, output), worse = inputs["task"], inputs["outputs"]["test"], inputs["baseline"]["test"]
    result = compare(task, y, output, worse, name="the_old_way", resamples=100)
    assert result["metric"] == TASKS[task].primary and result["interval"][0] > 0
    assert result["verdict"].startswith("better than the old way by ")
    assert (result["p_value"] is None) == (kind not in ("sequences", "transcription"))
    turned = compare(task, y, worse, output, resamples=100)
    assert turned["difference"] == -result["difference"] and turned["verdict"].startswith("worse than the baseline by ")
    same = compare(task, y, output, output, resamples=10)
    assert same["difference"] == 0 and same["verdict"].startswith("no better")


def test_a_metric_that_is_not_defined_is_not_compared(made):
    y, output = made.detection()
    y[..., 4] = -1
    result = compare("object_detection", y, output, output)
    assert result["interval"] is None and "AP50 is not defined on these examples" in result["verdict"]
