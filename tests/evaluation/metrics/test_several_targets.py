"""Metrics of several numbers an example are scikit-learn's, and their intervals those of the mean."""

import numpy as np
import pytest
from sklearn import metrics

from zoo.evaluation.metrics.evaluate import details, evaluate
from zoo.evaluation.metrics.regression import METRICS, resampled

RNG = np.random.default_rng(0)
Y = RNG.normal(size=(50, 3)) * (1, 10, 100)
OUTPUT = Y + RNG.normal(size=Y.shape) * (0.1, 3, 20)


def test_metrics_are_means_over_the_targets():
    found = evaluate("tabular_regression", Y, OUTPUT)
    assert found == pytest.approx(
        {
            "mae": metrics.mean_absolute_error(Y, OUTPUT),
            "rmse": np.mean([metrics.root_mean_squared_error(Y[:, i], OUTPUT[:, i]) for i in range(3)]),
            "r2": metrics.r2_score(Y, OUTPUT),
            "median_absolute_error": metrics.median_absolute_error(Y, OUTPUT),
            "mse": metrics.mean_squared_error(Y, OUTPUT),
        }
    )
    values = dict(zip(METRICS, resampled(Y, OUTPUT)(np.ones(50)), strict=True))
    assert values == pytest.approx(found, rel=0.05) and values["r2"] == pytest.approx(found["r2"])


def test_details_name_the_target():
    found = details("tabular_regression", Y, OUTPUT, ("a", "b", "c"), Y + 1)
    assert [row["target"] for row in found["per_target"]] == ["a", "b", "c"]
    assert found["per_target"][1]["mae"] == pytest.approx(np.abs(OUTPUT - Y)[:, 1].mean())
    assert found["per_target"][2]["baseline"]["mae"] == pytest.approx(1)
    relative = np.abs(OUTPUT - Y) / Y.std(axis=0)
    row, column = np.unravel_index(relative.argmax(), Y.shape)
    assert (found["worst"][0]["index"], found["worst"][0]["target"]) == (row, "abc"[column])
