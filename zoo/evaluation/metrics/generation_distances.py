"""How good generated images are: near the real ones, as varied as they are, and not copied from the training split.

Distances are between features `(n, d)`, those that the zoo's own classifier of the same data has before its last
layer: figures of one classifier compare with each other, not with published ones, which use another network's.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from zoo.evaluation.metrics.common import ratio
from zoo.postprocessing.image_similarity import as_rows

METRICS = ("fid", "kid", "precision", "recall", "coverage")
MAX_COMPARED_IMAGES = 10_000  # examples of either side that precision and recall compare
SUBSETS, SIZE = 100, 1000
COVERED = 0.1  # of the share that a class has among the real images
COPIED, SUSPECT = 0.10, 0.03  # shares of the generated images that are nearer to training than 99% of real ones
_CELLS = 1 << 23  # distances that are held at a time


def generation_metrics(
    real_features: np.ndarray,
    generated_features: np.ndarray,
    real_probabilities: np.ndarray,
    generated_probabilities: np.ndarray,
    *,
    seed: int = 0,
    k: int = 3,
    threshold: float = COVERED,
) -> dict[str, float]:
    """Return `METRICS`, each NaN if what was generated is not finite.

    Precision and recall compare at most 10,000 images of either side, drawn at random.

    Args:
        real_features: features of images that the generator has not seen, shape `(n, d)`.
        generated_features: features of generated images, shape `(m, d)`.
        real_probabilities: the classifier's, shape `(n, classes)`.
        generated_probabilities: shape `(m, classes)`.
        seed: seed of the subsets.
        k: see `precision_recall`.
        threshold: see `class_coverage`.

    Raises:
        ValueError: shapes that do not fit, or too few images.
    """
    if not (np.isfinite(generated_features).all() and np.isfinite(generated_probabilities).all()):
        return dict.fromkeys(METRICS, math.nan)
    generator = np.random.default_rng(seed)
    few = [x[generator.permutation(len(x))[:MAX_COMPARED_IMAGES]] for x in (real_features, generated_features)]
    precision, recall = precision_recall(few[0], few[1], k)
    return {
        "fid": frechet_distance(real_features, generated_features),
        "kid": kernel_distance(real_features, generated_features, seed=seed)[0],
        "precision": precision,
        "recall": recall,
        "coverage": class_coverage(generated_probabilities, real_probabilities, threshold)["coverage"],
    }


def frechet_distance(real: np.ndarray, generated: np.ndarray) -> float:
    """Return the squared Fréchet distance of two Gaussians with the means and covariances of the features (FID).

    Heusel et al., "GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash Equilibrium", 2017,
    https://arxiv.org/abs/1706.08500: |m - m'|² + tr(C + C' - 2 (C C')^½), with unbiased covariances. The last trace is
    the sum of the singular values of R R'ᵀ for any R with RᵀR = C. With R from a QR decomposition of the centred
    features no covariance is formed or inverted, so that it may be singular. Fewer images make the distance larger:
    compare figures from equally many.

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
    real: np.ndarray, generated: np.ndarray, *, seed: int = 0, subsets: int = SUBSETS, size: int = SIZE
) -> tuple[float, float]:
    """Return mean and standard deviation of the squared kernel distance over random subsets (KID).

    Bińkowski et al., "Demystifying MMD GANs", 2018, https://arxiv.org/abs/1801.01401. Its expectation does not depend
    on how many images there are; for equal distributions it is 0, so that an estimate may be negative.

    Args:
        real: shape `(n, d)`.
        generated: shape `(m, d)`.
        seed: seed of the subsets.
        subsets: number of subsets.
        size: images of either side in a subset, at most half of those there are: else all subsets would be the same.

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
    """Return how much of what is generated looks real, and how much of what is real is generated, as shares.

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


