import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm, rankdata

from zoo.evaluation.metrics.classification import classification_metrics, expected_calibration_error
from zoo.evaluation.metrics.evaluate import evaluate
from zoo.evaluation.metrics.intervals import bootstrap, intervals, percentile_interval, wilson
from zoo.evaluation.metrics.kinds import KINDS
from zoo.evaluation.metrics.regression import regression_metrics


def predictions(seed: int, n: int = 200, classes: int = 4) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    y = np.concatenate([np.arange(classes), generator.integers(0, classes, n - classes)])
    logits = generator.normal(size=(n, classes)) + 1.5 * np.eye(classes)[y]
    p = np.exp(logits)
    return y, p / p.sum(1, keepdims=True)


def test_classification_against_formulas():
    y, p = predictions(0)
    predicted = p.argmax(1)
    recalls, f1, areas, precisions = [], [], [], []
    for c in range(4):
        hits = ((predicted == c) & (y == c)).sum()
        recalls.append(hits / (y == c).sum())
        f1.append(2 * hits / ((y == c).sum() + (predicted == c).sum()))
        positives = (y == c).sum()
        ranks = rankdata(p[:, c])[y == c].sum()
        precision_at = [(y[p[:, c] >= p[i, c]] == c).mean() for i in np.flatnonzero(y == c)]
        precisions.append(np.mean(precision_at))
        areas.append((ranks - positives * (positives + 1) / 2) / (positives * (len(y) - positives)))
    assert classification_metrics(y, p) == pytest.approx(
        {
            "accuracy": (predicted == y).mean(),
            "balanced_accuracy": np.mean(recalls),
            "macro_f1": np.mean(f1),
            "log_loss": -np.log(p[np.arange(len(y)), y]).mean(),
            "expected_calibration_error": calibration_error_by_loop(y, p),
            "roc_auc": np.mean(areas),
            "average_precision": np.mean(precisions),
            "brier_score": ((p - np.eye(4)[y]) ** 2).sum(1).mean(),
        }
    )


def calibration_error_by_loop(y, p):
    total = 0.0
    for m in range(1, 16):
        inside = [i for i in range(len(y)) if (m - 1) / 15 < p[i].max() <= m / 15]
        if inside:
            accuracy = np.mean([p[i].argmax() == y[i] for i in inside])
            total += len(inside) / len(y) * abs(accuracy - np.mean([p[i].max() for i in inside]))
    return total


def test_calibration_error_of_a_known_case():
    p = np.array([[0.9, 0.1]] * 10)
    assert expected_calibration_error(np.zeros(10, int), p) == pytest.approx(0.1)
    assert expected_calibration_error(np.array([0] * 9 + [1]), p) == pytest.approx(0.0)


def test_regression_against_formulas():
    generator = np.random.default_rng(1)
    y, prediction = generator.normal(size=(2, 101))
    error = prediction - y
    assert regression_metrics(y, prediction) == pytest.approx(
        {
            "mae": abs(error).mean(),
            "rmse": math.sqrt((error**2).mean()),
            "r2": 1 - (error**2).sum() / ((y - y.mean()) ** 2).sum(),
            "median_absolute_error": np.median(abs(error)),
            "mse": (error**2).mean(),
        }
    )


def test_roc_auc_is_left_out_when_a_class_does_not_occur():
    assert "roc_auc" in classification_metrics(np.array([0, 1, 1]), np.array([[0.7, 0.3], [0.4, 0.6], [0.2, 0.8]]))
    assert "roc_auc" not in classification_metrics(np.array([1, 1]), np.array([[0.4, 0.6], [0.2, 0.8]]))


def test_output_that_is_not_finite_gives_nan_and_no_intervals():
    y, p = predictions(0)
    p[3] = np.nan
    assert all(math.isnan(value) for value in classification_metrics(y, p).values())
    assert all(math.isnan(value) for value in regression_metrics(np.ones(2), np.array([1, np.inf])).values())
    assert intervals("image_classification", y, p) == {}


