"""The checklist of a run: what a reviewer of an experiment asks, each question answered by what the run shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import yaml

from zoo.evaluation.metrics.names import TITLES
from zoo.evaluation.report.diagnosis.findings import read_findings
from zoo.evaluation.report.split_gaps import clearly_above, describe_pair
from zoo.tasks import TASKS, with_metric, words

YES, NO, LOOK = "yes", "no", "look"  # the last: a person has to

_LABEL_FINDINGS = ("label_errors", "conflicting_labels", "inconsistent_spelling", "missing_labels")
_SPREAD_FINDINGS = (
    *("shift", "leaked_examples", "near_duplicates", "time_leakage", "group_leakage", "target_leakage"),
    *("imbalance", "rare_class", "empty_class", "too_few_examples", "unseen_categories"),
)
MIN_AGREEMENT = 0.5  # rank correlation over the epochs of validation loss and metric, from which they rise together
MIN_EPOCHS = 5  # for that correlation

Answer = tuple[str, str]  # yes, no or look, and the evidence


def checklist(report: Mapping[str, Any]) -> list[dict[str, str]]:
    """Answer the questions of a review by what a report holds.

    Args:
        report: what `build_report` returns.

    Returns:
        For each `question`, the `answer` (`yes`, `no`, or `look` where a person has to) and the `evidence`.
    """
    read = yaml.safe_load(report.get("config") or "")
    recipe = read if isinstance(read, dict) else {}
    answers = {
        "Is the data representative?": _representative(report),
        "Are the labels right?": _labels(report),
        "Is preprocessing identical in training and serving?": _preprocessing(recipe),
        "Does the loss fit the task?": _loss(report, recipe),
        "Is the model free of overfitting?": _overfitting(report),
        "Is it better than a strong, simple baseline?": _baseline(report),
        "Were failures looked at?": _failures(report),
        "Can another person reproduce it?": _reproducible(report),
        "Is it regularized?": _regularized(recipe),
        "Does the learning rate follow a schedule?": _schedule(recipe),
        "Is the kept epoch chosen on validation?": _epoch(report, recipe),
        "Are training and versions recorded?": _recorded(report),
    }
    return [
        {"question": question, "answer": answer, "evidence": evidence}
        for question, (answer, evidence) in answers.items()
    ]


def _audited(report: Mapping[str, Any], names: Sequence[str], otherwise: Answer) -> Answer:
    """Answer by the audit's findings of some names."""
    found = [each for each in read_findings(report["data"].get("findings") or []) if each.name in names]
    if not found:
        return otherwise
    is_serious = any(each.severity == "error" for each in found)
    return NO if is_serious else LOOK, "; ".join(each.message for each in found)


def _representative(report: Mapping[str, Any]) -> Answer:
    sizes = ", ".join(f"{count:,} {name}" for name, count in (report["data"].get("splits") or {}).items())
    clean = f"The audit found no leak, shift or rare class in {sizes or 'the splits'}; only new data shows the rest."
    return _audited(report, _SPREAD_FINDINGS, (LOOK, clean))


def _labels(report: Mapping[str, Any]) -> Answer:
    return _audited(report, _LABEL_FINDINGS, (YES, "The audit found no label in doubt."))


def _preprocessing(recipe: Mapping[str, Any]) -> Answer:
    steps = [name for step in recipe.get("preprocess") or [] for name, value in step.items() if value is not None]
    what = f"{', '.join(map(words, steps))}: part" if steps else "What the recipe needs is part"
    return YES, f"{what} of the saved model, which gave the validation metric of the training again."


def _loss(report: Mapping[str, Any], recipe: Mapping[str, Any]) -> Answer:
    task, history = with_metric(TASKS[report["task"]], report.get("metric")), report["history"]
    loss, metric = words(str((recipe.get("loss") or {}).get("name", "the loss"))), task.monitor
    pairs = np.array([[row.get("val_loss"), row.get(f"val_{metric}")] for row in history], dtype=np.float64)
    pairs = pairs[np.isfinite(pairs).all(axis=1)] if len(pairs) else np.empty((0, 2))
    if metric == "loss" or len(pairs) < MIN_EPOCHS or (pairs.std(axis=0) == 0).any():
        return YES, f"{loss} is made for this task; too few epochs tell whether it and the metric rise together."
    from scipy.stats import spearmanr

    agreement = float(spearmanr(pairs[:, 0], pairs[:, 1]).statistic) * (-1 if task.greater_is_better else 1)
    evidence = f"{loss}; over {len(pairs)} epochs its rank correlation with {TITLES.get(metric, metric)} on validation "
    return (
        YES if agreement >= MIN_AGREEMENT else LOOK,
        f"{evidence}is {agreement:.2f} (1: they get better together).",
    )


