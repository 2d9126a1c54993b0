"""Segmentation: one constant class, and a random forest on the surroundings of each pixel."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from zoo.evaluation.baselines.data import EVALUATED_SPLITS, BaselineData, BaselineResult, Method
from zoo.tasks import IGNORED_PIXEL

if TYPE_CHECKING:
    from sklearn.ensemble import RandomForestClassifier

TRAIN_PIXELS = 50_000
TREES = 30
RADIUS = 2  # pixels on each side that the forest sees


def most_frequent_class(train: np.ndarray, examples: int) -> np.ndarray:
    """Return the most frequent class for every pixel, uint8 of shape `(examples, height, width)`."""
    counts = np.bincount(train.ravel())[:IGNORED_PIXEL]
    return np.full((examples, *train.shape[1:]), counts.argmax(), dtype=np.uint8)


def fit_pixel_forest(images: np.ndarray, masks: np.ndarray, *, seed: int) -> RandomForestClassifier:
    """Fit a random forest (Breiman 2001) to the intensities in the 5x5 surroundings of 50,000 pixels.

    Pixels are drawn whatever their class, unless it is `IGNORED_PIXEL`; outside the image, its edge is repeated.

    Args:
        images: shape `(n, height, width, channels)`.
        masks: classes, shape `(n, height, width)`.
        seed: seed of the forest and of the choice of pixels.
    """
    from sklearn.ensemble import RandomForestClassifier

    ignored = masks.ravel() == IGNORED_PIXEL
    total = masks.size - int(ignored.sum())
    chosen = np.sort(np.random.default_rng(seed).choice(total, min(TRAIN_PIXELS, total), replace=False))
    if total < masks.size:
        chosen = np.flatnonzero(~ignored)[chosen]
    x = np.concatenate([_surroundings(images[i])[pixels] for i, pixels in _by_image(chosen, masks.shape)])
    forest = RandomForestClassifier(TREES, min_samples_leaf=3, n_jobs=-1, random_state=seed)
    forest.fit(x, masks.ravel()[chosen])
    return forest.set_params(n_jobs=1)  # threads would sum the trees' votes in changing order


def run_pixel_forest(forest: RandomForestClassifier, images: np.ndarray) -> np.ndarray:
    """Return the forest's class of each pixel, uint8 of shape `(n, height, width)`."""
    found = [forest.predict(_surroundings(image)).reshape(image.shape[:2]) for image in images]
    return np.stack(found).astype(np.uint8)


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


def answer_most_frequent(data: BaselineData, seed: int) -> BaselineResult:
    """Answer with `most_frequent_class`."""
    y = data.targets
    return BaselineResult({split: most_frequent_class(y["train"], len(y[split])) for split in EVALUATED_SPLITS})


def predict_by_forest(data: BaselineData, seed: int) -> BaselineResult:
    """Fit the forest and classify every pixel."""
    inputs = data.required("inputs")
    started = time.perf_counter()
    forest = fit_pixel_forest(inputs("train"), data.targets["train"], seed=seed)
    seconds = time.perf_counter() - started
    return BaselineResult(
        {split: run_pixel_forest(forest, inputs(split)) for split in EVALUATED_SPLITS}, seconds=seconds
    )


METHODS: dict[str, Method] = {"most_frequent_class": answer_most_frequent, "pixel_forest": predict_by_forest}
