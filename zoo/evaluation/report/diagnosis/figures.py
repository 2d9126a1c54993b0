"""Signs in the figures of the splits, beside the baseline's: underfitting, overfitting, suspicious, inconclusive."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from zoo.evaluation.report.diagnosis import curves
from zoo.evaluation.report.diagnosis.network import narrowest, settings_of
from zoo.evaluation.report.diagnosis.sign import Sign
from zoo.evaluation.report.diagnosis.situation import Situation
from zoo.evaluation.report.split_gaps import MIN_GAP_POINTS, clearly_above, describe_pair, gap_texts
from zoo.tasks import as_task

MIN_LEARNED = 0.05  # of the first training loss
MAX_BIAS = 0.5  # of the mean absolute error in training: above, predictions are off their targets' middle
LEAKS = ("target_leakage", "leaked_examples", "time_leakage", "group_leakage")  # findings of the audit
MIN_STILL_FALLING = 0.01  # of the training loss over the last fifth of the epochs
MIN_LEAKED = 0.05  # of the test examples that are in the training split, too


def leaks(s: Situation) -> Iterator[Sign]:
    """Yield a test split that is easier than validation, and leaks that the audit found."""
    if clearly_above(s.task, s.metrics, s.examples, "validation", "test"):
        text = f"{describe_pair(s.task, s.metrics, 'validation', 'test')}: the test split is easier than it should be."
        yield Sign(state="suspicious", text=f"{text} {gap_texts(s.task).test_easier}", cause="leak")
    elif clearly_above(s.task, s.metrics, s.examples, "train", "test"):
        text = f"{describe_pair(s.task, s.metrics, 'train', 'test')}: the test split is easier than training."
        yield Sign(state="suspicious", text=f"{text} {gap_texts(s.task).test_easier}", cause="leak")
    for finding in s.findings:
        few = finding.name == "leaked_examples" and finding.count < MIN_LEAKED * s.examples.get("test", 0)
        if finding.name in LEAKS and finding.severity != "note" and not few:
            yield Sign(state="suspicious", text=_sentence(finding.message or finding.name), cause="leak")


def odd_gaps(s: Situation) -> Iterator[Sign]:
    """Yield a training split that is harder than validation, and a test split that is harder."""
    gaps = (
        ("train", "validation", "training is the harder of the two", gap_texts(s.task).training_harder),
        ("test", "validation", "the test split is harder than validation", gap_texts(s.task).test_harder),
    )
    for worse, better, meaning, why in gaps:
        if clearly_above(s.task, s.metrics, s.examples, worse, better):
            text = f"{describe_pair(s.task, s.metrics, worse, better)}: {meaning}. {why}"
            yield Sign(state="suspicious", text=text, cause="gap")


def overfitting(s: Situation) -> Iterator[Sign]:
    """Yield a validation error that is clearly above the training error."""
    if clearly_above(s.task, s.metrics, s.examples, "validation", "train"):
        text = describe_pair(s.task, s.metrics, "train", "validation")
        yield Sign(state="overfitting", text=f"{text}: the model has memorised part of the training data.", cause="gap")


def underfitting(s: Situation) -> Iterator[Sign]:
    """Yield a model that is no better than its baseline, even in training, or whose loss hardly fell."""
    ahead, train, simple = s.comparison.get("difference"), s.error("train"), s.baseline_error
    fits = as_task(s.task).greater_is_better and train is not None and train < MIN_GAP_POINTS
    if ahead is not None and ahead <= 0 and s.error("test") != 0 and not (fits and s.comparison["relation"] != "worse"):
        text = f"The model is {s.comparison['verdict']}."
        if train is not None and simple is not None and train < simple:
            yield Sign(state="inconclusive", text=f"{text} On its training split it does better than that.")
        else:
            yield Sign(state="underfitting", text=f"{text} Nor is it better in training.")
            yield from _causes(s)
    if s.comparison.get("relation") is None and curves.hardly_fell(s, MIN_LEARNED):
        yield Sign(state="underfitting", text="The training loss hardly fell.", cause="still")


def _causes(s: Situation) -> Iterator[Sign]:
    """Yield what may keep a model from fitting its training data."""
    y, output = s.outputs.get("train", (None, None))
    if as_task(s.task).kind == "regression" and y is not None and output is not None and np.isfinite(output).all():
        error = np.asarray(output, np.float64) - y
        bias, size = float(error.mean()), float(np.abs(error).mean())
        if size and abs(bias) > MAX_BIAS * size:
            side = "above" if bias > 0 else "below"
            yield Sign(
                state="underfitting",
                text=f"In training its predictions are on average {abs(bias):.3g} {side} their targets, of a mean "
                f"absolute error of {size:.3g}: the loss does not aim at the middle.",
                cause="loss",
            )
    least = None if s.loaded is None else narrowest(settings_of(s.loaded.recipe))
    classes = len(np.unique(s.outputs["train"][0])) if y is not None and as_task(s.task).classifies else 0
    if least is not None and least < classes:
        yield Sign(
            state="underfitting",
            text=f"The narrowest layer has a width of {least}, for {classes} classes.",
            cause="capacity",
        )
    loss = s.loss
    fifth = len(loss) // 5
    if fifth and np.isfinite(loss).all():
        before, last = loss[-2 * fifth : -fifth].mean(), loss[-fifth:].mean()
        if before and (before - last) / abs(before) > MIN_STILL_FALLING:
            yield Sign(state="underfitting", text="The training loss was still falling at the end.", cause="falling")


def without_validation(s: Situation) -> Iterator[Sign]:
    """Yield that nothing was held out to tell overfitting by."""
    if s.error("validation") is None and not np.isfinite(s.validation_loss).any():
        yield Sign(state="inconclusive", text="Without a validation split, overfitting cannot be detected.")


def _sentence(text: str) -> str:
    text = text.strip()
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith('.') else '.'}"
