"""Is the model better than the baseline? A paired comparison on the same test examples, with a verdict in words."""

from __future__ import annotations

from typing import Any

import numpy as np

from zoo.evaluation.metrics.evaluate import evaluate
from zoo.evaluation.metrics.intervals import draws, percentile_interval
from zoo.evaluation.metrics.kinds import KINDS
from zoo.evaluation.metrics.names import PERCENT, TITLES
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

    Both are evaluated on the same resamples, so that what makes an example hard for both cancels out. The verdict is
    "better" or "worse" only if the 95% interval of the difference excludes zero.

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
        an example is either right or wrong; else None) and `verdict`. The numbers are None if either output is not
        finite or the metric is not defined.
    """
    kind, metric = KINDS[TASKS[task].kind], TASKS[task].primary
    direction = 1 if TASKS[task].greater_is_better else -1
    outputs = {"model": model_output, "baseline": baseline_output}
    result: dict[str, Any] = {"metric": metric, "difference": None, "interval": None, "p_value": None}
    for culprit, output in outputs.items():
        if not np.isfinite(output).all():
            return result | {"verdict": f"not comparable with {words(name)}: the {culprit}'s output is not finite"}
    model, baseline = (evaluate(task, y, output)[metric] for output in outputs.values())
    if not np.isfinite([model, baseline]).all():
        verdict = f"not comparable with {words(name)}: {TITLES[metric]} is not defined on these examples"
        return result | {"verdict": verdict}
    result["difference"] = difference = direction * (model - baseline)
    if metric not in kind.bootstrapped:
        better = "better" if difference > 0 else "worse" if difference < 0 else "no better"
        verdict = f"{better} than {words(name)}: {TITLES[metric]} {model:.4g} against {baseline:.4g}"
        return result | {"verdict": verdict}
    if drawn is None:
        first, second = (draws(task, y, output, seed=seed, resamples=resamples) for output in outputs.values())
        drawn = first, second
    ours, theirs = (values[:, kind.bootstrapped.index(metric)] for values in drawn)
    result["interval"] = interval = percentile_interval(direction * (ours - theirs))
    if kind.correct is not None:
        result["p_value"] = mcnemar(kind.correct(y, model_output), kind.correct(y, baseline_output))
    verdict = _verdict(metric, words(name), difference, interval or [difference, difference], baseline)
    return result | {"verdict": verdict}


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
    """Write a typographic minus, but none before a zero."""
    return number.replace("-", MINUS if float(number) else "")
