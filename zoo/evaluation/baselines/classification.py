"""Classification: scikit-learn's classifiers, and labels that spread among similar nodes of a graph."""

from __future__ import annotations

import time
from functools import partial

import numpy as np

from zoo.evaluation.baselines.data import BaselineData, BaselineResult, Method
from zoo.evaluation.baselines.estimators import fit_baseline, inputs_of, predict_probabilities
from zoo.evaluation.baselines.graphs import label_spreading
from zoo.evaluation.baselines.scikit_learn import CLASSIFIERS


def classify(name: str, data: BaselineData, seed: int) -> BaselineResult:
    """Fit a classifier of `CLASSIFIERS` and return its probabilities, `(n, classes)`."""
    inputs, parts = inputs_of(CLASSIFIERS[name], data)
    y, validation = data.targets, (inputs("validation"), data.targets["validation"])
    fitted = fit_baseline(
        name,
        "classification",
        inputs("train"),
        y["train"],
        seed=seed,
        validation=validation,
        scale=data.scale,
        penalties=data.penalties,
    )
    outputs = {
        split: np.concatenate([predict_probabilities(fitted, part, data.classes) for part in parts(split)])
        for split in data.evaluated
    }
    return BaselineResult(outputs, fitted.converged, fitted.seconds, fitted.examples, fitted.notes)


def spread_labels(data: BaselineData, seed: int) -> BaselineResult:
    """Return the probabilities of `label_spreading`."""
    started, inputs = time.perf_counter(), data.required("inputs")
    nodes = {split: inputs(split) for split in ("train", *data.evaluated)}
    outputs, converged = label_spreading(nodes, data.targets["train"], data.classes)
    return BaselineResult(outputs, converged, time.perf_counter() - started)


METHODS: dict[str, Method] = {
    **{name: partial(classify, name) for name in CLASSIFIERS},
    "label_spreading": spread_labels,
}
