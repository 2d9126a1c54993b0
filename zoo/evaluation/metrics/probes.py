"""What an encoder's embeddings are good for: the same probes for every encoder of the zoo.

Embeddings are floats of shape `(n, d)`, one row an example. Everything runs in one thread: sums in another order would
change the last digits.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from zoo.evaluation.metrics.common import draw_at_most
from zoo.evaluation.metrics.embedding_space import clustering, spectrum

SPLITS = ("train", "validation", "test")
# Examples of each split, so that 60,000 embeddings of 256 numbers take well under a minute on one core.
MAX_TRAIN = 10_000
MAX_VALIDATION = 2000
MAX_TEST = 10_000
MAX_FEW_SHOT_TEST = 2000  # few-shot probes predict them 30 times
INVERSE_PENALTIES = (0.001, 0.01, 0.1, 1.0)
NEIGHBORS = (1, 5, 10, 20, 50)
SHOTS = (1, 5, 10)  # training examples of each class
FEW_SHOT_DRAWS = 10
MAX_LBFGS_STEPS = 200


def probe(
    embeddings: Mapping[str, np.ndarray],
    labels: Mapping[str, np.ndarray],
    *,
    seed: int,
    linear: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Measure what simple methods make of embeddings.

    Settings are chosen on validation; the results are those of the test split. At most 10,000 examples of each split
    (2,000 of validation) are used, drawn at random; see `clustering` and `few_shot` for their own limits.

    Args:
        embeddings: `train`, `validation` and `test` to finite embeddings, shape `(n, d)`.
        labels: the same to classes, integers of shape `(n,)`.
        seed: seed of every draw and method.
        linear: results of the linear probe, if `classify` has computed them.

    Returns:
        `linear` (see `linear_probe`), `neighbors` (see `nearest_neighbors`), `few_shot`, `clustering` and `spectrum`
        (see the functions of these names).

    Raises:
        ValueError: a split is missing, shapes do not fit, embeddings are not finite, or training has only one class.
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
        embeddings: as for `probe`, and the same number of them is used to fit.
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
    """Let the nearest training embeddings vote; their number and the distance are chosen on validation.

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

    Embeddings are centred and divided by one number, so that their mean variance over the training split is 1.
    Standardising each dimension would amplify the noise in those that hardly vary, and few examples cannot tell it
    from the signal. At most 2,000 test examples are used.

    Returns:
        The number of examples of each class to `mean` and `std` of the test accuracy over the draws; a number that some
        class of the training split does not reach is left out.
    """
    mean, kept = x_train.mean(0), draw_at_most(len(x_test), MAX_FEW_SHOT_TEST, seed)
    unit = math.sqrt(float(((x_train - mean) ** 2).mean())) or 1.0
    x_train, x_test, y_test = (x_train - mean) / unit, (x_test[kept] - mean) / unit, y_test[kept]
    classes, counts = np.unique(y_train, return_counts=True)
    generator = np.random.default_rng(seed)
    found = {}
    for shots in (s for s in SHOTS if s <= counts.min()):
        accuracies = []
        for _ in range(FEW_SHOT_DRAWS):
            chosen = [generator.choice(np.flatnonzero(y_train == c), shots, replace=False) for c in classes]
            rows = np.concatenate(chosen)
            model, _ = _logistic(x_train[rows], y_train[rows], 1.0)
            accuracies.append(float(model.score(x_test, y_test)))
        found[str(shots)] = {"mean": float(np.mean(accuracies)), "std": float(np.std(accuracies))}
    return found


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


def _limited(
    embeddings: Mapping[str, np.ndarray], labels: Mapping[str, np.ndarray], seed: int
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Check the embeddings, and return those of each split that are used, in float64, with their labels."""
    x, y = {}, {}
    for split, most in zip(SPLITS, (MAX_TRAIN, MAX_VALIDATION, MAX_TEST), strict=True):
        every, classes = _checked(embeddings, labels, split)
        chosen = draw_at_most(len(every), most, seed)
        x[split], y[split] = every[chosen].astype(np.float64), classes[chosen]
    if len({rows.shape[1] for rows in x.values()}) > 1 or len(np.unique(y["train"])) < 2:
        raise ValueError("the splits need embeddings of one width, and training at least 2 classes")
    return x, y


def _chosen_probe(
    x: Mapping[str, np.ndarray], y: Mapping[str, np.ndarray]
) -> tuple[dict[str, Any], tuple[np.ndarray, np.ndarray], Any]:
    """Return the results of the best linear probe, mean and deviation of its inputs, and the estimator."""
    mean, deviation = x["train"].mean(0), x["train"].std(0)
    deviation[deviation <= 1e-12 * np.abs(mean)] = 1  # constant up to rounding
    deviation[deviation == 0] = 1
    scaled = {split: (values - mean) / deviation for split, values in x.items()}
    best: dict[str, Any] = {"validation": -1.0}
    kept: Any = None
    for c in INVERSE_PENALTIES:
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
        model = LogisticRegression(C=c, max_iter=MAX_LBFGS_STEPS).fit(x, y)
    return model, not any(issubclass(w.category, ConvergenceWarning) for w in caught)


def _votes(train: np.ndarray, y: np.ndarray, queries: np.ndarray, neighbors: Sequence[int]) -> dict[int, np.ndarray]:
    """Return, for each number of neighbors up to all, the class of each query; on a tie the nearer class.

    By hand, because scikit-learn's classifier breaks ties by class, and fits anew for each number.

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
        votes[rows, y[order[:, rank]]] += 1 + 0.5 ** (rank + 2)  # what exceeds 1 adds up to less than one vote
        if rank + 1 in neighbors:
            found[rank + 1] = votes.argmax(1)
    return found


def _directions(x: np.ndarray) -> np.ndarray:
    """Return the rows scaled to length 1; zeros stay."""
    length = np.linalg.norm(x, axis=1, keepdims=True)
    return x / np.where(length > 0, length, 1)
