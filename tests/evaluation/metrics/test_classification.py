"""Per class, per bin and per example: against scikit-learn and loops over the examples."""

import numpy as np
import pytest
from sklearn.metrics import precision_recall_fscore_support

from zoo.evaluation.metrics.classification import (
    confused_pairs,
    confusion_matrix,
    expected_calibration_error,
    per_class,
    worst_classified,
)

LABELS = ("cat", "dog", "owl")


@pytest.fixture
def examples():
    """Return classes and probabilities in which one class is claimed too often and another missed."""
    generator = np.random.default_rng(4)
    y = generator.choice(3, 400, p=[0.6, 0.3, 0.1])
    p = generator.dirichlet([1, 1, 1], 400) + 0.5 * np.eye(3)[y] + np.array([0.3, 0.0, 0.0])
    return y, p / p.sum(1, keepdims=True)


def test_calibration_errors_of_opposite_sign_do_not_cancel():
    """Half the answers claim 0.9 and are right in 0.7, half claim 0.6 and are right in 0.8."""
    confidence = np.repeat([0.9, 0.6], 50)
    right = np.concatenate([np.arange(50) < 35, np.arange(50) < 40])
    p = np.stack([confidence, 1 - confidence], axis=1)
    assert expected_calibration_error(np.where(right, 0, 1), p) == pytest.approx(0.5 * 0.2 + 0.5 * 0.2)


def test_precision_and_recall_of_each_class_against_scikit_learn(examples):
    y, p = examples
    found = per_class(confusion_matrix(y, p), LABELS)
    expected = precision_recall_fscore_support(y, p.argmax(1), zero_division=0)
    for name, values in zip(("precision", "recall", "f1", "support"), expected, strict=True):
        np.testing.assert_allclose([row[name] for row in found], values, rtol=1e-12)
    assert all(abs(row["precision"] - row["recall"]) > 0.02 for row in found[:2])  # the test tells them apart


def test_the_matrix_has_the_true_class_in_its_rows(examples):
    y, p = examples
    matrix = confusion_matrix(y, p)
    for i, j in np.ndindex(3, 3):
        assert matrix[i, j] == sum(a == i and b == j for a, b in zip(y, p.argmax(1), strict=True))
    pair = confused_pairs(matrix, LABELS)[0]
    count = max(matrix[i, j] for i, j in np.ndindex(3, 3) if i != j)
    i, j = LABELS.index(pair["true"]), LABELS.index(pair["predicted"])
    assert pair["count"] == count == matrix[i, j] and pair["share"] == pytest.approx(count / (y == i).sum())


def test_the_worst_are_the_most_confident_mistakes(examples):
    y, p = examples
    found = worst_classified(y, p, LABELS)
    mistakes = sorted((-p[i].max(), i) for i in range(len(y)) if p[i].argmax() != y[i])
    assert len(mistakes) > len(found) == 24
    assert [entry["index"] for entry in found] == [i for _, i in mistakes[:24]]
    assert all(entry["true"] == LABELS[y[entry["index"]]] for entry in found)
