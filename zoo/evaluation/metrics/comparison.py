"""Is the model better than the baseline? A paired comparison on the same test examples, with a verdict in words."""

from __future__ import annotations

from typing import Any

import numpy as np

from zoo.evaluation.metrics.evaluate import PERCENT, TITLES, evaluate
from zoo.evaluation.metrics.intervals import BOOTSTRAPPED, correct, draws, percentile_interval
from zoo.tasks import TASKS, words

MINUS = "\N{MINUS SIGN}"


def compare(
    task: str,
    y: np.ndarray,
    model_output: np.ndarray,
    baseline_output: np.ndarray,
    *,
    name: str = "the baseline",
    seed: int = 0,
    resamples: int = 1000,
    drawn: tuple[np.ndarray, np.ndarray] | None = None,
) -> dict[str, Any]:
    """Compare model and baseline in the task's primary metric by a paired bootstrap over the test examples.

    Both are scored on the same resamples, so that what makes an example hard for both cancels out. The verdict is
    "better" or "worse" only if the 95% interval of the difference leaves out zero.

    Args:
        task: name of the task.
        y: the targets, as for `evaluate`.
        model_output: the model's output, as for `evaluate`.
        baseline_output: the same for the baseline.
        name: name of the baseline, for the verdict.
        seed: seed of the bootstrap.
        resamples: number of bootstrap resamples.
        drawn: what `draws` returned for the two outputs with this seed, where it has been computed.

    Returns:
        `metric`, `difference` (how far the model is ahead: positive means that the model is better, whichever way the
        metric points), `interval` (`[low, high]` of the difference), `p_value` (exact McNemar test, McNemar 1947, where
        an example is either right or wrong; else None) and `verdict`. The figures are None if either output is not
        finite or the metric is not defined.
    """
    kind, metric = TASKS[task].scored, TASKS[task].primary
    direction = 1 if TASKS[task].greater_is_better else -1
    finite = [bool(np.isfinite(output).all()) for output in (model_output, baseline_output)]
    if not all(finite):
        culprit = "baseline" if finite[0] else "model"
        verdict = f"not comparable with {words(name)}: the {culprit}'s output is not finite"
        return {"metric": metric, "difference": None, "interval": None, "p_value": None, "verdict": verdict}
    model, baseline = (evaluate(task, y, output)[metric] for output in (model_output, baseline_output))
    if not np.isfinite([model, baseline]).all():
        verdict = f"not comparable with {words(name)}: {TITLES[metric]} is not defined on these examples"
        return {"metric": metric, "difference": None, "interval": None, "p_value": None, "verdict": verdict}
    if metric not in BOOTSTRAPPED[kind]:
        difference = direction * (model - baseline)
        better = "better" if difference > 0 else "worse" if difference < 0 else "no better"
        verdict = f"{better} than {words(name)}: {TITLES[metric]} {model:.4g} against {baseline:.4g}"
        return {"metric": metric, "difference": difference, "interval": None, "p_value": None, "verdict": verdict}
    if drawn is None:
        first, second = (draws(task, y, o, seed=seed, resamples=resamples) for o in (model_output, baseline_output))
        drawn = first, second
    ours, theirs = (values[:, BOOTSTRAPPED[kind].index(metric)] for values in drawn)
    right, baseline_right = (correct(kind, y, output) for output in (model_output, baseline_output))
    difference = direction * (model - baseline)
    interval = percentile_interval(direction * (ours - theirs))
    return {
        "metric": metric,
        "difference": difference,
        "interval": interval,
        "p_value": None if right is None or baseline_right is None else mcnemar(right, baseline_right),
        "verdict": _verdict(metric, words(name), difference, interval or [difference, difference], baseline),
    }


def mcnemar(right: np.ndarray, baseline_right: np.ndarray) -> float:
    """Return the p-value of the exact McNemar test: are the examples that only one of the two gets right shared evenly?

    Args:
        right: which examples the model gets right, bool of shape `(n,)`.
        baseline_right: the same for the baseline.
    """
    from scipy.stats import binomtest

    only_model, only_baseline = int((right & ~baseline_right).sum()), int((baseline_right & ~right).sum())
    if only_model + only_baseline == 0:
        return 1.0
    return float(binomtest(only_model, only_model + only_baseline).pvalue)


def _verdict(metric: str, name: str, difference: float, interval: list[float], baseline: float) -> str:
    """Return the comparison as a clause, to follow "the model is"."""
    low, high = interval
    if metric in PERCENT:
        amount, low_text, high_text = (_signed(f"{100 * value:.1f}") for value in (abs(difference), low, high))
        unit = f"points of {TITLES[metric]}"
    else:
        amount, low_text, high_text = (_signed(f"{value:.3g}") for value in (abs(difference), low, high))
        unit = f"{f'({abs(difference / baseline):.1%}) ' if baseline else ''}in {TITLES[metric]}"
    if low > 0:
        return f"better than {name} by {amount} {unit} (95% CI {low_text} to {high_text})"
    if high < 0:
        low_text, high_text = (text.removeprefix(MINUS) for text in (high_text, low_text))
        return f"worse than {name} by {amount} {unit} (95% CI {low_text} to {high_text})"
    sign = MINUS if difference < 0 and float(amount) else ""
    return (
        f"no better than {name}: difference {sign}{amount} {unit}, 95% CI {low_text} to {high_text}; "
        "the simpler baseline may serve as well"
    )


def _signed(number: str) -> str:
    """Write a typographic minus, and none before a zero."""
    return number.replace("-", MINUS if float(number) else "")
