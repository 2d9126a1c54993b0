"""Several labels an example: targets are 0 or 1, the output probabilities, both of shape `(n, labels)`.

An example is said to have the labels whose probability is `LABEL_THRESHOLD` or more.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from zoo.evaluation.metrics.anomaly import resampled as ranking
from zoo.evaluation.metrics.common import MAX_WORST_EXAMPLES, Statistic, check, ratio
from zoo.tasks import LABEL_THRESHOLD

METRICS = ("mean_average_precision", "macro_f1", "micro_f1", "label_accuracy", "exact_match", "log_loss")


def resampled(y: np.ndarray, output: np.ndarray) -> Statistic:
    """Return a function from how often each example counts, shape `(n,)`, to `METRICS`.

    Mean average precision is the mean over the labels of which there are examples with and without them; by chance it
    is the mean rate of these labels. Macro F1 averages over the labels that some example has or is said to have.

    Raises:
        ValueError: shapes that do not fit, targets other than 0 and 1, or outputs that are no probabilities.
    """
    y, p = arrays(y, output)
    claimed = p >= LABEL_THRESHOLD
    hits, wrong, right = claimed & (y == 1), claimed != y, (claimed == y).all(axis=1)
    surprise = -np.log(np.clip(np.where(y == 1, p, 1 - p), np.finfo(np.float64).eps, None)).mean(axis=1)
    ranked = [ranking(y[:, label], p[:, label]) for label in range(y.shape[1])]

    def statistic(counts: np.ndarray) -> np.ndarray:
        total = counts.sum()
        hit, true, said = counts @ hits, counts @ y, counts @ claimed
        named = true + said > 0
        precision = np.array([each(counts)[1] for each in ranked])
        return np.array(
            [
                np.nan if np.isnan(precision).all() else np.nanmean(precision),
                (2 * hit[named] / (true + said)[named]).mean() if named.any() else np.nan,
                ratio(2 * hit.sum(), (true + said).sum()),
                1 - counts @ wrong.mean(axis=1) / total,
                counts @ right / total,
                counts @ surprise / total,
            ]
        )

    return statistic


def arrays(y: np.ndarray, output: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Check shapes and ranges, and return targets as integers and probabilities in float64, `(n, labels)`."""
    y, p = np.asarray(y), np.asarray(output, dtype=np.float64)
    check(y, p, y.ndim == 2 and y.shape == p.shape, "y and probabilities of shape (n, labels)")
    if not np.isin(y, (0, 1)).all():
        raise ValueError(f"targets must be 0 or 1; received {y.min()} to {y.max()}")
    if (p < 0).any() or (p > 1).any():
        raise ValueError(f"probabilities must lie in 0 to 1 (logits?); received {p.min():.3g} to {p.max():.3g}")
    return y.astype(np.intp), p


def correct(y: np.ndarray, output: np.ndarray) -> np.ndarray:
    """Return which examples have exactly the labels that they are said to have, bool of shape `(n,)`."""
    return ((np.asarray(output) >= LABEL_THRESHOLD) == y).all(axis=1)


def details(
    y: np.ndarray, output: np.ndarray, labels: Sequence[str], baseline: np.ndarray | None = None
) -> dict[str, Any]:
    """Return `per_class`, a row a label, and `worst`, the examples with the highest loss.

    A row has `label`, `precision`, `recall`, `f1`, `average_precision` (None where the denominator is 0 or every or no
    example has the label) and `support`. An entry of `worst` has `index`, `true`, `predicted` and `log_loss`.
    """
    y, p = arrays(y, output)
    claimed, everyone = p >= LABEL_THRESHOLD, np.ones(len(y))
    rows = []
    for i, label in enumerate(labels):
        hits, true, said = int((claimed[:, i] & (y[:, i] == 1)).sum()), int(y[:, i].sum()), int(claimed[:, i].sum())
        values = {
            "precision": ratio(hits, said),
            "recall": ratio(hits, true),
            "f1": ratio(2 * hits, true + said),
            "average_precision": float(ranking(y[:, i], p[:, i])(everyone)[1]),
        }
        rows.append({"label": label, **{n: None if np.isnan(v) else v for n, v in values.items()}, "support": true})
    surprise = -np.log(np.clip(np.where(y == 1, p, 1 - p), np.finfo(np.float64).eps, None)).mean(axis=1)
    chosen = np.argsort(-surprise, kind="stable")[:MAX_WORST_EXAMPLES]
    return {
        "per_class": rows,
        "worst": [
            {
                "index": int(i),
                "true": _named(y[i], labels),
                "predicted": _named(claimed[i], labels),
                "log_loss": float(surprise[i]),
            }
            for i in chosen
        ],
    }


def _named(marks: np.ndarray, labels: Sequence[str]) -> str:
    return ", ".join(label for label, mark in zip(labels, marks, strict=True) if mark) or "none"
