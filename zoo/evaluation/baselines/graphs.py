"""Graphs as vectors, for baselines without message passing; and labels that spread among similar nodes."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

NEIGHBORS = 7  # nodes that a label spreads to
DEGREES = 16  # bins of the histogram; the last one counts all nodes with more edges


def own_features(nodes: np.ndarray) -> np.ndarray:
    """Return the features of each graph's first node, `(examples, features)`.

    Args:
        nodes: `(examples, nodes, features)`.
    """
    return nodes[:, 0]


def label_spreading(splits: Mapping[str, np.ndarray], labels: np.ndarray, classes: int) -> tuple[dict[str, Any], bool]:
    """Spread the training labels over the nearest neighbors of all nodes (Zhou et al., 2004, NeurIPS 16).

    The method sees the features of all splits, as a network on the whole graph does, but only the training labels.

    Args:
        splits: `train`, `validation` and `test` to the nodes' own features, `(examples, features)`.
        labels: class indices of the training examples.
        classes: number of classes.

    Returns:
        The probabilities `(examples, classes)` of each split, where no label reaches the class rates of training; and
        whether the spreading converged.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.semi_supervised import LabelSpreading

    sizes = [len(x) for x in splits.values()]
    known = {name: labels if name == "train" else np.full(len(x), -1) for name, x in splits.items()}
    method = LabelSpreading(kernel="knn", n_neighbors=NEIGHBORS, alpha=0.8, tol=1e-9, max_iter=1000)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        method.fit(np.concatenate(list(splits.values())), np.concatenate(list(known.values())))
    probabilities = np.zeros((sum(sizes), classes))
    probabilities[:, method.classes_.astype(int)] = np.nan_to_num(method.label_distributions_)
    unreached = probabilities.sum(axis=1) == 0
    probabilities[unreached] = np.bincount(labels, minlength=classes) / len(labels)
    parts = np.split(probabilities, np.cumsum(sizes)[:-1])
    return dict(zip(splits, parts, strict=True)), not any(issubclass(w.category, ConvergenceWarning) for w in caught)


def graph_statistics(nodes: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Return statistics of each graph that ignore how its parts are connected, `(examples, statistics)`.

    They are the numbers of nodes and edges; the fraction of nodes with 0, 1, … incoming edges; and mean, standard
    deviation, smallest and largest value of each feature.

    Args:
        nodes: `(examples, nodes, features)`, padded with NaN.
        edges: `(examples, edges, 2)`, padded with -1.
    """
    found = []
    for features, pairs in zip(nodes, edges, strict=True):
        x = features[~np.isnan(features).all(axis=1)]
        targets = pairs[pairs[:, 1] >= 0, 1]
        degrees = np.minimum(np.bincount(targets, minlength=len(x)), DEGREES - 1)
        histogram = np.bincount(degrees, minlength=DEGREES) / max(1, len(x))
        moments = [x.mean(axis=0), x.std(axis=0), x.min(axis=0), x.max(axis=0)]
        found.append(np.concatenate([[len(x), len(targets)], histogram, *moments]))
    return np.array(found, np.float32)
