"""Whether a generator copies its training images."""

from __future__ import annotations

from typing import Any

import numpy as np

from zoo.evaluation.metrics.common import ratio
from zoo.postprocessing.image_similarity import as_rows

MAX_CLOSER_MEMORIZED = 0.10  # fraction of generated images nearer to training than 99% of the real ones: above, copied
MAX_CLOSER_CLEAR = 0.03  # the same fraction: above, suspect
_CHUNK_DISTANCES = 1 << 23  # float32, 32 MiB


def nearest_training(generated: np.ndarray, held_out: np.ndarray, train: np.ndarray) -> dict[str, Any]:
    """Compare how near generated and held-out real images are to the nearest training image.

    A generator that learned the distribution is as near as held-out images are; one that copies is nearer. The verdict
    is `memorized` if more than 10% of the generated images are at most as far as the nearest 1% of the held-out ones,
    `suspect` above 3%, else `not memorized`. The ratio alone does not decide: in pixels, smooth images are nearer to
    all others than sharp ones, copied or not.

    Args:
        generated: images or features, shape `(n, …)`.
        held_out: real ones that the generator was not trained on, shape `(m, …)`.
        train: the training images, shape `(t, …)`.

    Returns:
        `distance` (Euclidean, uint8 scaled to [0, 1]) and `index` of the nearest training image of each generated one;
        `held_out`: the same distance of each held-out image; `ratio`: the median distance of the generated images over
        that of the held-out ones; `closer`: the fraction that decides the `verdict`.

    Raises:
        ValueError: shapes that do not fit, or nothing to compare.
    """
    shapes = [np.shape(x) for x in (generated, held_out, train)]
    if len({shape[1:] for shape in shapes}) > 1 or not all(shape[0] for shape in shapes):
        raise ValueError(f"expected generated, held-out and training images of one shape; received {shapes}")
    distance, index = _nearest(generated, train)
    usual, _ = _nearest(held_out, train)
    closer = float((distance <= np.quantile(usual, 0.01)).mean())
    verdict = (
        "memorized" if closer > MAX_CLOSER_MEMORIZED else "suspect" if closer > MAX_CLOSER_CLEAR else "not memorized"
    )
    return {
        "distance": distance,
        "index": index,
        "held_out": usual,
        "ratio": ratio(float(np.median(distance)), float(np.median(usual))),
        "closer": closer,
        "verdict": verdict,
    }


def _nearest(queries: np.ndarray, train: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return distance and index of the nearest training example of each query.

    The search multiplies in float32, one chunk of the training images at a time; the distance is then computed from the
    differences. scikit-learn's `pairwise_distances_argmin_min` would need all training images as floats at once.
    """
    rows = as_rows(queries)
    center = rows.mean(0)
    rows -= center
    best, index = np.full(len(rows), np.inf, dtype=np.float32), np.zeros(len(rows), dtype=np.intp)
    chunk = max(1, _CHUNK_DISTANCES // len(rows))
    for start in range(0, len(train), chunk):
        block = as_rows(train[start : start + chunk]) - center
        found = (block**2).sum(1) - 2 * rows @ block.T
        nearest = found.argmin(1)
        value = found[np.arange(len(rows)), nearest]
        closer = value < best
        best[closer], index[closer] = value[closer], nearest[closer] + start
    pairs = ((as_rows(queries[i : i + 1]), as_rows(train[j : j + 1])) for i, j in enumerate(index))
    return np.array([np.linalg.norm(a.astype(np.float64) - b) for a, b in pairs]), index