def _overfitting(report: Mapping[str, Any]) -> Answer:
    metrics, task = report["metrics"], with_metric(TASKS[report["task"]], report.get("metric"))
    primary = task.primary
    known = [split for split in ("train", "validation", "test") if metrics.get(split, {}).get(primary) is not None]
    if len(known) < 2:
        return LOOK, f"The {TITLES.get(primary, words(primary))} is known of one split at most."
    is_apart = clearly_above(task, metrics, report["examples"], known[1], known[0])
    is_overfitting = is_apart or report["diagnosis"]["state"] == "overfitting"
    return NO if is_overfitting else YES, f"{describe_pair(task, metrics, *known[:2])}."


def _baseline(report: Mapping[str, Any]) -> Answer:
    baseline, comparison = report.get("baseline"), report.get("comparison")
    if not baseline or not comparison:
        return NO, "No baseline was fitted."
    tried = [entry for entry in baseline.get("tried") or [baseline] if "problem" not in entry]
    names = ", ".join(words(str(entry["name"])) for entry in tried)
    answer = {"better": YES, "worse": NO}.get(str(comparison.get("relation")), LOOK)
    return answer, f"Fitted on the same split: {names}. The model is {report['verdict']}."


def _failures(report: Mapping[str, Any]) -> Answer:
    shown = len(report.get("worst") or [])
    return LOOK, f"{shown} test examples that went worst are below." if shown else "This task has no single failures."


def _reproducible(report: Mapping[str, Any]) -> Answer:
    fingerprint = report["data"].get("fingerprint")
    if not report.get("config") or not fingerprint:
        return NO, "The run lacks its recipe or the fingerprint of its data."
    return YES, (
        f"Seed {report['seed']}, data {str(fingerprint)[:12]}, {len(report['versions'])} versions, the hardware and "
        "the resolved recipe are on this page: the same seed gives the same bits on the same hardware."
    )


def _regularized(recipe: Mapping[str, Any]) -> Answer:
    regularization, optimizer = recipe.get("regularization") or {}, recipe.get("optimizer") or {}
    used = [
        f"{words(name)} {value:g}" for name, value in regularization.items() if isinstance(value, int | float) and value
    ]
    used += [f"augmentation ({words(name)})" for step in recipe.get("augment") or [] for name in step]
    model = recipe.get("model") or {}
    used += [f"{words(name)} {value:g}" for name, value in model.items() if "drop" in name and _positive(value)]
    used += [f"{words(name)} {optimizer[name]:g}" for name in ("weight_decay",) if _positive(optimizer.get(name))]
    smoothing = (recipe.get("loss") or {}).get("label_smoothing")
    used += [f"label smoothing {smoothing:g}"] if _positive(smoothing) else []
    used += ["weight averaging"] if optimizer.get("ema") or optimizer.get("swa") else []
    return (YES, f"{', '.join(used)}.") if used else (LOOK, "No dropout, weight decay, augmentation or the like is on.")


def _positive(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0


def _schedule(recipe: Mapping[str, Any]) -> Answer:
    rate = (recipe.get("optimizer") or {}).get("learning_rate")
    if isinstance(rate, Mapping) and rate.get("schedule") not in (None, "constant"):
        return YES, f"{words(str(rate['schedule']))}, from a peak of {rate.get('peak', rate.get('initial', '?'))}."
    return LOOK, "The learning rate is constant."


def _epoch(report: Mapping[str, Any], recipe: Mapping[str, Any]) -> Answer:
    stopping = (recipe.get("regularization") or {}).get("early_stopping")
    patience = f"; early stopping after {stopping['patience']} epochs without progress" if stopping else ""
    kept, epochs = report.get("kept_epoch"), len(report["history"])
    if (recipe.get("training") or {}).get("select") == "last":
        return LOOK, f"The recipe keeps the last epoch, {epochs}{patience}."
    best = report["diagnosis"]["best_epoch"]
    if best is None:
        return NO, "There is no validation to choose by."
    return YES, f"Epoch {kept or best} of {epochs} was kept{patience}."


def _recorded(report: Mapping[str, Any]) -> Answer:
    return YES, (
        f"metrics.csv and tensorboard/ hold {len(report['history'])} epochs; the exported file names its recipe, data, "
        "versions and checksum."
    )
