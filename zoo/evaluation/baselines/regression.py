"""Regression: scikit-learn's regressors."""

from __future__ import annotations

from functools import partial

import numpy as np

from zoo.evaluation.baselines.data import EVALUATED_SPLITS, BaselineData, BaselineResult, Method
from zoo.evaluation.baselines.estimators import REGRESSORS, fit_baseline, inputs_of, predict_values


def regress(name: str, data: BaselineData, seed: int) -> BaselineResult:
    """Fit a regressor of `REGRESSORS` and return its values, `(n,)`."""
    inputs, parts = inputs_of(REGRESSORS[name], data)
    fitted = fit_baseline(name, "regression", inputs("train"), data.targets["train"], seed=seed, scale=data.scale)
    outputs = {
        split: np.concatenate([predict_values(fitted, part) for part in parts(split)]) for split in EVALUATED_SPLITS
    }
    return BaselineResult(outputs, fitted.converged, fitted.seconds, fitted.examples)


METHODS: dict[str, Method] = {name: partial(regress, name) for name in REGRESSORS}
