"""The reconstruction that needs no network: principal components.

Images have shape `(n, height, width, channels)`; uint8 pixels count as shares of 255, floats as they are, in [0, 1].
"""

from __future__ import annotations

from typing import Any

import numpy as np

from zoo.postprocessing.image_similarity import as_rows, parts

FITTED = 20_000  # training images that the components are fitted to


def fit_pca(train: np.ndarray, components: int, *, seed: int = 0) -> Any:
    """Fit a principal component analysis to training examples, at most 20,000 of them drawn at random.

    No linear code of as many numbers reconstructs what it was fitted on with a smaller squared error, so a non-linear
    one of the same size has to beat it.

    Args:
        train: images or features of any shape `(n, …)`.
        components: numbers in the code; fewer if the examples or their values are fewer.
        seed: seed of the draw and of the randomised solver.

    Returns:
        The fitted scikit-learn estimator.
    """
    from sklearn.decomposition import PCA

    if components < 1:
        raise ValueError(f"the code must have at least 1 component; received {components}")
    if len(train) > FITTED:
        train = train[np.sort(np.random.default_rng(seed).choice(len(train), FITTED, replace=False))]
    x = as_rows(train)
    return PCA(min(components, *x.shape), random_state=seed).fit(x)


def reconstruct(pca: Any, images: np.ndarray) -> np.ndarray:
    """Return the images as their principal components give them back, float32 in [0, 1] and of the same shape."""
    starts = parts(images)
    rows = [pca.inverse_transform(pca.transform(as_rows(images[i:j]))) for i, j in starts]
    return np.clip(np.concatenate(rows), 0, 1).astype(np.float32).reshape(images.shape)
