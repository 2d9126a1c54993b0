"""Generation: images that a model generates from noise, as a classifier of real images sees them.

Targets are held-out real images, the output is generated images, both as rows of `image_rows`; their numbers may
differ. No metric is resampled: copies of an image among the resampled ones would hide a lack of diversity.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from zoo.evaluation.metrics.common import label_of
from zoo.evaluation.metrics.generation_distances import frechet_distance, kernel_distance, precision_recall

METRICS = ("fid", "kid", "precision", "recall", "coverage")
MAX_COMPARED_IMAGES = 10_000  # of either side, for precision and recall, whose time is quadratic
MIN_COVERED_RATIO = 0.1  # a class is covered from this ratio of its rate among generated to that among real images


def image_rows(probabilities: np.ndarray, features: np.ndarray) -> np.ndarray:
    """Return what a classifier says of images as rows, float32 `(n, 1 + classes + features)`.

    A row is the number of classes, the probability of each class, and the features before the head. Features that know
    no classes have probabilities `(n, 0)`.
    """
    count = np.full((len(probabilities), 1), probabilities.shape[1])
    return np.concatenate([count, probabilities, features.reshape(len(features), -1)], axis=1).astype(np.float32)


def split_rows(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return probabilities `(n, classes)` and features `(n, features)`.

    Raises:
        ValueError: there are no rows of this form.
    """
    rows = np.asarray(rows)
    if rows.ndim != 2 or not len(rows) or rows.shape[1] <= 1 + rows[0, 0]:
        raise ValueError(f"expected rows of shape (n, 1 + classes + features); received {rows.shape}")
    classes = int(rows[0, 0])
    return rows[:, 1 : 1 + classes], rows[:, 1 + classes :]


def generation_metrics(y: np.ndarray, output: np.ndarray, *, seed: int = 0, k: int = 3) -> dict[str, float]:
    """Return `METRICS`, without `coverage` where the features know no classes; NaN if the output is not finite.

    Precision and recall compare at most 10,000 images of either side, drawn at random.

    Args:
        y: rows of real images that the generator has not seen.
        output: rows of generated images.
        seed: seed of the draw and of the subsets of KID.
        k: see `precision_recall`.

    Raises:
        ValueError: shapes that do not fit, or too few images.
    """
    (real, real_features), (generated, generated_features) = split_rows(y), split_rows(output)
    if not np.isfinite(output).all():
        return dict.fromkeys(METRICS[: None if real.shape[1] else -1], math.nan)
    generator = np.random.default_rng(seed)
    few = [x[generator.permutation(len(x))[:MAX_COMPARED_IMAGES]] for x in (real_features, generated_features)]
    precision, recall = precision_recall(few[0], few[1], k)
    found = {
        "fid": frechet_distance(real_features, generated_features),
        "kid": kernel_distance(real_features, generated_features, seed=seed)[0],
        "precision": precision,
        "recall": recall,
    }
    return found | ({"coverage": class_coverage(generated, real)["coverage"]} if real.shape[1] else {})


def class_coverage(generated: np.ndarray, real: np.ndarray, threshold: float = MIN_COVERED_RATIO) -> dict[str, Any]:
    """Return how many classes a classifier finds among generated images; few mean that the generator collapsed.

    Args:
        generated: probabilities of generated images, shape `(m, classes)`.
        real: probabilities of real images, shape `(n, classes)`.
        threshold: least ratio of a covered class's rate among the generated images to its rate among the real ones.

    Returns:
        `covered` and `classes` (those that occur among the real), their quotient `coverage`, the rates of each class
        as `shares` and `real_shares`, and `divergence`: the Kullback-Leibler divergence of the generated classes from
        the real ones, in nats, with half an image added to each class so that it is finite.

    Raises:
        ValueError: shapes that do not fit, or no images.
    """
    generated, real = np.asarray(generated), np.asarray(real)
    if generated.ndim != 2 or real.ndim != 2 or generated.shape[1:] != real.shape[1:] or not generated.size * real.size:
        raise ValueError(
            f"expected probabilities of shape (n, classes) on both sides; received {generated.shape} and {real.shape}"
        )
    counts, real_counts = (np.bincount(p.argmax(1), minlength=p.shape[1]) for p in (generated, real))
    rates, real_rates = counts / counts.sum(), real_counts / real_counts.sum()
    occurring = real_counts > 0
    enough = counts * real_counts.sum() >= threshold * real_counts * counts.sum()
    covered = int((occurring & (counts > 0) & enough).sum())
    smooth, real_smooth = ((c + 0.5) / (c + 0.5).sum() for c in (counts, real_counts))
    return {
        "covered": covered,
        "classes": int(occurring.sum()),
        "coverage": covered / int(occurring.sum()),
        "shares": rates,
        "real_shares": real_rates,
        "divergence": float((smooth * np.log(smooth / real_smooth)).sum()),
    }


def details(
    y: np.ndarray, output: np.ndarray, labels: Sequence[str], baseline: np.ndarray | None = None
) -> dict[str, Any]:
    """Return `classes`: how often the classifier finds each among the generated images, see `class_coverage`.

    Nothing where the features know no classes.
    """
    (real, _), (generated, _) = split_rows(y), split_rows(output)
    if not real.shape[1]:
        return {}
    found = class_coverage(generated, real)
    return {"classes": {**found, "labels": [label_of(labels, c) for c in range(real.shape[1])]}}
