"""A sampler: a mixture of Gaussians over the principal components of the training pixels."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from zoo.evaluation.baselines.reconstruction import fit_pca
from zoo.postprocessing.image_similarity import as_rows

VARIANCE_FRACTION = 0.9  # of the pixels' variance that the components keep
MAX_COMPONENTS = 50  # full covariances of more need more images
GAUSSIANS = 20
MAX_TRAIN = 10_000  # images


@dataclass(frozen=True)
class PixelMixture:
    """A fitted mixture.

    Attributes:
        shape: of an image, `(height, width, channels)`.
        mean: of the pixels, in [0, 1], shape `(values,)`.
        basis: the principal components, shape `(components, values)`.
        weights: of the Gaussians, shape `(gaussians,)`.
        centers: their means, shape `(gaussians, components)`.
        factors: matrices L with covariance L Lᵀ, shape `(gaussians, components, components)`.
        variance_fraction: fraction of the pixels' variance that the components keep.
        converged: whether the fit reached its tolerance.
    """

    shape: tuple[int, ...]
    mean: np.ndarray
    basis: np.ndarray
    weights: np.ndarray
    centers: np.ndarray
    factors: np.ndarray
    variance_fraction: float
    converged: bool

    def draw(self, n: int, seed: int) -> np.ndarray:
        """Draw `n` images, uint8 of shape `(n, height, width, channels)`. The same seed draws the same images."""
        generator = np.random.default_rng(seed)
        chosen = generator.choice(len(self.weights), n, p=self.weights)
        noise = generator.standard_normal((n, self.centers.shape[1]))
        codes = self.centers[chosen]
        for gaussian in np.unique(chosen):
            rows = chosen == gaussian
            codes[rows] += noise[rows] @ self.factors[gaussian].T
        pixels = np.clip(codes @ self.basis + self.mean, 0, 1)
        return np.rint(255 * pixels).astype(np.uint8).reshape(n, *self.shape)


def fit(
    images: np.ndarray,
    *,
    seed: int = 0,
    variance_fraction: float = VARIANCE_FRACTION,
    most: int = MAX_COMPONENTS,
    gaussians: int = GAUSSIANS,
) -> PixelMixture:
    """Fit a mixture of Gaussians with full covariances to training images, at most 10,000 of them drawn at random.

    The mixture is fitted by expectation-maximisation (Dempster, Laird and Rubin 1977) to the codes of a principal
    component analysis. What the components omit is not drawn, so the samples are smoother than real images.

    Args:
        images: uint8 or floats in [0, 1], shape `(n, height, width, channels)`.
        seed: seed of the draw, of the components and of the mixture.
        variance_fraction: fraction of the pixels' variance that the components should keep.
        most: maximal number of components, even if they keep less.
        gaussians: number of Gaussians; fewer where images are few, so that there are at least ten for each.

    Raises:
        ValueError: images of another shape, fewer than 2, or all the same.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture

    images = np.asarray(images)
    if images.ndim != 4 or len(images) < 2 or not np.ptp(images, axis=0).any():
        raise ValueError(f"expected different images of shape (n, height, width, channels); received {images.shape}")
    if len(images) > MAX_TRAIN:
        images = images[np.sort(np.random.default_rng(seed).choice(len(images), MAX_TRAIN, replace=False))]
    pca = fit_pca(images, most, seed=seed)
    held = np.cumsum(pca.explained_variance_ratio_, dtype=np.float64)
    kept = min(int(np.searchsorted(held, variance_fraction)) + 1, len(held))
    codes = pca.transform(as_rows(images))[:, :kept].astype(np.float64)
    gaussians = max(1, min(gaussians, len(images) // 10))
    mixture = GaussianMixture(gaussians, reg_covar=1e-6 * float(codes.var(0).sum()), random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        mixture.fit(codes)
    return PixelMixture(
        shape=images.shape[1:],
        mean=pca.mean_.astype(np.float64),
        basis=pca.components_[:kept].astype(np.float64),
        weights=mixture.weights_ / mixture.weights_.sum(),
        centers=mixture.means_,
        factors=np.linalg.cholesky(mixture.covariances_),
        variance_fraction=float(held[kept - 1]),
        converged=bool(mixture.converged_),
    )
