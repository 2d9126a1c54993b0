"""`digit_neighbors` and `digit_graphs`: real digits as the nodes of one graph, and each as a graph of its own.

Features of nodes are float32; edges are pairs of source and target in the graph's own numbers, in both directions.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from zoo.data.builtin.definition import Definition
from zoo.data.builtin.glyphs import split_glyphs
from zoo.data.builtin.measured import digit_images

NEIGHBORS = 5  # that a node is joined to at least
HOPS = 2  # edges from the center of a neighborhood to its outermost nodes
TRAIN_NODES = 10  # of each class
VALIDATION_NODES = 500  # of all classes
MIN_INK = 64  # of 255: a pixel with this much ink is a node
_DIGITS = [str(digit) for digit in range(10)]


def digit_neighbors() -> Definition:
    """Define the neighborhoods of a graph of digits, with ten labeled digits of each class for training."""
    return Definition(
        description=(
            "scikit-learn's 1,797 digits (Alpaydin & Kaynak 1998) as one graph, for semi-supervised classification of "
            "nodes (Kipf & Welling 2017, https://arxiv.org/abs/1609.02907): a node is an image with 64 pixels of 0 to "
            f"1, and is joined to its {NEIGHBORS} nearest by Euclidean distance, and to those that it is a nearest of. "
            f"An example is a node's neighborhood: the node itself, always the first, all nodes up to {HOPS} edges "
            "away, and all edges between these; the label is that of the first node alone. "
            f"{TRAIN_NODES} nodes of each class are for training, {VALIDATION_NODES} for validation, the rest for the "
            "test. Neighborhoods hold nodes of all splits, without their labels: pixels of test images are seen in "
            "training, as is usual where the graph is given as a whole (the transductive setting), and labels of test "
            "nodes are in no example but their own."
        ),
        features=_features(64),
        splits=_neighborhoods,
        keys=("graph", "label"),
        metadata={"neighbors": NEIGHBORS, "hops": HOPS},
    )


def digit_graphs() -> Definition:
    """Define graphs of the inked pixels of digits."""

    def splits() -> dict[str, Iterator[dict[str, Any]]]:
        glyphs = split_glyphs()
        return {name: _drawn(part.images, part.labels) for name, part in glyphs.items()}

    return Definition(
        description=(
            "scikit-learn's 1,797 digits (Alpaydin & Kaynak 1998) as graphs, after the superpixels of Monti et al. "
            f"2017 (https://arxiv.org/abs/1611.08402): a node is a pixel with ink of {MIN_INK} or more, of 255, with "
            "three features: its ink, and its row and column from the mean of the graph's, in widths of the image. "
            "Edges join pixels that touch, corners included. The digits of the test are those of the other drawn sets."
        ),
        features=_features(3),
        splits=splits,
        keys=("graph", "label"),
    )


def _features(width: int) -> dict[str, Any]:
    import tensorflow_datasets as tfds

    return {
        "graph": {
            "nodes": tfds.features.Tensor(shape=(None, width), dtype=np.float32),
            "edges": tfds.features.Tensor(shape=(None, 2), dtype=np.int32),
        },
        "label": tfds.features.ClassLabel(names=_DIGITS),
    }


def _neighborhoods() -> dict[str, Iterable[dict[str, Any]]]:
    images, labels = digit_images()
    pixels = images.reshape(len(images), -1).astype(np.float32) / 255
    joined = _joined(images.reshape(len(images), -1).astype(np.int64))

    def examples(rows: np.ndarray) -> Iterator[dict[str, Any]]:
        for center in rows.tolist():
            chosen = _around(joined, center)
            targets, sources = np.nonzero(joined[np.ix_(chosen, chosen)])
            graph = {"nodes": pixels[chosen], "edges": np.stack([sources, targets], axis=1).astype(np.int32)}
            yield {"graph": graph, "label": int(labels[center])}

    return {name: examples(rows) for name, rows in _node_splits(labels).items()}


def _joined(points: np.ndarray) -> np.ndarray:
    """Return which of the points `(points, features)`, whole numbers, are joined: boolean, symmetric.

    Distances are whole numbers too, and of equal ones the smaller index wins: the graph is the same on every machine.
    """
    squares = (points**2).sum(axis=1)
    distances = squares[:, None] + squares - 2 * points @ points.T
    np.fill_diagonal(distances, np.iinfo(np.int64).max)
    nearest = np.argsort(distances, axis=1, kind="stable")[:, :NEIGHBORS]
    joined = np.zeros(distances.shape, bool)
    np.put_along_axis(joined, nearest, True, axis=1)
    return joined | joined.T


def _around(joined: np.ndarray, center: int) -> np.ndarray:
    """Return the nodes up to `HOPS` edges from the center: the center, then the others in their order."""
    within = np.zeros(len(joined), bool)
    within[center] = True
    for _ in range(HOPS):
        within |= joined[within].any(axis=0)
    within[center] = False
    return np.concatenate([[center], np.flatnonzero(within)])


def _node_splits(labels: np.ndarray) -> dict[str, np.ndarray]:
    """Return the nodes of each split."""
    order = np.argsort(np.random.default_rng(2017).random(len(labels)), kind="stable")
    train = np.concatenate([order[labels[order] == digit][:TRAIN_NODES] for digit in range(len(_DIGITS))])
    rest = order[~np.isin(order, train)]
    return {
        "train": np.sort(train),
        "validation": np.sort(rest[:VALIDATION_NODES]),
        "test": np.sort(rest[VALIDATION_NODES:]),
    }


def _drawn(images: np.ndarray, labels: np.ndarray) -> Iterator[dict[str, Any]]:
    for image, label in zip(images, labels, strict=True):
        places = np.argwhere(image >= MIN_INK)
        steps = np.abs(places[:, None] - places[None]).max(axis=2)
        targets, sources = np.nonzero(steps == 1)
        ink = image[places[:, 0], places[:, 1], None] / 255
        nodes = np.concatenate([ink, (places - places.mean(axis=0)) / image.shape[1]], axis=1).astype(np.float32)
        graph = {"nodes": nodes, "edges": np.stack([sources, targets], axis=1).astype(np.int32)}
        yield {"graph": graph, "label": int(label)}
