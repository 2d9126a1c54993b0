"""What embeddings say of numbers: probes of a regressor's features, as `probes` has them of classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from zoo.evaluation.metrics.embedding_space import spectrum
from zoo.evaluation.metrics.probes import NEIGHBORS, SPLITS

RIDGE_PENALTIES = tuple(np.logspace(-2, 4, 13))


def probe_values(embeddings: Mapping[str, np.ndarray], targets: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Measure what simple methods predict from embeddings; settings are chosen on validation.

    Args:
        embeddings: `train`, `validation` and `test` to finite embeddings, shape `(n, d)`.
        targets: the same to numbers, shape `(n,)` or `(n, targets)`.

    Returns:
        `linear`: `r2` on test of ridge regression on standardised embeddings, `validation`, and its `penalty`;
        `neighbors`: the same of the mean of the nearest training examples, and their number `k`; and `spectrum`. Of
        several targets R² is the mean.
    """
    from sklearn.linear_model import Ridge
    from sklearn.neighbors import KNeighborsRegressor
    from sklearn.preprocessing import StandardScaler
    from threadpoolctl import threadpool_limits

    scaler = StandardScaler().fit(embeddings["train"])
    x = {split: scaler.transform(np.asarray(embeddings[split], np.float64)) for split in SPLITS}
    y = {split: np.asarray(targets[split], np.float64) for split in SPLITS}
    ridges = {penalty: Ridge(alpha=penalty) for penalty in RIDGE_PENALTIES}
    means = {k: KNeighborsRegressor(n_neighbors=k) for k in NEIGHBORS if k <= len(x["train"])}
    with threadpool_limits(1):
        penalty, linear = _best(ridges, x, y)
        k, neighbors = _best(means, x, y)
    return {
        "linear": {**linear, "penalty": penalty},
        "neighbors": {**neighbors, "k": k},
        "spectrum": spectrum(np.asarray(embeddings["test"], np.float64)),
    }


def _best(
    candidates: Mapping[Any, Any], x: Mapping[str, np.ndarray], y: Mapping[str, np.ndarray]
) -> tuple[Any, dict[str, float]]:
    """Return the setting that is best on validation, with its R² there and on test."""
    fitted = {setting: model.fit(x["train"], y["train"]) for setting, model in candidates.items()}
    scores = {setting: float(model.score(x["validation"], y["validation"])) for setting, model in fitted.items()}
    setting = max(scores, key=lambda each: scores[each])
    return setting, {"r2": float(fitted[setting].score(x["test"], y["test"])), "validation": scores[setting]}
