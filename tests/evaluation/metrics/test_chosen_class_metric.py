"""Metrics of classes that a recipe chooses: against scikit-learn, with examples that count several times, too."""

import math

import numpy as np
import pytest
from sklearn import metrics

from zoo.evaluation.metrics.comparison import compare
from zoo.evaluation.metrics.evaluate import evaluate
from zoo.evaluation.metrics.intervals import intervals
from zoo.evaluation.metrics.kinds import KINDS, kind_metrics
from zoo.tasks import METRICS, TASKS, with_metric

TASK = TASKS["tabular_classification"]
LABELS = tuple("abcdefgh")


def made(classes, n=300, seed=0):
    """Return classes and probabilities that are right more often than not, some of them equal."""
    generator = np.random.default_rng(seed)
    y = np.concatenate([np.arange(classes), generator.choice(classes, n - classes)])
    drawn = generator.dirichlet(np.ones(classes), n) + 0.12 * np.eye(classes)[y] + 0.02
    drawn /= drawn.sum(1, keepdims=True)
    return y, (generator.multinomial(48, drawn) + 16 / classes) / 64  # with ties, and rows that sum to 1 exactly


def reference(name, y, p, w, beta=1.0, positive=1):
    """Return scikit-learn's value."""
    predicted, two = p.argmax(1), p.shape[1] == 2
    binary = {"average": "binary", "pos_label": positive} if two else {"average": "macro"}
    hot = np.eye(p.shape[1])[y]
    return {
        "accuracy": lambda: metrics.accuracy_score(y, predicted, sample_weight=w),
        "balanced_accuracy": lambda: metrics.balanced_accuracy_score(y, predicted, sample_weight=w),
        "macro_f1": lambda: metrics.f1_score(y, predicted, average="macro", sample_weight=w),
        "f_beta": lambda: metrics.fbeta_score(y, predicted, beta=beta, sample_weight=w, **binary),
        "mcc": lambda: metrics.matthews_corrcoef(y, predicted, sample_weight=w),
        "cohen_kappa": lambda: metrics.cohen_kappa_score(y, predicted, sample_weight=w),
        "top_5_accuracy": lambda: metrics.top_k_accuracy_score(y, p, k=5, sample_weight=w),
        "roc_auc": lambda: metrics.roc_auc_score(hot, p, average="macro", sample_weight=w),
        "average_precision": lambda: (
            metrics.average_precision_score(y == positive, p[:, positive], sample_weight=w)
            if two
            else metrics.average_precision_score(hot, p, average="macro", sample_weight=w)
        ),
        "log_loss": lambda: metrics.log_loss(y, p, sample_weight=w),
        "brier_score": lambda: metrics.brier_score_loss(y, p[:, 1] if two else p, sample_weight=w),
    }[name]()


@pytest.mark.parametrize("classes", [2, 3, 8])
@pytest.mark.parametrize("name", METRICS["classification"])
def test_each_metric_and_its_resamples_equal_scikit_learns(name, classes):
    if name == "top_5_accuracy" and classes <= 5:
        pytest.skip("the right class is always among five")
    y, p = made(classes)
    task, labels = with_metric(TASK, name, beta=2.0, positive="a"), LABELS[:classes]
    counts = np.bincount(np.random.default_rng(1).integers(0, len(y), len(y)), minlength=len(y)).astype(float)
    kind = kind_metrics(task, labels)
    for weights in (np.ones(len(y)), counts):
        expected = reference(name, y, p, weights, beta=2.0, positive=0)
        found = dict(zip(kind.bootstrapped, kind.resampled(y, p)(weights), strict=True))
        assert found[name] == pytest.approx(expected, rel=1e-9)
    assert evaluate(task, y, p, labels)[name] == pytest.approx(reference(name, y, p, None, beta=2.0, positive=0))
    low, high = intervals(task, y, p, resamples=50, labels=labels)[name]
    assert low < reference(name, y, p, None, beta=2.0, positive=0) < high


def test_the_second_class_is_the_positive_one_unless_the_recipe_names_another():
    y, p = made(2)
    values = [
        evaluate(with_metric(TASK, "f_beta", beta=2.0, positive=positive), y, p, ("no", "yes"))["f_beta"]
        for positive in (None, "yes", "no")
    ]
    assert values[0] == values[1] == pytest.approx(metrics.fbeta_score(y, p.argmax(1), beta=2))
    assert values[2] == pytest.approx(metrics.fbeta_score(y, p.argmax(1), beta=2, pos_label=0)) != values[0]


def test_a_class_without_examples_leaves_ranking_undefined():
    y, p = made(3)
    kept = y != 2
    usual = evaluate(TASK, y[kept], p[kept])
    assert "roc_auc" not in usual and "average_precision" not in usual
    assert math.isnan(evaluate(with_metric(TASK, "roc_auc"), y[kept], p[kept])["roc_auc"])


def test_all_predicted_alike():
    y, _ = made(3)
    p = np.tile([0.6, 0.3, 0.1], (len(y), 1))
    assert evaluate(with_metric(TASK, "mcc"), y, p)["mcc"] == 0
    assert evaluate(with_metric(TASK, "cohen_kappa"), y, p)["cohen_kappa"] == pytest.approx(0)


def test_an_output_that_is_not_finite_has_no_metric():
    y, p = made(8)
    p[3] = np.nan
    for name in METRICS["classification"]:
        found = evaluate(with_metric(TASK, name), y, p)
        assert math.isnan(found.get(name, math.nan)) and all(math.isnan(value) for value in found.values())


def test_the_comparison_is_in_the_chosen_metric():
    y, p = made(3)
    worse = 0.5 * p + 0.5 * made(3, seed=5)[1]
    task = with_metric(TASK, "roc_auc")
    found = compare(task, y, p, worse, resamples=100)
    expected = reference("roc_auc", y, p, None) - reference("roc_auc", y, worse, None)
    assert found["metric"] == "roc_auc" and found["difference"] == pytest.approx(expected)
    assert found["interval"][0] < expected < found["interval"][1]
    low = with_metric(TASK, "log_loss")  # ahead is ahead, whichever way the metric points
    assert compare(low, y, p, worse, resamples=20)["difference"] == pytest.approx(
        metrics.log_loss(y, worse) - metrics.log_loss(y, p)
    )


def test_percentage_errors_of_numbers():
    generator = np.random.default_rng(0)
    y = generator.normal(50, 10, 80)
    output = y + generator.normal(0, 3, 80)
    task = with_metric(TASKS["tabular_regression"], "mape")
    assert evaluate(task, y, output)["mape"] == pytest.approx(metrics.mean_absolute_percentage_error(y, output))
    several = np.stack([y, y[::-1]], 1)
    found = evaluate(task, several, several[:, ::-1])["mape"]
    assert found == pytest.approx(metrics.mean_absolute_percentage_error(several, several[:, ::-1]))
    assert "mape" in intervals(task, y, output, resamples=20)
    assert math.isnan(evaluate(task, np.append(y, 0.0), np.append(output, 1.0))["mape"])
    assert "mape" not in evaluate("tabular_regression", y, output)


def test_each_metric_that_can_be_chosen_is_computed():
    for kind, names in METRICS.items():
        assert set(names) <= set(KINDS[kind].metrics) | {"span_f1", "span_precision", "span_recall"}
    for task in TASKS.values():
        assert task.primary in METRICS[task.kind]