@pytest.mark.parametrize(
    ("y", "output", "message"),
    [
        ([0, 1], [[0.5, 0.5]], r"received \(2,\) and \(1, 2\)"),
        ([0, 2], [[0.5, 0.5], [0.5, 0.5]], r"0\.\.1; received 0 to 2"),
        ([0, 1], [[3.0, -1.0], [0.0, 1.0]], "negative"),
        ([], np.zeros((0, 2)), "received"),
    ],
)
def test_wrong_input_is_named(y, output, message):
    with pytest.raises(ValueError, match=message):
        classification_metrics(np.array(y), np.array(output))
    with pytest.raises(ValueError, match=r"received \(2,\) and \(2, 1\)"):
        regression_metrics(np.zeros(2), np.zeros((2, 1)))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 6), st.integers(10, 60))
def test_classification_properties(seed, classes, n):
    y, p = predictions(seed, n, classes)
    result = classification_metrics(y, p)
    assert all(0 <= value <= 1 + 1e-12 for name, value in result.items() if name not in ("log_loss", "brier_score"))
    assert result["log_loss"] >= 0 and 0 <= result["brier_score"] <= (1 if classes == 2 else 2)
    order = np.random.default_rng(seed).permutation(n)
    assert classification_metrics(y[order], p[order]) == pytest.approx(result)
    perfect = classification_metrics(y, np.eye(classes)[y])
    assert perfect["accuracy"] == perfect["macro_f1"] == perfect["balanced_accuracy"] == perfect["roc_auc"] == 1
    assert perfect["log_loss"] == pytest.approx(0) and perfect["expected_calibration_error"] == pytest.approx(0)


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_against_its_formula(case):
    successes, trials = case
    z, rate = norm.ppf(0.975), successes / trials
    center, scale = rate + z**2 / (2 * trials), 1 + z**2 / trials
    margin = z * math.sqrt(rate * (1 - rate) / trials + z**2 / (4 * trials**2))
    assert wilson(successes, trials) == pytest.approx([(center - margin) / scale, (center + margin) / scale], abs=1e-12)


@pytest.mark.parametrize("task", ["image_classification", "tabular_regression"])
def test_resampled_metrics_equal_the_metrics_of_the_copied_examples(task):
    y, output = predictions(2, n=61)
    kind, names = "classification", ("accuracy", "balanced_accuracy", "macro_f1", "log_loss", "brier_score")
    if task == "tabular_regression":
        kind, names = "regression", ("mae", "rmse", "r2", "median_absolute_error", "mse")
        y, output = output[:, 0], output[:, 1]
    generator = np.random.default_rng(0)
    statistic = KINDS[kind].resampled(y, output)
    for _ in range(5):
        drawn = generator.integers(0, len(y), len(y))
        counts = np.bincount(drawn, minlength=len(y)).astype(float)
        metrics = evaluate(task, y[drawn], output[drawn])
        assert statistic(counts) == pytest.approx([metrics[name] for name in names])


def test_intervals_hold_the_metric_and_repeat_with_the_seed():
    y, p = predictions(3, n=300)
    found = intervals("image_classification", y, p, resamples=200)
    metrics = classification_metrics(y, p)
    assert set(found) == {"accuracy", "balanced_accuracy", "macro_f1", "log_loss", "brier_score"}
    assert all(low < metrics[name] < high for name, (low, high) in found.items())
    assert found == intervals("image_classification", y, p, resamples=200)
    assert found != intervals("image_classification", y, p, resamples=200, seed=1)
    assert found["accuracy"] == wilson(round(metrics["accuracy"] * 300), 300)


def test_bootstrap_covers_the_true_mean_about_95_times_in_100():
    generator = np.random.default_rng(0)
    covered = 0
    for trial in range(200):
        sample = generator.exponential(size=80)
        values = bootstrap(lambda w, s=sample: np.array([w @ s / 80]), 80, seed=trial, resamples=200)
        low, high = percentile_interval(values[:, 0])
        covered += low < 1 < high
    assert 0.88 <= covered / 200 <= 0.99
