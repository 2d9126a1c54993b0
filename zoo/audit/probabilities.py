"""Probabilities of each training example's class, by baselines that have not seen its label."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from zoo.audit.subject import Subject
from zoo.audit.tabular import sampled
from zoo.data.dataset import Split

MAX_EXAMPLES = 10_000
_FOLDS = 5
_NEIGHBORS = 10
_MAX_NUMBERS = 128  # of an example; of more the principal components are taken
_COMPONENTS = 64
_TREES = 100


def held_out_probabilities(subject: Subject, classes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return positions of training examples, and probabilities of some classes, `(examples, classes)`.

    The features are those of the baselines. The probabilities are those of a logistic regression in five folds; of
    dense features, their mean with those of the nearest neighbors of an image, without itself, or of the trees of a
    forest that have not seen an example.
    """
    train = subject.dataset.train
    positions = np.flatnonzero(np.isin(train.targets, classes))
    positions = positions[sampled(len(positions), MAX_EXAMPLES)]
    part = train.part(positions)
    y = np.searchsorted(classes, part.targets)
    x = _features(subject, part)
    linear = _logistic(x, y)
    if not isinstance(x, np.ndarray):
        return positions, linear
    others = _neighbors if subject.dataset.signature.kind == "image" else _forest
    return positions, (linear + others(x, y)) / 2


def _features(subject: Subject, part: Split) -> Any:
    """Return the features that the task's baselines take, sparse for texts; standardised, or principal components."""
    from sklearn.decomposition import PCA
    from sklearn.preprocessing import StandardScaler

    from zoo.data.preprocessing import fit_preprocessor
    from zoo.evaluation.baselines.inputs import Source, feature_data

    recipe = subject.recipe
    assert recipe is not None, "the caller checks that"
    source = Source(
        recipe=recipe,
        dataset=subject.dataset,
        splits={"train": part},
        preprocessor=fit_preprocessor(recipe.preprocess, subject.dataset),
        baseline="logistic_regression",
    )
    data = feature_data(source)
    x = data.required("inputs")("train")
    if not isinstance(x, np.ndarray):
        return x
    x = x.reshape(len(x), -1)
    if data.scale:
        x = StandardScaler().fit_transform(x)
    if x.shape[1] > _MAX_NUMBERS:
        x = PCA(min(_COMPONENTS, len(x) - 1), random_state=0).fit_transform(x)
    return x.astype(np.float64)


def _logistic(x: Any, y: np.ndarray) -> np.ndarray:
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from threadpoolctl import threadpool_limits

    scale = float(np.sqrt((x**2).sum(axis=1).mean())) if isinstance(x, np.ndarray) else 1.0
    model = LogisticRegression(C=1.0 if isinstance(x, np.ndarray) else 10.0, max_iter=200)
    folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=0)
    with threadpool_limits(1 if len(y) < 2000 else None), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of convergence: a baseline that is nearly there will do
        scaled = x * (np.sqrt(x.shape[1]) / scale) if isinstance(x, np.ndarray) and scale else x
        return cross_val_predict(model, scaled, y, cv=folds, method="predict_proba")


def _neighbors(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    from sklearn.neighbors import NearestNeighbors

    count = min(_NEIGHBORS, len(x) - 1)
    distances, near = NearestNeighbors(n_neighbors=count + 1).fit(x).kneighbors(x)
    weights = 1 / np.maximum(distances[:, 1:], 1e-9 + 1e-3 * np.median(distances[:, 1:]))
    votes = np.zeros((len(x), int(y.max()) + 1))
    np.add.at(votes, (np.arange(len(x))[:, None], y[near[:, 1:]]), weights)
    prior = np.bincount(y) / len(y)
    return (votes + weights.mean() * prior) / (votes.sum(axis=1, keepdims=True) + weights.mean())


def _forest(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    from sklearn.ensemble import RandomForestClassifier

    forest = RandomForestClassifier(_TREES, oob_score=True, min_samples_leaf=2, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an example that each of the trees has seen
        forest.fit(x, y)
    prior = np.bincount(y) / len(y)
    votes = np.nan_to_num(forest.oob_decision_function_, nan=0.0)
    return (votes * _TREES + prior) / (votes.sum(axis=1, keepdims=True) * _TREES + 1)
