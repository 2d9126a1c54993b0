"""Signs of labels that do not follow from their inputs."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from zoo.evaluation.report.diagnosis.sign import Sign
from zoo.evaluation.report.diagnosis.situation import Situation
from zoo.evaluation.report.split_gaps import Metrics
from zoo.tasks import as_task, words

MIN_EXAMPLES = 50  # on validation; with fewer, chance looks like anything
MIN_ERRORS = 0.05  # of the training labels that the audit takes for wrong
MIN_EXPLAINED = 0.5  # of the baseline's errors: below, it contradicts labels because the classes are hard to tell
MAX_BASELINE_ERROR = 0.5  # on validation: at or above, what it contradicts tells nothing of the labels
MAX_R2 = 0.02  # on validation: at or below, a prediction is no better than the mean
CONSTANT = ("majority_class", "mean")  # baselines that look at no input: they tell nothing of it


def label_noise(s: Situation) -> Iterator[Sign]:
    """Yield labels that neither the model nor the baseline can tell, and those that the audit takes for wrong."""
    yield from _at_chance(s)
    count = next((f.count for f in s.findings if f.name == "label_errors" and f.severity != "note"), 0)
    rate = count / s.train_size if s.train_size else 0.0
    wrong = s.baseline_error or 0.0
    if rate >= max(MIN_ERRORS, MIN_EXPLAINED * wrong) and wrong < MAX_BASELINE_ERROR:
        yield Sign(
            state="label noise",
            text=f"The audit takes {count:,} of {s.train_size:,} training labels ({rate:.0%}) for likely errors.",
        )


def _at_chance(s: Situation) -> Iterator[Sign]:
    """Yield that nothing tells the targets of validation from their inputs."""
    ours, simple, name = s.metrics.get("validation"), s.baseline.get("validation"), str(s.baseline.get("name"))
    y = s.outputs["validation"][0] if "validation" in s.outputs else np.zeros(0)
    if not ours or len(y) < MIN_EXAMPLES:
        return
    looks_at_inputs, has_learned = bool(simple) and name not in CONSTANT, _train_is_ahead(s)
    if not looks_at_inputs and not has_learned:
        return
    is_beyond = _beyond_chance if as_task(s.task).classifies else _beyond_mean
    if is_beyond(ours, y) or (looks_at_inputs and is_beyond(simple or {}, y)):
        return
    who = f"Neither the model nor {words(name)} tells" if looks_at_inputs else "The model does not tell"
    what = "labels of the validation split better than chance"
    if not as_task(s.task).classifies:
        what = "targets of the validation split better than their mean"
    text = f"{who} the {what}{_figures(ours)}"
    if has_learned:
        text += "; what it learned of the training split does not carry over"
    yield Sign(state="label noise", text=f"{text}.", cause="chance")


def _beyond_chance(metrics: Metrics, y: np.ndarray) -> bool:
    """Return whether the ranking or the classes of a model are better than drawn ones, by two standard errors."""
    counts = np.bincount(np.asarray(y, np.int64))
    counts = counts[counts > 0]
    if len(counts) < 2:
        return True
    n, classes = int(counts.sum()), len(counts)
    auc = metrics.get("roc_auc")
    spread = np.sqrt((n + 1) / (12 * counts * (n - counts)))  # of a ROC AUC without information: Mann & Whitney 1947
    if auc is not None and auc > 0.5 + 2 * float(spread.mean()) / math.sqrt(max(1, classes - 1)):
        return True
    rate = 1 / classes
    error = math.sqrt(float((rate * (1 - rate) / counts).sum())) / classes
    balanced = metrics.get("balanced_accuracy")
    return balanced is not None and balanced > rate + 2 * error


def _beyond_mean(metrics: Metrics, y: np.ndarray) -> bool:
    value = metrics.get("r2")
    return value is None or value > max(MAX_R2, 2 / len(y))


def _figures(metrics: Metrics) -> str:
    named = {"balanced_accuracy": "balanced accuracy", "roc_auc": "ROC AUC", "r2": "R²"}
    known = [f"{title} {value:.2f}" for key, title in named.items() if (value := metrics.get(key)) is not None]
    return f" ({', '.join(known)})" if known else ""


def _train_is_ahead(s: Situation) -> bool:
    """Return whether the model knows the training labels better than those of validation."""
    train, validation = s.error("train"), s.error("validation")
    return train is not None and validation is not None and train < 0.8 * validation
