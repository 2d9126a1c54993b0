"""Ranking and thresholds of anomaly scores, against counts of pairs and scikit-learn."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu
from sklearn import metrics

from zoo.evaluation.metrics import anomaly as kind
from zoo.evaluation.metrics.threshold import choose_threshold, ranking_metrics, threshold_metrics

seeds = st.integers(0, 10_000)


def scored(seed, n=40, levels=8):
    """Return targets of both sorts, and scores with many ties that are greater for the abnormal ones."""
    generator = np.random.default_rng(seed)
    y = np.concatenate([[0, 1], generator.random(n - 2) < 0.3]).astype(int)
    return y, np.round(levels * (generator.random(n) + 0.4 * y)) / levels


def precision_by_loop(y, scores):
    """Return the average precision as the sum over thresholds of the gain in recall times the precision."""
    total, recall = 0.0, 0.0
    for threshold in sorted(set(scores), reverse=True):
        called = scores >= threshold
        found = (called & (y == 1)).sum() / (y == 1).sum()
        total += (found - recall) * (y[called] == 1).mean()
        recall = found
    return total


@settings(max_examples=40)
@given(seeds, st.integers(2, 60), st.sampled_from([1, 3, 1000]))
def test_ranking_against_mann_whitney_and_a_loop(seed, n, levels):
    y, scores = scored(seed, n, levels)
    found = ranking_metrics(y, scores)
    abnormal, normal = scores[y == 1], scores[y == 0]
    assert found["auroc"] == pytest.approx(mannwhitneyu(abnormal, normal).statistic / (len(abnormal) * len(normal)))
    assert found["average_precision"] == pytest.approx(precision_by_loop(y, scores))
    assert found["auroc"] == pytest.approx(metrics.roc_auc_score(y, scores))
    assert found["average_precision"] == pytest.approx(metrics.average_precision_score(y, scores))


@given(seeds)
def test_metrics_of_copied_examples_equal_those_of_counted_ones(seed):
    y, scores = scored(seed)
    drawn = np.random.default_rng(seed).integers(0, len(y), len(y))
    copied = ranking_metrics(y[drawn], scores[drawn])
    found = kind.resampled(y, scores)(np.bincount(drawn, minlength=len(y)).astype(float))
    assert found == pytest.approx(list(copied.values()), nan_ok=True)


def test_metrics_that_are_not_defined():
    assert all(math.isnan(v) for v in ranking_metrics(np.zeros(3, int), np.arange(3)).values())
    assert all(math.isnan(v) for v in ranking_metrics(np.array([0, 1]), np.array([1.0, np.nan])).values())
    counts = np.array([2.0, 0.0, 0.0])  # a resample without an abnormal example
    assert np.isnan(kind.resampled(np.array([0, 1, 0]), np.arange(3.0))(counts)).all()


@settings(max_examples=40)
@given(seeds, st.integers(2, 40), st.sampled_from([2, 8, 1000]))
def test_threshold_has_the_greatest_balanced_accuracy(seed, n, levels):
    y, scores = scored(seed, n, levels)
    chosen = threshold_metrics(y, scores, choose_threshold(scores, y))["balanced_accuracy"]
    every = [metrics.balanced_accuracy_score(y, scores > t) for t in [-1, *scores]]
    assert chosen == pytest.approx(max(every))


@given(seeds, st.integers(1, 60), st.floats(0, 0.99), st.sampled_from([3, 1000]))
def test_threshold_of_normal_examples_keeps_the_false_positive_rate(seed, n, rate, levels):
    scores = np.round(levels * np.random.default_rng(seed).random(n))
    threshold = choose_threshold(scores, false_positive_rate=rate)
    assert (scores > threshold).mean() <= rate + 1e-9 and threshold in scores
    lower = [t for t in scores if t < threshold]
    assert all((scores > t).mean() > rate for t in lower)
    assert choose_threshold(scores, np.zeros(n, int), false_positive_rate=rate) == threshold


def test_threshold_lies_between_two_scores():
    assert choose_threshold(np.array([1.0, 2.0, 4.0, 5.0]), np.array([0, 0, 1, 1])) == 3
    assert choose_threshold(np.arange(100.0), false_positive_rate=0.05) == 94


def test_a_useless_score_calls_nothing_abnormal():
    scores, y = np.array([1.0, 2.0, 1.0, 2.0]), np.array([0, 0, 1, 1])
    assert threshold_metrics(y, scores, choose_threshold(scores, y))["false_positive_rate"] == 0


@settings(max_examples=40)
@given(seeds)
def test_threshold_metrics_against_scikit_learn(seed):
    y, scores = scored(seed)
    called = scores > 0.6
    found = threshold_metrics(y, scores, 0.6)
    assert found == pytest.approx(
        {
            "threshold": 0.6,
            "balanced_accuracy": metrics.balanced_accuracy_score(y, called),
            "precision": metrics.precision_score(y, called, zero_division=np.nan),
            "recall": metrics.recall_score(y, called),
            "f1": metrics.f1_score(y, called),
            "false_positive_rate": called[y == 0].mean(),
        },
        nan_ok=True,
    )


@pytest.mark.parametrize(
    ("scores", "y", "rate", "message"),
    [
        ([1.0, np.inf], [0, 1], 0.05, "finite"),
        ([1.0, 2.0], [1, 1], 0.05, "normal validation examples"),
        ([1.0, 2.0], [0, 0], 1.0, "received 1.0"),
        ([1.0, 2.0], [0, 2], 0.05, "received 0 to 2"),
        ([1.0, 2.0], [0], 0.05, r"expected y .*; received \(1,\) and \(2,\)"),
        ([], [], 0.05, "received"),
    ],
)
def test_wrong_input_is_named(scores, y, rate, message):
    with pytest.raises(ValueError, match=message):
        choose_threshold(np.array(scores), np.array(y), false_positive_rate=rate)


# --- what the report says -----------------------------------------------------------------------------------------


@settings(max_examples=30)
@given(seeds)
def test_curve_and_ranking_agree(seed):
    y, scores = scored(seed)
    found = kind.details(y, scores, (), baseline=-scores)
    area = ranking_metrics(y, scores)["auroc"]
    curve, reversed_curve = found["roc"]["model"], found["roc"]["baseline"]
    assert np.trapezoid(curve["true_positive_rate"], curve["false_positive_rate"]) == pytest.approx(area)
    assert np.trapezoid(reversed_curve["true_positive_rate"], reversed_curve["false_positive_rate"]) == pytest.approx(
        1 - area
    )
    wrong = kind._wrong_side(y, scores)
    for label in (0, 1):
        assert wrong[y == label].mean() == pytest.approx(1 - area)


def test_details():
    y, scores = np.array([0, 0, 0, 1, 1]), np.array([0.1, 0.2, 0.9, 0.8, 1.0])
    found = kind.details(y, scores, ("good", "bad"))
    assert found["worst"][0] == {"index": 2, "label": "good", "score": 0.9, "wrong_side": 0.5}
    assert found["worst"][1] == {"index": 3, "label": "bad", "score": 0.8, "wrong_side": pytest.approx(1 / 3)}
    assert len(found["worst"]) == 2 and found["roc"]["baseline"] is None
    histogram = found["histogram"]
    assert len(histogram["edges"]) == 41
    assert (histogram["normal"].sum(), histogram["abnormal"].sum()) == (3, 2)
    assert kind.details(y, scores, ())["worst"][0]["label"] == "normal"
    assert kind.details(np.zeros(5, int), scores, ())["roc"]["model"] is None


def test_a_long_curve_is_thinned_and_keeps_its_ends():
    y, scores = scored(0, 2000, 10**9)
    curve = kind.roc(y, scores)
    for values in curve.values():
        assert len(values) <= 200 and (values[0], values[-1]) == (0, 1) and (np.diff(values) >= 0).all()
    area = np.trapezoid(curve["true_positive_rate"], curve["false_positive_rate"])
    assert area == pytest.approx(ranking_metrics(y, scores)["auroc"], abs=0.01)
