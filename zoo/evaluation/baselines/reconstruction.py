"""Reconstruction: principal components.

Images have shape `(n, height, width, channels)`; uint8 pixels are scaled to [0, 1], floats are in [0, 1] already.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from zoo.evaluation.baselines.data import EVALUATED_SPLITS, BaselineData, BaselineResult, Method
from zoo.postprocessing.image_similarity import as_rows, errors, parts

if TYPE_CHECKING:
    from sklearn.decomposition import PCA

MAX_TRAIN = 20_000  # images; more hardly change the components


def fit_pca(train: np.ndarray, components: int, *, seed: int = 0) -> PCA:
    """Fit a principal component analysis to training examples, at most 20,000 of them drawn at random.

    No linear code of this size reconstructs what it was fitted on with a smaller squared error, so a non-linear one
    has to beat it.

    Args:
        train: images or features of any shape `(n, …)`.
        components: numbers in the code; fewer if the examples or their values are fewer.
        seed: seed of the draw and of the randomised solver.

    Raises:
        ValueError: no components.
    """
    from sklearn.decomposition import PCA

    if components < 1:
        raise ValueError(f"the code must have at least 1 component; received {components}")
    if len(train) > MAX_TRAIN:
        train = train[np.sort(np.random.default_rng(seed).choice(len(train), MAX_TRAIN, replace=False))]
    x = as_rows(train)
    return PCA(min(components, *x.shape), random_state=seed).fit(x)


def reconstruct(pca: PCA, images: np.ndarray) -> np.ndarray:
    """Return the images as their principal components give them back, float32 in [0, 1] and of the same shape."""
    starts = parts(images)
    rows = [pca.inverse_transform(pca.transform(as_rows(images[i:j]))) for i, j in starts]
    return np.clip(np.concatenate(rows), 0, 1).astype(np.float32).reshape(images.shape)


def reconstruct_by_pca(data: BaselineData, seed: int) -> BaselineResult:
    """Return the errors of as many principal components as the network's code has numbers."""
    inputs = data.required("inputs")
    pca = fit_pca(inputs("train"), data.code, seed=seed)
    return BaselineResult({split: errors(inputs(split), reconstruct(pca, inputs(split))) for split in EVALUATED_SPLITS})


METHODS: dict[str, Method] = {"pca": reconstruct_by_pca}
