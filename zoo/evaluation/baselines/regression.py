"""Regression: scikit-learn's regressors."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from zoo.evaluation.baselines.data import BaselineData, BaselineResult, Method
from zoo.evaluation.baselines.estimators import fit_baseline, inputs_of, predict_values
from zoo.evaluation.baselines.scikit_learn import REGRESSORS


def regress(name: str, data: BaselineData, seed: int) -> BaselineResult:
    """Fit a regressor of `REGRESSORS` and return its values, `(n,)`; of several targets one each, `(n, targets)`."""
    y = data.targets["train"]
    if y.ndim == 1:
        return _regress_one(name, data, seed)
    found = []
    for i in range(y.shape[1]):
        targets = {split: values[:, i] for split, values in data.targets.items()}
        found.append(_regress_one(name, replace(data, targets=targets), seed))
    return BaselineResult(
        {split: np.stack([one.outputs[split] for one in found], axis=1) for split in data.evaluated},
        all(one.converged for one in found),
        sum(one.seconds or 0.0 for one in found),
        found[0].examples,
    )


def _regress_one(name: str, data: BaselineData, seed: int) -> BaselineResult:
    inputs, parts = inputs_of(REGRESSORS[name], data)
    y, validation = data.targets, (inputs("validation"), data.targets["validation"])
    fitted = fit_baseline(
        name, "regression", inputs("train"), y["train"], seed=seed, validation=validation, scale=data.scale
    )
    outputs = {
        split: np.concatenate([predict_values(fitted, part) for part in parts(split)]) for split in data.evaluated
    }
    return BaselineResult(outputs, fitted.converged, fitted.seconds, fitted.examples, fitted.notes)


METHODS: dict[str, Method] = {name: partial(regress, name) for name in REGRESSORS}
