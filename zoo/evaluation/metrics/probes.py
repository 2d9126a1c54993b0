"""What an encoder's embeddings are good for: one set of probes for every encoder of the zoo.

Embeddings are floats of shape `(n, d)`, one row an example. Everything runs in one thread, so that sums add up in one
order and the same embeddings and seed give the same figures.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

SPLITS = ("train", "validation", "test")
TRAINED, SCORED = 10_000, 10_000  # examples that probes are fitted on, and that they are judged by
CHOSEN = 2000  # validation examples that choose a setting
PENALTIES = (0.001, 0.01, 0.1, 1.0)
NEIGHBORS = (1, 5, 10, 20, 50)
SHOTS, DRAWS = (1, 5, 10), 10
CLUSTERED, SILHOUETTES, SHOWN = 5000, 2000, 2000
STEPS = 200
SAME, LOW, FEW = 1e-3, 1 / 20, 2


def probe(
    embeddings: Mapping[str, np.ndarray],
    labels: Mapping[str, np.ndarray],
    *,
    seed: int,
    linear: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Judge embeddings by what simple methods can make of them.

    Settings are chosen on validation; the figures are those of the test split. To keep 60,000 embeddings of 256
    numbers well under a minute on one core, at most 10,000 examples of each split are used (2,000 of validation), drawn
    at random; see `clustering` and `few_shot` for their own limits.

    Args:
        embeddings: `train`, `validation` and `test` to finite embeddings, shape `(n, d)`.
        labels: the same to classes, integers of shape `(n,)`.
        seed: seed of every draw and method.
        linear: the linear probe's figures, where they are known: see `classify`.

    Returns:
        `linear` (see `linear_probe`), `neighbors` (see `nearest_neighbors`), `few_shot`, `clustering` and `spectrum`
        (see the functions of these names).

    Raises:
        ValueError: a split is missing, shapes do not fit, embeddings are not finite, or training has but one class.
    """
    from threadpoolctl import threadpool_limits

    x, y = _limited(embeddings, labels, seed)
    with threadpool_limits(1):
        return {
            "linear": dict(linear) if linear is not None else linear_probe(x, y),
            "neighbors": nearest_neighbors(x, y),
            "few_shot": few_shot(x["train"], y["train"], x["test"], y["test"], seed=seed),
            "clustering": clustering(x["test"], y["test"], seed=seed),
            "spectrum": spectrum(x["test"]),
        }