def class_coverage(generated: np.ndarray, real: np.ndarray, threshold: float = COVERED) -> dict[str, Any]:
    """Return how many classes a classifier finds among generated images; few mean that the generator collapsed.

    Args:
        generated: probabilities of generated images, shape `(m, classes)`.
        real: probabilities of real images, shape `(n, classes)`.
        threshold: a class counts as covered with at least this multiple of the share that it has among the real.

    Returns:
        `covered` and `classes` (those that occur among the real), their quotient `coverage`, the `shares` and
        `real_shares` of each class, and `divergence`: the Kullback-Leibler divergence of the generated classes from
        the real, in nats, where half an image is added to each class so that it is finite.

    Raises:
        ValueError: shapes that do not fit, or no images.
    """
    generated, real = np.asarray(generated), np.asarray(real)
    if generated.ndim != 2 or real.ndim != 2 or generated.shape[1:] != real.shape[1:] or not generated.size * real.size:
        raise ValueError(
            f"expected probabilities of shape (n, classes) on both sides; received {generated.shape} and {real.shape}"
        )
    counts, real_counts = (np.bincount(p.argmax(1), minlength=p.shape[1]) for p in (generated, real))
    shares, real_shares = counts / counts.sum(), real_counts / real_counts.sum()
    occurring = real_counts > 0
    enough = counts * real_counts.sum() >= threshold * real_counts * counts.sum()
    covered = int((occurring & (counts > 0) & enough).sum())
    smooth, real_smooth = ((c + 0.5) / (c + 0.5).sum() for c in (counts, real_counts))
    return {
        "covered": covered,
        "classes": int(occurring.sum()),
        "coverage": covered / int(occurring.sum()),
        "shares": shares,
        "real_shares": real_shares,
        "divergence": float((smooth * np.log(smooth / real_smooth)).sum()),
    }


def nearest_training(generated: np.ndarray, held_out: np.ndarray, train: np.ndarray) -> dict[str, Any]:
    """Compare how near generated and held-out real images are to the nearest training image.

    A generator that learned the distribution is as near as held-out images are, one that copies is nearer. The verdict
    is `memorized` if more than 10% of the generated images are at most as far as the nearest 1% of the held-out,
    `suspect` above 3%, else `not memorized`. The ratio alone does not tell: between pixels, smooth images are nearer to
    all others than sharp ones, whether they are copies or not.

    Args:
        generated: images or features, shape `(n, …)`.
        held_out: real ones that the generator was not trained on, shape `(m, …)`.
        train: those that it was trained on, shape `(t, …)`.

    Returns:
        `distance` and `index` of the nearest training image of each generated one, Euclidean and with uint8 as shares
        of 255; `held_out`: the same distance of each held-out image; `ratio`: the median distance of the generated over
        that of the held-out; `closer`: the share that decides the `verdict`.

    Raises:
        ValueError: shapes that do not fit, or nothing to compare.
    """
    shapes = [np.shape(x) for x in (generated, held_out, train)]
    if len({shape[1:] for shape in shapes}) > 1 or not all(shape[0] for shape in shapes):
        raise ValueError(f"expected generated, held-out and training images of one shape; received {shapes}")
    distance, index = _nearest(generated, train)
    usual, _ = _nearest(held_out, train)
    closer = float((distance <= np.quantile(usual, 0.01)).mean())
    verdict = "memorized" if closer > COPIED else "suspect" if closer > SUSPECT else "not memorized"
    return {
        "distance": distance,
        "index": index,
        "held_out": usual,
        "ratio": ratio(float(np.median(distance)), float(np.median(usual))),
        "closer": closer,
        "verdict": verdict,
    }


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
    """Return the share of the queries within the k-th nearest neighbor's distance of a member."""
    radius = np.concatenate([np.partition(part, k, axis=1)[:, k] for part in _squared(members, members)])
    slack = 1e-12 * float((members**2).sum(1).max())  # equal distances may differ in the last digits
    hits = [(part <= radius + slack).any(1) for part in _squared(queries, members)]
    return float(np.concatenate(hits).mean())


def _squared(queries: np.ndarray, members: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the squared distances of some queries at a time, shape `(some, members)`."""
    part, sizes = max(1, _CELLS // len(members)), (members**2).sum(1)
    for i in range(0, len(queries), part):
        rows = queries[i : i + part]
        yield np.maximum((rows**2).sum(1)[:, None] + sizes - 2 * rows @ members.T, 0)


def _nearest(queries: np.ndarray, train: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return distance and index of the nearest training example of each query.

    The search multiplies in float32; the distance that it ends with is taken from the differences, and so is exact.
    """
    rows = as_rows(queries)
    center = rows.mean(0)
    rows -= center
    best, index = np.full(len(rows), np.inf, dtype=np.float32), np.zeros(len(rows), dtype=np.intp)
    part = max(1, _CELLS // len(rows))
    for start in range(0, len(train), part):
        block = as_rows(train[start : start + part]) - center
        found = (block**2).sum(1) - 2 * rows @ block.T
        nearest = found.argmin(1)
        value = found[np.arange(len(rows)), nearest]
        closer = value < best
        best[closer], index[closer] = value[closer], nearest[closer] + start
    pairs = ((as_rows(queries[i : i + 1]), as_rows(train[j : j + 1])) for i, j in enumerate(index))
    return np.array([np.linalg.norm(a.astype(np.float64) - b) for a, b in pairs]), index
