"""Several labels an example: a classifier for each label by itself, or the rate of each label."""

from __future__ import annotations

from functools import partial

import numpy as np

from zoo.evaluation.baselines.data import BaselineData, BaselineResult, Method
from zoo.evaluation.baselines.estimators import fit_baseline, inputs_of, predict_probabilities
from zoo.evaluation.baselines.scikit_learn import CLASSIFIERS

_CLASSIFIERS = ("logistic_regression", "k_nearest_neighbors", "random_forest", "gradient_boosting")


def label_rates(data: BaselineData, seed: int) -> BaselineResult:
    """Return for every example the fraction of training examples that have each label, `(n, labels)`."""
    rates = data.targets["train"].mean(axis=0)
    return BaselineResult({split: np.tile(rates, (len(data.targets[split]), 1)) for split in data.evaluated})


def classify_each(name: str, data: BaselineData, seed: int) -> BaselineResult:
    """Fit a classifier of `CLASSIFIERS` for each label and return the labels' probabilities, `(n, labels)`."""
    inputs, parts = inputs_of(CLASSIFIERS[name], data)
    y = data.targets["train"]
    outputs = {split: np.zeros(data.targets[split].shape) for split in data.evaluated}
    x_train, x_validation = inputs("train"), inputs("validation")
    converged, seconds, examples = True, 0.0, len(y)
    for label in range(y.shape[1]):
        if len(np.unique(y[:, label])) < 2:  # nothing to tell apart
            for found in outputs.values():
                found[:, label] = y[0, label]
            continue
        validation = (x_validation, data.targets["validation"][:, label])
        fitted = fit_baseline(
            name,
            "classification",
            x_train,
            y[:, label],
            seed=seed,
            validation=validation,
            scale=data.scale,
            penalties=data.penalties,
        )
        converged, seconds, examples = converged and fitted.converged, seconds + fitted.seconds, fitted.examples
        for split, found in outputs.items():
            found[:, label] = np.concatenate([predict_probabilities(fitted, x, 2)[:, 1] for x in parts(split)])
    return BaselineResult(outputs, converged, seconds, examples)


METHODS: dict[str, Method] = {
    "label_rates": label_rates,
    **{name: partial(classify_each, name) for name in _CLASSIFIERS},
}