def classify(
    embeddings: Mapping[str, np.ndarray], labels: Mapping[str, np.ndarray], *, classes: int, seed: int
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Fit the linear probe and let it classify every example of the validation and the test split.

    Args:
        embeddings: as for `probe`, and as many of them are used to fit.
        labels: the same to classes.
        classes: number of classes.
        seed: seed of the draws.

    Returns:
        `validation` and `test` to probabilities, shape `(n, classes)`; and what `linear_probe` returns.

    Raises:
        ValueError: as for `probe`.
    """
    from threadpoolctl import threadpool_limits

    x, y = _limited(embeddings, labels, seed)
    with threadpool_limits(1):
        facts, (mean, deviation), model = _chosen_probe(x, y)
        outputs = {}
        for split in SPLITS[1:]:
            found = model.predict_proba((np.asarray(embeddings[split], np.float64) - mean) / deviation)
            outputs[split] = np.zeros((len(found), classes), np.float32)
            outputs[split][:, model.classes_] = found
    return outputs, facts


def linear_probe(x: Mapping[str, np.ndarray], y: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Fit logistic regression to standardised embeddings, its penalty chosen on validation.

    Alain and Bengio, "Understanding intermediate layers using linear classifier probes", 2016,
    https://arxiv.org/abs/1610.01644. At most 200 steps of L-BFGS for each of four penalties.

    Returns:
        `accuracy` on test, `validation`, the inverse penalty `c`, and whether the fit `converged`.
    """
    return _chosen_probe(x, y)[0]


def nearest_neighbors(x: Mapping[str, np.ndarray], y: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Let the nearest training embeddings vote, their number and the distance chosen on validation.

    Returns:
        `accuracy` on test, `validation`, `k` and `distance` ("cosine" or "euclidean").
    """
    best: dict[str, Any] = {"validation": -1.0}
    classes, train = np.unique(y["train"], return_inverse=True)
    for distance in ("cosine", "euclidean"):
        rows = {split: _directions(values) if distance == "cosine" else values for split, values in x.items()}
        voted = _votes(rows["train"], train, rows["validation"], NEIGHBORS)
        for k, votes in voted.items():
            accuracy = float((classes[votes] == y["validation"]).mean())
            if accuracy > best["validation"]:
                best = {"accuracy": math.nan, "validation": accuracy, "k": k, "distance": distance}
    rows = {split: _directions(values) if best["distance"] == "cosine" else values for split, values in x.items()}
    votes = _votes(rows["train"], train, rows["test"], (best["k"],))[best["k"]]
    return best | {"accuracy": float((classes[votes] == y["test"]).mean())}


def few_shot(
    x_train: np.ndarray, y_train: np.ndarray, x_test: np.ndarray, y_test: np.ndarray, *, seed: int
) -> dict[str, dict[str, float]]:
    """Fit logistic regression to 1, 5 and 10 random training examples of each class, ten times each.

    Embeddings are centred and divided by one number, so that their mean variance over the training split is 1: to
    standardise each dimension would raise the noise in those that hardly vary, which few examples cannot tell from
    what matters. At most 2,000 test examples count.

    Returns:
        The number of examples of each class to `mean` and `std` of the test accuracy over the draws; a number that a
        class of the training split does not have is left out.
    """
    mean, judged = x_train.mean(0), _drawn(len(x_test), CHOSEN, seed)
    unit = math.sqrt(float(((x_train - mean) ** 2).mean())) or 1.0
    x_train, x_test, y_test = (x_train - mean) / unit, (x_test[judged] - mean) / unit, y_test[judged]
    classes, counts = np.unique(y_train, return_counts=True)
    generator = np.random.default_rng(seed)
    found = {}
    for shots in (s for s in SHOTS if s <= counts.min()):
        accuracies = []
        for _ in range(DRAWS):
            chosen = [generator.choice(np.flatnonzero(y_train == c), shots, replace=False) for c in classes]
            rows = np.concatenate(chosen)
            model, _ = _logistic(x_train[rows], y_train[rows], 1.0)
            accuracies.append(float(model.score(x_test, y_test)))
        found[str(shots)] = {"mean": float(np.mean(accuracies)), "std": float(np.std(accuracies))}
    return found


def clustering(x: np.ndarray, y: np.ndarray, *, seed: int) -> dict[str, float]:
    """Group embeddings into as many clusters as there are classes by k-means, and compare the two.

    At most 5,000 examples are grouped, and 2,000 of them judged by their silhouette (Rousseeuw 1987,
    https://doi.org/10.1016/0377-0427(87)90125-7), which needs all distances.

    Returns:
        `nmi` (normalised mutual information with the classes, 0 to 1), `ari` (Rand index adjusted for chance, 0 where
        the clusters are unrelated to the classes) and `silhouette` of the clusters, -1 to 1, NaN if there is but one.
    """
    from sklearn import metrics
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning

    chosen = _drawn(len(x), CLUSTERED, seed)
    x, y = x[chosen], y[chosen]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer different embeddings than classes
        clusters = KMeans(len(np.unique(y)), n_init=4, random_state=seed).fit_predict(x)
    few = _drawn(len(x), SILHOUETTES, seed)
    defined = 1 < len(np.unique(clusters[few])) < len(few)
    return {
        "nmi": float(metrics.normalized_mutual_info_score(y, clusters)),
        "ari": float(metrics.adjusted_rand_score(y, clusters)),
        "silhouette": float(metrics.silhouette_score(x[few], clusters[few])) if defined else math.nan,
    }


def effective_rank(matrix: np.ndarray) -> float:
    """Return the exponential of the entropy of the singular values, scaled to sum to 1; 0 for a matrix of zeros.

    Roy and Vetterli, "The effective rank: a measure of effective dimensionality", 2007,
    https://ieeexplore.ieee.org/document/7098875. It is the rank where all singular values but the zeros are equal, and
    less where some are smaller.
    """
    values = np.linalg.svd(np.asarray(matrix, dtype=np.float64), compute_uv=False)
    if not values.sum():
        return 0.0
    shares = values[values > 0] / values.sum()
    return float(np.exp(-(shares * np.log(shares)).sum()))


def spectrum(x: np.ndarray) -> dict[str, Any]:
    """Say whether embeddings collapsed: to one point, or to few of their dimensions.

    The verdict is `collapsed` if the distances from the mean are, in the root mean square, less than a thousandth of
    the embeddings' length; `dimensional collapse` (Jing et al., "Understanding Dimensional Collapse in Contrastive
    Self-supervised Learning", 2022, https://arxiv.org/abs/2110.09348) if the effective rank is below a twentieth of
    the dimensions or below 2, but never with half the dimensions in use; else `no collapse`. A classifier may well
    use no more dimensions than it has classes.

    Args:
        x: embeddings, shape `(n, d)`.

    Returns:
        `effective_rank` of the centred embeddings, `dimensions`, `spread` (the root mean square above, as a share) and
        `verdict`.
    """
    centered = x - x.mean(0)
    length = math.sqrt(float((x**2).sum(1).mean()))
    spread = math.sqrt(float((centered**2).sum(1).mean())) / length if length else 0.0
    dimensions = x.shape[1]
    rank = effective_rank(centered) if spread >= SAME else 0.0
    least = min(max(FEW, LOW * dimensions), dimensions / 2)
    verdict = "collapsed" if spread < SAME else "dimensional collapse" if rank < least else "no collapse"
    return {"effective_rank": rank, "dimensions": dimensions, "spread": spread, "verdict": verdict}


def tsne(embeddings: np.ndarray, seed: int, most: int = SHOWN) -> tuple[np.ndarray, np.ndarray]:
    """Lay embeddings out in the plane so that neighbors stay together; distances between groups mean little.

    van der Maaten and Hinton, "Visualizing Data using t-SNE", 2008, https://jmlr.org/papers/v9/vandermaaten08a.html,
    with a perplexity of 30 (a third of the points where they are few), begun from the first two principal components.

    Args:
        embeddings: finite floats, shape `(n, d)`.
        seed: seed of the draw and of the method.
        most: most examples to lay out, drawn at random.

    Returns:
        Points of shape `(m, 2)`, float32, and the indices of their examples, shape `(m,)`, in rising order. Embeddings
        that are all the same, or fewer than 4, lie at 0.
    """
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    chosen = _drawn(len(embeddings), most, seed)
    x = np.asarray(embeddings, dtype=np.float64)[chosen]
    if len(x) < 4 or not np.ptp(x, axis=0).any():
        return np.zeros((len(x), 2), dtype=np.float32), chosen
    with threadpool_limits(1):
        x = PCA(min(50, *x.shape), random_state=seed).fit_transform(x)
        start = np.pad(x[:, :2], ((0, 0), (0, max(0, 2 - x.shape[1]))))
        start = 1e-4 * start / start[:, 0].std()
        layout = TSNE(perplexity=min(30, (len(x) - 1) / 3), init=start, random_state=seed, n_jobs=1)
        return layout.fit_transform(x).astype(np.float32), chosen


def _checked(
    embeddings: Mapping[str, np.ndarray], labels: Mapping[str, np.ndarray], split: str
) -> tuple[np.ndarray, np.ndarray]:
    if split not in embeddings or split not in labels:
        raise ValueError(f"embeddings and labels of {', '.join(SPLITS)} are needed; {split} is missing")
    x, y = np.asarray(embeddings[split]), np.asarray(labels[split])
    if x.ndim != 2 or y.shape != x.shape[:1] or not x.size:
        raise ValueError(f"expected embeddings of shape (n, d) and labels of shape (n,); received {x.shape}, {y.shape}")
    if not np.isfinite(x).all():
        raise ValueError(f"the embeddings of {split} are not finite")
    return x, y


def _drawn(n: int, most: int, seed: int) -> np.ndarray:
    """Return the indices, in rising order, of all examples or of as many as may be used."""
    return np.arange(n) if n <= most else np.sort(np.random.default_rng(seed).choice(n, most, replace=False))


def _limited(
    embeddings: Mapping[str, np.ndarray], labels: Mapping[str, np.ndarray], seed: int
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return as many examples of each split as may be used, checked, embeddings in float64."""
    x, y = {}, {}
    for split, most in zip(SPLITS, (TRAINED, CHOSEN, SCORED), strict=True):
        every, classes = _checked(embeddings, labels, split)
        chosen = _drawn(len(every), most, seed)
        x[split], y[split] = every[chosen].astype(np.float64), classes[chosen]
    if len({rows.shape[1] for rows in x.values()}) > 1 or len(np.unique(y["train"])) < 2:
        raise ValueError("the splits need embeddings of one width, and training at least 2 classes")
    return x, y


def _chosen_probe(
    x: Mapping[str, np.ndarray], y: Mapping[str, np.ndarray]
) -> tuple[dict[str, Any], tuple[np.ndarray, np.ndarray], Any]:
    """Return the figures of the best linear probe, what standardises its inputs, and the estimator."""
    mean, deviation = x["train"].mean(0), x["train"].std(0)
    deviation[deviation <= 1e-12 * np.abs(mean)] = 1  # a constant, but for rounding
    deviation[deviation == 0] = 1
    scaled = {split: (values - mean) / deviation for split, values in x.items()}
    best: dict[str, Any] = {"validation": -1.0}
    kept: Any = None
    for c in PENALTIES:
        model, converged = _logistic(scaled["train"], y["train"], c)
        accuracy = float(model.score(scaled["validation"], y["validation"]))
        if accuracy > best["validation"]:
            test = float(model.score(scaled["test"], y["test"]))
            best, kept = {"accuracy": test, "validation": accuracy, "c": c, "converged": converged}, model
    return best, (mean, deviation), kept


def _logistic(x: np.ndarray, y: np.ndarray, c: float) -> tuple[Any, bool]:
    """Return the fitted estimator and whether it converged."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = LogisticRegression(C=c, max_iter=STEPS).fit(x, y)
    return model, not any(issubclass(w.category, ConvergenceWarning) for w in caught)


def _votes(train: np.ndarray, y: np.ndarray, queries: np.ndarray, neighbors: Sequence[int]) -> dict[int, np.ndarray]:
    """Return, for each number of neighbors that there are, the class of each query; of equal ones the nearer.

    Args:
        train: embeddings, shape `(n, d)`.
        y: their classes, counted from 0, shape `(n,)`.
        queries: shape `(m, d)`.
        neighbors: numbers of neighbors.
    """
    from sklearn.neighbors import NearestNeighbors

    most = min(max(neighbors), len(train))
    order = NearestNeighbors(n_neighbors=most, algorithm="brute").fit(train).kneighbors(queries, return_distance=False)
    votes, found = np.zeros((len(queries), int(y.max()) + 1)), {}
    rows = np.arange(len(queries))
    for rank in range(most):
        votes[rows, y[order[:, rank]]] += 1 + 0.5 ** (rank + 2)  # all that is above 1 adds up to less than a vote
        if rank + 1 in neighbors:
            found[rank + 1] = votes.argmax(1)
    return found


def _directions(x: np.ndarray) -> np.ndarray:
    """Return the rows scaled to length 1; zeros stay."""
    length = np.linalg.norm(x, axis=1, keepdims=True)
    return x / np.where(length > 0, length, 1)
