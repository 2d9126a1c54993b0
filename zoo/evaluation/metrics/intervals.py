"""How far a figure can be trusted: Wilson's interval for proportions of examples, the bootstrap for everything else."""

from __future__ import annotations

from collections.abc import Callable
from statistics import NormalDist

import numpy as np

from zoo.evaluation.metrics.evaluate import class_arrays, value_arrays
from zoo.evaluation.metrics.kinds import KINDS
from zoo.tasks import TASKS

CONFIDENCE = 0.95
BOOTSTRAPPED = {
    "classification": ("accuracy", "balanced_accuracy", "macro_f1", "log_loss"),
    "regression": ("mae", "rmse", "r2", "median_absolute_error", "mse"),
    **{name: kind.metrics if kind.resampled is not None else () for name, kind in KINDS.items()},
}
PROPORTIONS = ("accuracy", "exact_match")  # shares of examples that are right


def intervals(
    task: str,
    y: np.ndarray,
    output: np.ndarray,
    *,
    seed: int = 0,
    resamples: int = 1000,
    drawn: np.ndarray | None = None,
) -> dict[str, list[float]]:
    """Return the 95% interval of each metric in `BOOTSTRAPPED`: Wilson's for `PROPORTIONS`, else percentile bootstrap.

    Calibration error is left out, because resampling inflates it; ROC AUC, because it is slow to resample.

    Args:
        task: name of the task.
        y: the targets, as for `evaluate`.
        output: the output, as for `evaluate`.
        seed: seed of the bootstrap.
        resamples: number of bootstrap resamples.
        drawn: what `draws` returned for the same arguments, where it has been computed.

    Returns:
        Metric to `[low, high]`; empty if the output is not finite.
    """
    kind = TASKS[task].scored
    if not BOOTSTRAPPED[kind] or not np.isfinite(output).all():
        return {}
    values = draws(task, y, output, seed=seed, resamples=resamples) if drawn is None else drawn
    right, result = correct(kind, y, output), {}
    for name, column in zip(BOOTSTRAPPED[kind], values.T, strict=True):
        interval = percentile_interval(column)
        if name in PROPORTIONS and right is not None:
            interval = wilson(int(right.sum()), len(y))
        if interval is not None:
            result[name] = interval
    return result


def draws(task: str, y: np.ndarray, output: np.ndarray, *, seed: int = 0, resamples: int = 1000) -> np.ndarray:
    """Return the metrics in `BOOTSTRAPPED` on resamples of the examples, shape `(resamples, metrics)`.

    Args:
        task: name of the task.
        y: the targets, as for `evaluate`.
        output: the output, as for `evaluate`, finite.
        seed: seed of the bootstrap.
        resamples: number of bootstrap resamples.
    """
    kind = TASKS[task].scored
    if not BOOTSTRAPPED[kind]:
        return np.zeros((0, 0))
    return bootstrap(resampled(kind, y, output), len(y), seed=seed, resamples=resamples, block=block_length(kind, y))


def wilson(successes: int, trials: int) -> list[float]:
    """Return Wilson's 95% score interval for a proportion.

    Unlike the textbook interval it stays within 0 and 1 and keeps its coverage near both ends
    (Wilson 1927; Brown, Cai and DasGupta 2001, https://doi.org/10.1214/ss/1009213286).

    Args:
        successes: how many trials succeeded.
        trials: how many trials there were, at least 1.

    Returns:
        `[low, high]`.
    """
    z = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)
    share = successes / trials
    centre = share + z**2 / (2 * trials)
    margin = z * np.sqrt(share * (1 - share) / trials + z**2 / (4 * trials**2))
    scale = 1 + z**2 / trials
    return [float(max(0.0, (centre - margin) / scale)), float(min(1.0, (centre + margin) / scale))]


