"""Anomaly detection: the error of principal components, and an isolation forest.

Scores have shape `(n,)` and are higher for what looks less like the normal examples.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from zoo.evaluation.baselines.data import EVALUATED_SPLITS, BaselineData, BaselineResult, Method
from zoo.evaluation.baselines.reconstruction import fit_pca
from zoo.postprocessing.image_similarity import as_rows

TREES = 100
MIN_DEVIATION = 1e-3  # of the steps before, in standard deviations of the training split
_CHUNK_EXAMPLES = 4096


def pca_scores(
    train: np.ndarray, splits: Mapping[str, np.ndarray], components: int, *, seed: int = 0
) -> dict[str, np.ndarray]:
    """Score examples by the squared error of as many principal components as the network's code has numbers.

    Args:
        train: normal training examples, images or features of one scale, shape `(n, …)`.
        splits: name to the examples to score, each of shape `(m, …)`.
        components: numbers in the code.
        seed: seed of the fit, see `fit_pca`.

    Returns:
        Name to the mean squared error of each example, float64 of shape `(m,)`.
    """
    pca = fit_pca(train, components, seed=seed)

    def score(x: np.ndarray) -> np.ndarray:
        rows = as_rows(x)
        return ((rows - pca.inverse_transform(pca.transform(rows))).astype(np.float64) ** 2).mean(1)

    return {name: _in_chunks(score, x) for name, x in splits.items()}


def isolation_forest_scores(
    train: np.ndarray, splits: Mapping[str, np.ndarray], *, seed: int = 0
) -> dict[str, np.ndarray]:
    """Score examples by how few random splits isolate them from the training examples.

    Liu, Ting and Zhou, "Isolation Forest", 2008, https://doi.org/10.1109/ICDM.2008.17; 100 trees of 256 examples each.

    Args:
        train: normal training examples, shape `(n, …)`.
        splits: name to the examples to score, each of shape `(m, …)`.
        seed: seed of the forest.

    Returns:
        Name to the anomaly score of each example, from 0 to 1, float64 of shape `(m,)`.
    """
    from sklearn.ensemble import IsolationForest

    forest = IsolationForest(n_estimators=TREES, random_state=seed).fit(as_rows(train))

    def score(x: np.ndarray) -> np.ndarray:
        return -forest.score_samples(as_rows(x))

    return {name: _in_chunks(score, x) for name, x in splits.items()}


def _in_chunks(score: Callable[[np.ndarray], np.ndarray], x: np.ndarray) -> np.ndarray:
    return np.concatenate(
        [np.asarray(score(x[i : i + _CHUNK_EXAMPLES]), dtype=np.float64) for i in range(0, len(x), _CHUNK_EXAMPLES)]
    )


def score_by_pca(data: BaselineData, seed: int) -> BaselineResult:
    """Score by `pca_scores`."""
    inputs = data.required("inputs")
    splits = {split: inputs(split) for split in EVALUATED_SPLITS}
    return BaselineResult(pca_scores(inputs("train"), splits, data.code, seed=seed))


def score_by_forest(data: BaselineData, seed: int) -> BaselineResult:
    """Score by `isolation_forest_scores`."""
    inputs = data.required("inputs")
    splits = {split: inputs(split) for split in EVALUATED_SPLITS}
    return BaselineResult(isolation_forest_scores(inputs("train"), splits, seed=seed))


def rolling_mean_scores(windows: np.ndarray) -> np.ndarray:
    """Score the last step of windows `(n, steps, channels)` by its distance from the mean of the steps before it.

    Returns:
        The mean over the channels of the squared distance, in standard deviations of these steps, float64 `(n,)`.
    """
    before, last = windows[:, :-1].astype(np.float64), windows[:, -1].astype(np.float64)
    deviation = np.maximum(before.std(axis=1), MIN_DEVIATION)
    return (((last - before.mean(axis=1)) / deviation) ** 2).mean(axis=1)


def score_by_rolling_mean(data: BaselineData, seed: int) -> BaselineResult:
    """Score by `rolling_mean_scores`."""
    inputs = data.required("inputs")
    return BaselineResult({split: _in_chunks(rolling_mean_scores, inputs(split)) for split in EVALUATED_SPLITS})


METHODS: dict[str, Method] = {
    "rolling_mean": score_by_rolling_mean,
    "pca_error": score_by_pca,
    "isolation_forest": score_by_forest,
}
