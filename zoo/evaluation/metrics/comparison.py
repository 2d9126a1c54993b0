"""Is the model better than the baseline? A paired comparison on the same test examples, with a verdict in words.

The page, the diagnosis, the card and the commands all say this verdict.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from zoo.evaluation.metrics.evaluate import evaluate
from zoo.evaluation.metrics.intervals import draws, percentile_interval
from zoo.evaluation.metrics.kinds import kind_metrics
from zoo.evaluation.metrics.names import PERCENT, TITLES
from zoo.tasks import Task, as_task, words

SIGNIFICANCE = 0.05  # of McNemar's test, as the intervals are of 95%


def compare(
    task: str | Task,
    y: np.ndarray,
    model_output: np.ndarray,
    baseline_output: np.ndarray,
    *,
    name: str = "the baseline",
    seed: int = 0,
    resamples: int = 1000,
    drawn: tuple[np.ndarray, np.ndarray] | None = None,
    labels: Sequence[str] = (),
) -> dict[str, Any]:
    """Compare model and baseline in the task's primary metric by a paired bootstrap over the test examples.

    Both are evaluated on the same resamples, so that what makes an example hard for both cancels out. The model is
    "better" or "worse" only if the 95% interval of the difference excludes zero and, where the metric is a proportion
    of examples, McNemar's test agrees.

    Args:
        task: the task, or its name.
        y: the targets, as for `evaluate`.
        model_output: the model's output, as for `evaluate`.
        baseline_output: the same for the baseline.
        name: name of the baseline, for the verdict.
        seed: seed of the bootstrap.
        resamples: number of bootstrap resamples.
        drawn: what `draws` returned for the two outputs with this seed, where it has been computed.
        labels: as for `evaluate`.

    Returns:
        `metric`, `difference` (how far the model is ahead: positive means that the model is better, whichever way the
        metric points), `interval` (`[low, high]` of the difference), `p_value` (exact McNemar test, McNemar 1947, where
        an example is either right or wrong; else None), `relation` ("better", "worse" or "no clear difference") and
        `verdict`, a clause to follow "the model is". The numbers and the relation are None if either output is not
        finite or the metric is not defined.
    """
    task = as_task(task)
    kind, metric = kind_metrics(task, labels), task.primary
    direction = 1 if task.greater_is_better else -1
    outputs = {"model": model_output, "baseline": baseline_output}
    result: dict[str, Any] = dict.fromkeys(("difference", "interval", "p_value", "relation")) | {"metric": metric}
    for culprit, output in outputs.items():
        if not np.isfinite(output).all():
            return result | {"verdict": f"not comparable with {words(name)}: the {culprit}'s output is not finite"}
    model, baseline = (evaluate(task, y, output, labels).get(metric, np.nan) for output in outputs.values())
    if not np.isfinite([model, baseline]).all():
        verdict = f"not comparable with {words(name)}: {TITLES[metric]} is not defined on these examples"
        return result | {"verdict": verdict}
    result["difference"] = difference = direction * (model - baseline)
    if metric in kind.bootstrapped:
        if drawn is None:
            first, second = (
                draws(task, y, output, seed=seed, resamples=resamples, labels=labels) for output in outputs.values()
            )
            drawn = first, second
        ours, theirs = (values[:, kind.bootstrapped.index(metric)] for values in drawn)
        result["interval"] = percentile_interval(direction * (ours - theirs))
    if kind.correct is not None:
        result["p_value"] = mcnemar(kind.correct(y, model_output), kind.correct(y, baseline_output))
    tested = result["p_value"] if metric == kind.proportion else None
    result["relation"] = _relation(difference, result["interval"], tested)
    return result | {"verdict": _verdict(result, words(name), (model, baseline))}


def mcnemar(right: np.ndarray, baseline_right: np.ndarray) -> float:
    """Return the p-value of the exact McNemar test: does each of the two alone get as many examples right as the other?

    Args:
        right: which examples the model gets right, bool of shape `(n,)`.
        baseline_right: the same for the baseline.
    """
    from scipy.stats import binomtest

    only_model, only_baseline = int((right & ~baseline_right).sum()), int((baseline_right & ~right).sum())
    if only_model + only_baseline == 0:
        return 1.0
    return float(binomtest(only_model, only_model + only_baseline).pvalue)


def _relation(difference: float, interval: list[float] | None, p_value: float | None) -> str:
    low, high = (difference, difference) if interval is None else interval
    if p_value is None or p_value < SIGNIFICANCE:
        if difference > 0 and low > 0:
            return "better"
        if difference < 0 and high < 0:
            return "worse"
    return "no clear difference"


def _verdict(result: dict[str, Any], name: str, values: tuple[float, float]) -> str:
    """Return the comparison as a clause, to follow "the model is"; values are the model's and the baseline's."""
    metric, difference, interval = result["metric"], result["difference"], result["interval"]
    model, baseline = (f"{value:.1%}" if metric in PERCENT else f"{value:.4g}" for value in values)
    measured = f"{TITLES[metric]} {model} against {baseline}"
    if interval is None:
        return f"{'better' if difference > 0 else 'worse' if difference < 0 else 'no better'} than {name}: {measured}"
    if result["relation"] != "no clear difference":
        size = _size(metric, difference)
        part = "" if metric in PERCENT or not values[1] else f" ({abs(difference / values[1]):.1%})"
        unit = f"points of {TITLES[metric]}" if metric in PERCENT else f"in {TITLES[metric]}"
        low, high = sorted((_size(metric, value) for value in interval), key=float)
        return f"{result['relation']} than {name} by {size}{part} {unit} (95% CI {low} to {high})"
    tested = f", p = {result['p_value']:.2g}" if interval[0] * interval[1] > 0 and result["p_value"] is not None else ""
    return (
        f"{'not clearly better' if difference > 0 else 'no better'} than {name}: {_side(metric, difference)}, "
        f"{measured} (95% CI {_side(metric, interval[0])} to {_side(metric, interval[1])}{tested}); "
        "the simpler baseline may serve as well"
    )


def _size(metric: str, difference: float) -> str:
    """Return a difference without its sign, in points where the metric is a percentage."""
    return f"{100 * abs(difference):.1f}" if metric in PERCENT else f"{abs(difference):.3g}"


def _side(metric: str, difference: float) -> str:
    """Return how far the model is ahead or behind, whichever way the metric points."""
    size = _size(metric, difference)
    points = f"{size} points" if metric in PERCENT else size
    return "level" if not float(size) else f"{points} {'ahead' if difference > 0 else 'behind'}"