def bootstrap(
    statistic: Callable[[np.ndarray], np.ndarray],
    examples: int,
    *,
    seed: int = 0,
    resamples: int = 1000,
    block: int = 1,
) -> np.ndarray:
    """Evaluate a statistic on resamples of the examples, drawn with replacement (Efron 1979).

    A resample is given as how often each example was drawn, so that a statistic is a few weighted sums and nothing is
    copied. Two calls with the same seed see the same resamples, which is what makes a comparison paired. Examples that
    depend on their neighbors are drawn in blocks, around a circle so that each is as likely as the others
    (Politis and Romano, "A circular block-resampling procedure for stationary data", 1992).

    Args:
        statistic: takes the counts, floats of shape `(examples,)` that sum to `examples`; returns shape `(values,)`.
        examples: number of examples.
        seed: seed of the resamples.
        resamples: number of resamples.
        block: how many examples in a row are drawn together.

    Returns:
        The values, shape `(resamples, values)`.
    """
    generator = np.random.default_rng(seed)
    rows = []
    for _ in range(resamples):
        drawn = generator.integers(0, examples, size=-(-examples // block))
        if block > 1:
            drawn = ((drawn[:, None] + np.arange(block)) % examples).ravel()[:examples]
        rows.append(statistic(np.bincount(drawn, minlength=examples).astype(np.float64)))
    return np.stack(rows)


def percentile_interval(values: np.ndarray) -> list[float] | None:
    """Return the central 95% of bootstrapped values of shape `(resamples,)`, or None if none is finite."""
    finite = values[np.isfinite(values)]
    if not len(finite):
        return None
    low, high = np.quantile(finite, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return [float(low), float(high)]


def resampled(kind: str, y: np.ndarray, output: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Return a function from how often each example is drawn, shape `(n,)`, to the metrics in `BOOTSTRAPPED[kind]`."""
    if kind in KINDS:
        make = KINDS[kind].resampled
        assert make is not None, f"the figures of {kind} cannot be resampled"
        return make(y, output)
    return _resampled_classification(y, output) if kind == "classification" else _resampled_regression(y, output)


def correct(kind: str, y: np.ndarray, output: np.ndarray) -> np.ndarray | None:
    """Return which examples are right, bool of shape `(n,)`; None where an example is not simply right or wrong."""
    if kind == "classification":
        return np.asarray(output).argmax(1) == y
    find = KINDS[kind].correct if kind in KINDS else None
    return None if find is None else find(y, output)


def block_length(kind: str, y: np.ndarray) -> int:
    """Return how many examples in a row the bootstrap draws together: those that share what they are to predict."""
    find = KINDS[kind].overlap if kind in KINDS else None
    return 1 if find is None else min(find(y), len(y))


def _resampled_classification(y: np.ndarray, output: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    y, p = class_arrays(y, output)
    predicted, classes = p.argmax(1), p.shape[1]
    correct = predicted == y
    hits = y[correct]
    surprise = -np.log(np.clip(p[np.arange(len(y)), y], np.finfo(np.float64).eps, None))

    def statistic(counts: np.ndarray) -> np.ndarray:
        true = np.bincount(y, counts, classes)
        claimed = np.bincount(predicted, counts, classes)
        hit = np.bincount(hits, counts[correct], classes)
        seen, named = true > 0, true + claimed > 0
        return np.array(
            [
                hit.sum() / counts.sum(),
                (hit[seen] / true[seen]).mean(),
                (2 * hit[named] / (true + claimed)[named]).mean(),
                counts @ surprise / counts.sum(),
            ]
        )

    return statistic


def _resampled_regression(y: np.ndarray, output: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    y, prediction = value_arrays(y, output)
    error = np.abs(prediction - y)
    order = error.argsort()
    y = y - y.mean()

    def statistic(counts: np.ndarray) -> np.ndarray:
        total = counts.sum()
        squared = counts @ error**2
        spread = counts @ y**2 - (counts @ y) ** 2 / total
        median = error[order[np.searchsorted(counts[order].cumsum(), total / 2)]]
        r2 = 1 - squared / spread if spread > 0 else np.nan
        return np.array([counts @ error / total, np.sqrt(squared / total), r2, median, squared / total])

    return statistic
