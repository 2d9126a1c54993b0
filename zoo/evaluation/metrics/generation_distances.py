"""How near the features of generated images are to those of real ones, and how varied they are.

Features have shape `(n, d)`. Distances by one classifier compare with each other, not with published ones, which use
another network's.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

KID_SUBSETS = 100
KID_SUBSET_SIZE = 1000  # images of either side
_CHUNK_DISTANCES = 1 << 23  # float64, 64 MiB


def frechet_distance(real: np.ndarray, generated: np.ndarray) -> float:
    """Return the squared Fréchet distance of two Gaussians with the means and covariances of the features (FID).

    Heusel et al., "GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash Equilibrium", 2017,
    https://arxiv.org/abs/1706.08500: |m - m'|² + tr(C + C' - 2 (C C')^½), with unbiased covariances. The last trace is
    the sum of the singular values of R R'ᵀ for any R with RᵀR = C. With R from a QR decomposition of the centred
    features no covariance is formed or inverted, so that it may be singular (`scipy.linalg.sqrtm` of the product loses
    digits then). Fewer images make the distance larger: compare values from equally many.

    Args:
        real: shape `(n, d)`.
        generated: shape `(m, d)`.

    Raises:
        ValueError: shapes that do not fit, fewer than two images, or features that are not finite.
    """
    real, generated = _features(real, generated, 2)
    first, second = (
        np.asarray(np.linalg.qr(x - x.mean(0), mode="r")) / math.sqrt(len(x) - 1) for x in (real, generated)
    )
    both = np.linalg.svdvals(first @ second.T).sum()
    apart = ((real.mean(0) - generated.mean(0)) ** 2).sum()
    return max(0.0, float(apart + (first**2).sum() + (second**2).sum() - 2 * both))


def kernel_distance(
    real: np.ndarray, generated: np.ndarray, *, seed: int = 0, subsets: int = KID_SUBSETS, size: int = KID_SUBSET_SIZE
) -> tuple[float, float]:
    """Return mean and standard deviation of the squared kernel distance over random subsets (KID).

    Bińkowski et al., "Demystifying MMD GANs", 2018, https://arxiv.org/abs/1801.01401. Its expectation does not depend
    on how many images there are; for equal distributions it is 0, so that an estimate may be negative.

    Args:
        real: shape `(n, d)`.
        generated: shape `(m, d)`.
        seed: seed of the subsets.
        subsets: number of subsets.
        size: images of either side in a subset, at most half of all: else all subsets would be the same.

    Raises:
        ValueError: shapes that do not fit, fewer than four images, or features that are not finite.
    """
    real, generated = _features(real, generated, 4)
    generator = np.random.default_rng(seed)
    size = min(size, len(real) // 2, len(generated) // 2)
    values = [
        squared_mmd(*(x[generator.choice(len(x), size, replace=False)] for x in (real, generated)))
        for _ in range(subsets)
    ]
    return float(np.mean(values)), float(np.std(values))


def squared_mmd(real: np.ndarray, generated: np.ndarray) -> float:
    """Return the unbiased estimate of the squared maximum mean discrepancy with the kernel (x·y / d + 1)³.

    Gretton et al., "A Kernel Two-Sample Test", 2012, https://jmlr.org/papers/v13/gretton12a.html, lemma 6.

    Raises:
        ValueError: shapes that do not fit, fewer than two images, or features that are not finite.
    """
    real, generated = _features(real, generated, 2)

    def kernel(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return (x @ y.T / x.shape[1] + 1) ** 3

    def within(x: np.ndarray) -> float:
        pairs = kernel(x, x)
        return float((pairs.sum() - np.trace(pairs)) / (len(x) * (len(x) - 1)))

    return within(real) + within(generated) - 2 * float(kernel(real, generated).mean())


def precision_recall(real: np.ndarray, generated: np.ndarray, k: int = 3) -> tuple[float, float]:
    """Return the fraction of the generated images that look real, and of the real ones that the generator covers.

    Kynkäänniemi et al., "Improved Precision and Recall Metric for Assessing Generative Models", 2019,
    https://arxiv.org/abs/1904.06991. An example is inside a set if it is no farther from one of its members than that
    member's k-th nearest neighbor in the set.

    Args:
        real: shape `(n, d)`.
        generated: shape `(m, d)`; about as many, since a larger set is denser.
        k: the neighbor that sets the distance.

    Raises:
        ValueError: shapes that do not fit, no more than `k` images, or features that are not finite.
    """
    real, generated = _features(real, generated, k + 1)
    center = real.mean(0)  # the products below lose fewer digits around it
    real, generated = real - center, generated - center
    return _inside(generated, real, k), _inside(real, generated, k)


def _features(real: np.ndarray, generated: np.ndarray, least: int) -> tuple[np.ndarray, np.ndarray]:
    """Check shapes, and return both in float64."""
    real, generated = np.asarray(real, dtype=np.float64), np.asarray(generated, dtype=np.float64)
    if real.ndim != 2 or generated.ndim != 2 or real.shape[1] != generated.shape[1] or not real.shape[1]:
        raise ValueError(f"expected features of shape (n, d) and (m, d); received {real.shape} and {generated.shape}")
    if min(len(real), len(generated)) < least:
        raise ValueError(f"at least {least} images are needed; received {len(real)} and {len(generated)}")
    if not (np.isfinite(real).all() and np.isfinite(generated).all()):
        raise ValueError("features must be finite")
    return real, generated


def _inside(queries: np.ndarray, members: np.ndarray, k: int) -> float:
    """Return the fraction of the queries within the k-th nearest neighbor's distance of a member."""
    radius = np.concatenate([np.partition(part, k, axis=1)[:, k] for part in _squared(members, members)])
    slack = 1e-12 * float((members**2).sum(1).max())  # equal distances may differ in the last digits
    hits = [(part <= radius + slack).any(1) for part in _squared(queries, members)]
    return float(np.concatenate(hits).mean())


def _squared(queries: np.ndarray, members: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the squared distances from a chunk of queries to all members, shape `(chunk, members)`."""
    chunk, sizes = max(1, _CHUNK_DISTANCES // len(members)), (members**2).sum(1)
    for i in range(0, len(queries), chunk):
        rows = queries[i : i + chunk]
        yield np.maximum((rows**2).sum(1)[:, None] + sizes - 2 * rows @ members.T, 0)
