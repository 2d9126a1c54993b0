"""Labels that are likely wrong: confident learning (Northcutt et al. 2021) on a baseline's probabilities."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from zoo.audit.finding import Finding, found
from zoo.audit.probabilities import held_out_probabilities
from zoo.audit.subject import Subject
from zoo.errors import ZooError, import_extra

_MIN_EXAMPLES = 60
_MIN_CLASS_EXAMPLES = 5  # examples of smaller classes are not looked at
_SUREST = 10  # one example in so many, but at least 100: where these contradict labels, the labels are wrong
_MIN_SUREST = 100
_MIN_NOISE = 0.025  # of the confident examples, whose label is contradicted, from which on it is a warning
_MIN_NOISE_FRACTION = 0.4  # of the contradictions overall: of classes that are hard to tell, fewer are confident
_MIN_EXPLAINED = 0.5  # of the errors of the most frequent class, by a baseline that may contradict labels
_MIN_ERRORS = 5


@dataclass(frozen=True, kw_only=True)
class LikelyErrors:
    """Training examples whose label is likely wrong, the likeliest first.

    Attributes:
        positions: of the examples in the training split.
        suggested: the class that each more likely has.
        probability: of that class.
        looked_at: number of examples that were looked at.
        noise: fraction of labels that are contradicted where the baseline is surest.
        disagreement: fraction of labels that are contradicted at all.
        explained: part of the errors of the most frequent class that the baseline avoids.
    """

    positions: np.ndarray
    suggested: np.ndarray
    probability: np.ndarray
    looked_at: int
    noise: float
    disagreement: float
    explained: float

    @property
    def is_noisy(self) -> bool:
        """Whether labels are wrong, and not only hard to tell: a good baseline is contradicted where it is sure."""
        enough = self.noise >= _MIN_NOISE and len(self.positions) >= _MIN_ERRORS
        is_good = self.explained >= _MIN_EXPLAINED
        return enough and is_good and self.noise >= _MIN_NOISE_FRACTION * self.disagreement


def label_findings(subject: Subject) -> Iterator[Finding]:
    """Yield the labels that a cross-validated baseline contradicts; on at most 10,000 training examples, drawn."""
    try:
        errors = likely_errors(subject)
    except ZooError as error:  # cleanlab is missing, or no features can be computed
        yield found("source_note", f"label errors are not looked for: {error}")
        return
    if errors is None or not len(errors.positions):
        return
    drawn = "training examples" if errors.looked_at == len(subject.dataset.train) else "training examples looked at"
    yield found(
        "label_errors",
        f"{len(errors.positions)} of {errors.looked_at:,} {drawn} have a label that is likely wrong; where the "
        f"baseline is sure, {errors.noise:.1%} are contradicted",
        count=len(errors.positions),
        evidence=[_example(subject, errors, i) for i in range(min(20, len(errors.positions)))],
        severity=None if errors.is_noisy else "note",
        remedy=None if errors.is_noisy else "",
    )


def likely_errors(subject: Subject) -> LikelyErrors | None:
    """Return the likely errors; None where examples have no single class, or there are too few.

    Raises:
        ZooError: cleanlab is not installed.
    """
    recipe, train = subject.recipe, subject.dataset.train
    if recipe is None or not (subject.task and subject.task.classifies) or not subject.has_classes:
        return None
    if subject.dataset.signature.kind in ("graph", "tokens") or len(train) < _MIN_EXAMPLES:
        return None
    counts = np.bincount(train.targets, minlength=len(subject.labels))
    classes = np.flatnonzero(counts >= _MIN_CLASS_EXAMPLES)
    if len(classes) < 2:
        return None
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="IProgress not found")  # by tqdm, in notebooks
        find_label_issues = import_extra("cleanlab.filter", "the search").find_label_issues
    positions, probabilities = held_out_probabilities(subject, classes)
    y = np.searchsorted(classes, train.targets[positions])
    wrong = find_label_issues(
        y, probabilities, filter_by="prune_by_noise_rate", return_indices_ranked_by="self_confidence", n_jobs=1
    )
    best = probabilities.argmax(axis=1)
    wrong = wrong[best[wrong] != y[wrong]]
    disagreement = float((best != y).mean())
    return LikelyErrors(
        positions=positions[wrong],
        suggested=classes[best[wrong]],
        probability=probabilities[wrong, best[wrong]],
        looked_at=len(positions),
        noise=contradicted(y, probabilities),
        disagreement=disagreement,
        explained=1 - disagreement / (1 - np.bincount(y).max() / len(y)),
    )


def contradicted(y: np.ndarray, probabilities: np.ndarray) -> float:
    """Return the fraction of labels that are contradicted where the probabilities are surest.

    Flipped labels are as frequent there as elsewhere, while classes that are hard to tell apart are not. These are a
    tenth of the examples, or 100, and at most half of them.
    """
    count = min(len(y) // 2, max(_MIN_SUREST, len(y) // _SUREST))
    surest = np.argsort(-probabilities.max(axis=1))[:count]
    return float((probabilities[surest].argmax(axis=1) != y[surest]).mean())


def _example(subject: Subject, errors: LikelyErrors, i: int) -> dict[str, Any]:
    suggested, probability = subject.labels[errors.suggested[i]], float(errors.probability[i])
    return subject.example("train", int(errors.positions[i]), suggested=suggested, probability=probability)
