"""Confidence intervals: Wilson's for proportions of examples, the bootstrap for everything else."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from zoo.evaluation.metrics.common import Statistic
from zoo.evaluation.metrics.kinds import kind_metrics
from zoo.tasks import Task

CONFIDENCE = 0.95


def intervals(
    task: str | Task,
    y: np.ndarray,
    output: np.ndarray,
    *,
    seed: int = 0,
    resamples: int = 1000,
    drawn: np.ndarray | None = None,
    labels: Sequence[str] = (),
) -> dict[str, list[float]]:
    """Return the 95% interval of each bootstrapped metric of the task's kind.

    It is Wilson's interval for the kind's `proportion`, else that of the percentile bootstrap.

    Args:
        task: the task, or its name.
        y: the targets, as for `evaluate`.
        output: the output, as for `evaluate`.
        seed: seed of the bootstrap.
        resamples: number of bootstrap resamples.
        drawn: what `draws` returned for the same arguments, where it has been computed.
        labels: as for `evaluate`.

    Returns:
        Metric to `[low, high]`; empty if the output is not finite.
    """
    kind = kind_metrics(task, labels)
    if not kind.bootstrapped or not np.isfinite(output).all():
        return {}
    values = draws(task, y, output, seed=seed, resamples=resamples, labels=labels) if drawn is None else drawn
    result = {}
    for name, column in zip(kind.bootstrapped, values.T, strict=True):
        interval = percentile_interval(column)
        if name == kind.proportion and kind.correct is not None:
            interval = wilson(int(kind.correct(y, output).sum()), len(y))
        if interval is not None:
            result[name] = interval
    return result


def draws(
    task: str | Task,
    y: np.ndarray,
    output: np.ndarray,
    *,
    seed: int = 0,
    resamples: int = 1000,
    labels: Sequence[str] = (),
) -> np.ndarray:
    """Return the bootstrapped metrics on resamples of the examples, shape `(resamples, metrics)`.

    Args:
        task: the task, or its name.
        y: the targets, as for `evaluate`.
        output: the output, as for `evaluate`, finite.
        seed: seed of the bootstrap.
        resamples: number of bootstrap resamples.
        labels: as for `evaluate`.
    """
    kind = kind_metrics(task, labels)
    if kind.resampled is None:
        return np.zeros((0, 0))
    block = 1 if kind.overlap is None else min(kind.overlap(y), len(y))
    return bootstrap(kind.resampled(y, output), len(y), seed=seed, resamples=resamples, block=block)


def wilson(successes: int, trials: int) -> list[float]:
    """Return Wilson's 95% score interval `[low, high]` for a proportion.

    Unlike the textbook interval it stays within 0 and 1 and keeps its coverage near both ends
    (Wilson 1927; Brown, Cai and DasGupta 2001, https://doi.org/10.1214/ss/1009213286).
    """
    from scipy.stats import binomtest

    interval = binomtest(successes, trials).proportion_ci(CONFIDENCE, method="wilson")
    return [float(interval.low), float(interval.high)]


def bootstrap(
    statistic: Statistic, examples: int, *, seed: int = 0, resamples: int = 1000, block: int = 1
) -> np.ndarray:
    """Evaluate a statistic on resamples of the examples, drawn with replacement (Efron 1979).

    A resample is given as how often each example was drawn, so that a statistic is a few weighted sums and nothing is
    copied. Two calls with the same seed see the same resamples, which is what makes a comparison paired. Examples that
    depend on their neighbors are drawn in blocks, around a circle so that each is as likely as the others
    (Politis and Romano, "A circular block-resampling procedure for stationary data", 1992).
    By hand, because `scipy.stats.bootstrap` copies the examples and draws no blocks.

    Args:
        statistic: takes the counts, floats of shape `(examples,)` that sum to `examples`; returns shape `(values,)`.
        examples: number of examples.
        seed: seed of the resamples.
        resamples: number of resamples.
        block: number of consecutive examples that are drawn together.

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
