"""Embeddings: a linear probe of the pixels themselves, or of their principal components."""

from __future__ import annotations

import numpy as np

from zoo.evaluation.baselines.data import EVALUATED_SPLITS, BaselineData, BaselineResult, Method
from zoo.evaluation.baselines.reconstruction import fit_pca
from zoo.evaluation.metrics.probes import classify
from zoo.postprocessing.image_similarity import as_rows


def probe_pixels(data: BaselineData, seed: int) -> BaselineResult:
    """Classify the pixels by the linear probe."""
    return _probe(_rows(data), data, seed)


def probe_components(data: BaselineData, seed: int) -> BaselineResult:
    """Classify as many principal components as the network has features by the linear probe."""
    rows = _rows(data)
    pca = fit_pca(data.required("inputs")("train"), data.code, seed=seed)
    return _probe({split: pca.transform(values) for split, values in rows.items()}, data, seed)


def _rows(data: BaselineData) -> dict[str, np.ndarray]:
    inputs = data.required("inputs")
    return {split: as_rows(inputs(split)) for split in ("train", *EVALUATED_SPLITS)}


def _probe(embeddings: dict[str, np.ndarray], data: BaselineData, seed: int) -> BaselineResult:
    outputs, facts = classify(embeddings, data.targets, classes=data.classes, seed=seed)
    return BaselineResult(outputs, facts["converged"])


METHODS: dict[str, Method] = {"pca": probe_components, "pixels": probe_pixels}
