"""The shape of a set of embeddings: clusters, collapse, and a layout in the plane.

Embeddings are floats of shape `(n, d)`, one row an example.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from zoo.evaluation.metrics.common import draw_at_most

MAX_CLUSTERED = 5000  # embeddings
MAX_SILHOUETTE = 2000  # embeddings; the silhouette needs all distances
MAX_LAYOUT = 2000  # embeddings; more points cover each other in the plot
MIN_SPREAD = 1e-3  # of the embeddings' length; below, they are one point
MIN_RANK_FRACTION = 1 / 20  # of the dimensions
MIN_RANK = 2


def clustering(x: np.ndarray, y: np.ndarray, *, seed: int) -> dict[str, float]:
    """Group embeddings into as many clusters as there are classes by k-means, and compare the two.

    At most 5,000 examples are grouped, and the silhouette (Rousseeuw 1987,
    https://doi.org/10.1016/0377-0427(87)90125-7) is that of at most 2,000 of them.

    Returns:
        `nmi` (normalised mutual information with the classes, 0 to 1), `ari` (Rand index adjusted for chance, 0 where
        the clusters are unrelated to the classes) and `silhouette` of the clusters, -1 to 1, NaN if there is only one.
    """
    from sklearn import metrics
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning

    chosen = draw_at_most(len(x), MAX_CLUSTERED, seed)
    x, y = x[chosen], y[chosen]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer distinct embeddings than classes
        clusters = KMeans(len(np.unique(y)), n_init=4, random_state=seed).fit_predict(x)
    few = draw_at_most(len(x), MAX_SILHOUETTE, seed)
    defined = 1 < len(np.unique(clusters[few])) < len(few)
    return {
        "nmi": float(metrics.normalized_mutual_info_score(y, clusters)),
        "ari": float(metrics.adjusted_rand_score(y, clusters)),
        "silhouette": float(metrics.silhouette_score(x[few], clusters[few])) if defined else math.nan,
    }


def effective_rank(matrix: np.ndarray) -> float:
    """Return the exponential of the entropy of the singular values, scaled to sum to 1; 0 for a matrix of zeros.

    Roy and Vetterli, "The effective rank: a measure of effective dimensionality", 2007,
    https://ieeexplore.ieee.org/document/7098875. It is the rank where all non-zero singular values are equal, and less
    where some are smaller.
    """
    from scipy.stats import entropy

    values = np.linalg.svd(np.asarray(matrix, dtype=np.float64), compute_uv=False)
    if not values.sum():
        return 0.0
    return float(np.exp(entropy(values)))


def spectrum(x: np.ndarray) -> dict[str, Any]:
    """Say whether embeddings collapsed to one point, or to few of their dimensions.

    The verdict is `collapsed` if the distances from the mean are, in the root mean square, less than a thousandth of
    the embeddings' length; `dimensional collapse` (Jing et al., "Understanding Dimensional Collapse in Contrastive
    Self-supervised Learning", 2022, https://arxiv.org/abs/2110.09348) if the effective rank is below a twentieth of
    the dimensions or below 2, but never with half the dimensions in use; else `no collapse`. A classifier may well
    use no more dimensions than it has classes.

    Args:
        x: embeddings, shape `(n, d)`.

    Returns:
        `effective_rank` of the centred embeddings, `dimensions`, `spread` (the root mean square above, as a fraction)
        and `verdict`.
    """
    centered = x - x.mean(0)
    length = math.sqrt(float((x**2).sum(1).mean()))
    spread = math.sqrt(float((centered**2).sum(1).mean())) / length if length else 0.0
    dimensions = x.shape[1]
    rank = effective_rank(centered) if spread >= MIN_SPREAD else 0.0
    least = min(max(MIN_RANK, MIN_RANK_FRACTION * dimensions), dimensions / 2)
    verdict = "collapsed" if spread < MIN_SPREAD else "dimensional collapse" if rank < least else "no collapse"
    return {"effective_rank": rank, "dimensions": dimensions, "spread": spread, "verdict": verdict}


def tsne(embeddings: np.ndarray, seed: int, most: int = MAX_LAYOUT) -> tuple[np.ndarray, np.ndarray]:
    """Lay embeddings out in the plane, so that neighbors stay together; distances between groups mean little.

    van der Maaten and Hinton, "Visualizing Data using t-SNE", 2008, https://jmlr.org/papers/v9/vandermaaten08a.html,
    with a perplexity of 30 (a third of the points where they are few). It starts from two principal components.

    Args:
        embeddings: finite floats, shape `(n, d)`.
        seed: seed of the draw and of the method.
        most: maximal number of examples to lay out, drawn at random.

    Returns:
        Points of shape `(m, 2)`, float32, and the indices of their examples, shape `(m,)`, in rising order. The
        points are 0 for embeddings that are all the same, and for fewer than 4.
    """
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    chosen = draw_at_most(len(embeddings), most, seed)
    x = np.asarray(embeddings, dtype=np.float64)[chosen]
    if len(x) < 4 or not np.ptp(x, axis=0).any():
        return np.zeros((len(x), 2), dtype=np.float32), chosen
    with threadpool_limits(1):
        x = PCA(min(50, *x.shape), random_state=seed).fit_transform(x)
        start = np.pad(x[:, :2], ((0, 0), (0, max(0, 2 - x.shape[1]))))
        start = 1e-4 * start / start[:, 0].std()
        layout = TSNE(perplexity=min(30, (len(x) - 1) / 3), init=start, random_state=seed, n_jobs=1)
        return layout.fit_transform(x).astype(np.float32), chosen
