"""Baselines for images with a target per pixel or per object: constant answers, and a forest on small surroundings."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

SAMPLED = 50_000  # training pixels
TREES = 30
RADIUS = 2  # pixels to each side that the forest sees


def most_frequent_class(train: np.ndarray, examples: int) -> np.ndarray:
    """Return the most frequent class for every pixel, uint8 of shape `(examples, height, width)`."""
    return np.full((examples, *train.shape[1:]), np.bincount(train.ravel()).argmax(), dtype=np.uint8)


def fit_pixel_forest(images: np.ndarray, masks: np.ndarray, *, seed: int) -> Any:
    """Fit a random forest (Breiman 2001) to the intensities in the 5x5 surroundings of 50,000 pixels.

    Every class is drawn as often as it occurs, and pixels outside the image repeat its edge.

    Args:
        images: shape `(n, height, width, channels)`.
        masks: classes, shape `(n, height, width)`.
        seed: seed of the forest and of the choice of pixels.
    """
    from sklearn.ensemble import RandomForestClassifier

    total = masks.size
    chosen = np.sort(np.random.default_rng(seed).choice(total, min(SAMPLED, total), replace=False))
    x = np.concatenate([_surroundings(images[i])[pixels] for i, pixels in _by_image(chosen, masks.shape)])
    forest = RandomForestClassifier(TREES, min_samples_leaf=3, n_jobs=-1, random_state=seed)
    forest.fit(x, masks.ravel()[chosen])
    return forest.set_params(n_jobs=1)  # threads would add up the trees' votes in an order that changes


def run_pixel_forest(forest: Any, images: np.ndarray) -> np.ndarray:
    """Return the forest's class of each pixel, uint8 of shape `(n, height, width)`."""
    found = [forest.predict(_surroundings(image)).reshape(image.shape[:2]) for image in images]
    return np.stack(found).astype(np.uint8)


def template_boxes(train: np.ndarray, examples: int, classes: int) -> np.ndarray:
    """Return the same boxes for every image: the mean box of each class, scored by the share of images that have it.

    Args:
        train: training targets, shape `(m, most, 5)`.
        examples: number of images to answer.
        classes: number of classes.

    Returns:
        Shape `(examples, classes, 6)`, float32, sorted by score; the score is 0 for a class that training lacks.
    """
    rows = np.zeros((classes, 6))
    for label in range(classes):
        boxes = train[train[..., 4] == label]
        if len(boxes):
            rows[label] = [*boxes[:, :4].mean(0), label, (train[..., 4] == label).any(1).mean()]
    rows = rows[np.argsort(-rows[:, 5], kind="stable")]
    return np.repeat(rows[None], examples, axis=0).astype(np.float32)


def _surroundings(image: np.ndarray) -> np.ndarray:
    """Return the values around each pixel, shape `(height * width, 25 * channels)`."""
    side = 2 * RADIUS + 1
    wide = np.pad(image, ((RADIUS, RADIUS), (RADIUS, RADIUS), (0, 0)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(wide, (side, side), axis=(0, 1))
    return windows.reshape(image.shape[0] * image.shape[1], -1).astype(np.float32)


def _by_image(chosen: np.ndarray, shape: tuple[int, ...]) -> Iterable[tuple[int, np.ndarray]]:
    """Yield each image that has chosen pixels, and which of its pixels those are."""
    size = shape[1] * shape[2]
    images, starts = np.unique(chosen // size, return_index=True)
    yield from zip((int(i) for i in images), np.split(chosen % size, starts[1:]), strict=True)
