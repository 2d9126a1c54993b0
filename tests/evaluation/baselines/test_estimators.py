from functools import cache

import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from zoo.errors import ZooError
from zoo.evaluation.baselines.estimators import fit_baseline, predict_probabilities, predict_values
from zoo.evaluation.baselines.scikit_learn import CLASSIFIERS, REGRESSORS, Estimator
from zoo.evaluation.metrics.classification import classification_metrics
from zoo.evaluation.metrics.regression import regression_metrics

LEAST_ACCURACY = {
    "majority_class": 0.05,
    "logistic_regression": 0.9,
    "k_nearest_neighbors": 0.9,
    "random_forest": 0.9,
    "gradient_boosting": 0.85,
    "support_vector_machine": 0.9,
}
MOST_ERROR = {
    "mean": 1.05,
    "ridge": 0.75,
    "k_nearest_neighbors": 0.85,
    "random_forest": 0.8,
    "gradient_boosting": 0.9,
    "support_vector_machine": 0.8,
}


@cache
def data(kind):
    bunch = load_digits() if kind == "classification" else load_diabetes()
    order = np.random.default_rng(0).permutation(len(bunch.data))
    train, test = (order[:300], order[300:700]) if kind == "classification" else (order[:200], order[200:])
    x = bunch.data.astype(np.float32)
    return x[train], bunch.target[train], x[test], bunch.target[test]


def test_the_tables_below_are_complete():
    assert set(LEAST_ACCURACY) == set(CLASSIFIERS) and set(MOST_ERROR) == set(REGRESSORS)


@pytest.mark.parametrize("name", LEAST_ACCURACY)
def test_classifiers(name):
    x, y, x_test, y_test = data("classification")
    fitted = fit_baseline(name, "classification", x, y, seed=0)
    p = predict_probabilities(fitted, x_test, 10)
    assert p.shape == (400, 10)
    np.testing.assert_allclose(p.sum(1), 1, atol=1e-6)
    assert classification_metrics(y_test, p)["accuracy"] >= LEAST_ACCURACY[name]
    again = predict_probabilities(fit_baseline(name, "classification", x, y, seed=0), x_test, 10)
    np.testing.assert_array_equal(p, again)


@pytest.mark.parametrize("name", MOST_ERROR)
def test_regressors_against_the_error_of_the_mean(name):
    x, y, x_test, y_test = data("regression")
    prediction = predict_values(fit_baseline(name, "regression", x, y, seed=0), x_test)
    assert prediction.shape == y_test.shape
    assert regression_metrics(y_test, prediction)["mae"] <= MOST_ERROR[name] * np.abs(y_test - y.mean()).mean()


def test_the_majority_class_is_what_it_says():
    fitted = fit_baseline("majority_class", "classification", np.zeros((5, 2)), np.array([2, 2, 2, 0, 1]), seed=0)
    assert predict_probabilities(fitted, np.zeros((3, 2)), 4).tolist() == [[0.2, 0.2, 0.6, 0.0]] * 3


@pytest.mark.parametrize("name", LEAST_ACCURACY)
def test_a_class_that_training_lacks_gets_a_column_of_zeros(name):
    x, y, x_test, _ = data("classification")
    kept = (y != 3) & (y != 9)
    fitted = fit_baseline(name, "classification", x[kept], y[kept], seed=0, limit=150)
    p = predict_probabilities(fitted, x_test, 10)
    assert (p[:, [3, 9]] == 0).all() and (p[:, [0, 4, 8]] > 0).any(0).all()


def test_limit_and_what_the_fit_took():
    x, y, *_ = data("classification")
    fitted = fit_baseline("logistic_regression", "classification", x, y, seed=0, limit=100)
    assert fitted.examples == 100 and fitted.converged and fitted.seconds > 0
    assert fit_baseline("logistic_regression", "classification", x, y, seed=0).examples == 300


def test_a_solver_that_does_not_converge_says_so_without_a_warning(monkeypatch, recwarn):
    hasty = Estimator(lambda seed: LogisticRegression(max_iter=1))
    monkeypatch.setitem(CLASSIFIERS, "logistic_regression", hasty)
    x, y, *_ = data("classification")
    assert not fit_baseline("logistic_regression", "classification", x, y, seed=0).converged
    assert not recwarn.list


def test_errors_name_the_valid_baselines():
    x, y = np.zeros((4, 1)), np.zeros(4)
    with pytest.raises(ZooError, match=r"unknown baseline 'logistic'.*majority_class.*did you mean 'logistic_regress"):
        fit_baseline("logistic", "classification", x, y, seed=0)
    with pytest.raises(ZooError, match=r"unknown baseline 'ridge'; valid for classification: .*logistic_regression"):
        fit_baseline("ridge", "classification", x, y, seed=0)
    with pytest.raises(ZooError, match=r"'logistic_regression' cannot be fitted to this data: .*2 classes"):
        fit_baseline("logistic_regression", "classification", x, y, seed=0)


@pytest.mark.parametrize("name", ["logistic_regression", "k_nearest_neighbors"])
def test_validation_chooses_the_penalty_and_the_neighbors(name):
    x, y, x_validation, y_validation = data("classification")
    x = x + np.random.default_rng(0).normal(0, 6, x.shape)  # so that the usual value is not the best
    fitted = fit_baseline(name, "classification", x, y, seed=0, validation=(x_validation, y_validation))
    losses = {}
    for value in CLASSIFIERS[name].values:
        model = CLASSIFIERS[name].make(0).set_params(**{CLASSIFIERS[name].parameter: value})
        scaler = StandardScaler().fit(x)
        model.fit(scaler.transform(x), y)
        p = np.clip(model.predict_proba(scaler.transform(x_validation)), 1e-15, None)
        losses[value] = -np.log(p[np.arange(len(p)), y_validation]).mean()
    best = min(losses, key=losses.get)
    assert best != CLASSIFIERS[name].values[0]
    assert fitted.chosen == f"{CLASSIFIERS[name].parameter} = {best:g}"
    assert fitted.notes == (f"{fitted.chosen}, chosen on validation",)


def test_boosting_ends_where_validation_gets_no_better():
    x, y, x_validation, y_validation = data("regression")
    fitted = fit_baseline("gradient_boosting", "regression", x, y, seed=0, validation=(x_validation, y_validation))
    steps = fitted.estimator.n_iter_
    losses = [
        ((p - y_validation) ** 2).mean() for p in fitted.estimator.staged_predict(x_validation.astype(np.float64))
    ]
    assert 30 < steps < 100 and fitted.chosen == f"{steps} steps"
    assert min(losses) == min(losses[:-30])


def test_a_class_that_only_validation_has_chooses_nothing():
    x, y, x_validation, y_validation = data("classification")
    for name in ("gradient_boosting", "logistic_regression"):
        fitted = fit_baseline(
            name, "classification", x[y < 3], y[y < 3], seed=0, validation=(x_validation, y_validation)
        )
        kept = y_validation < 3
        alone = fit_baseline(
            name, "classification", x[y < 3], y[y < 3], seed=0, validation=(x_validation[kept], y_validation[kept])
        )
        assert fitted.chosen == alone.chosen != ""
    none = fit_baseline("logistic_regression", "classification", x[y < 3], y[y < 3], seed=0, validation=(x, y + 20))
    assert none.chosen == ""
