"""Classes and targets: balance, rare and empty classes, labels that tell nothing, targets of other scales."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from zoo.audit.facts import class_counts, has_label_sets, target_columns
from zoo.audit.finding import Finding, found
from zoo.audit.subject import Subject
from zoo.errors import listing

_MIN_IMBALANCE = 10  # ratio of the largest to the smallest class; from here on accuracy misleads
_MAX_SPREAD_RATIO = 10  # of the standard deviations of several targets
_MIN_TEST_EXAMPLES = 30  # of a class; with fewer its metrics are rough
_MIN_CLASS_EXAMPLES = 5  # of a class in training; with fewer hardly anything is learnt of it
_MIN_EXAMPLES = 50  # of the training split


def class_findings(subject: Subject) -> Iterator[Finding]:
    """Yield what the targets are like."""
    if subject.has_classes:
        is_anomaly = subject.task is not None and subject.task.finds_anomalies  # trains on one class
        yield from _balance(class_counts(subject), subject.labels, ("test",) if is_anomaly else ("train", "test"))
    elif has_label_sets(subject):
        yield from _label_sets(class_counts(subject), subject.labels, len(subject.dataset.train))
    elif subject.dataset.signature.tags_tokens:
        yield from _absent_tags(subject)
    elif subject.dataset.signature.targets:
        yield from _scales({name: float(y.std()) for name, y in target_columns(subject).items()})


def size_findings(subject: Subject) -> Iterator[Finding]:
    """Yield whether there are too few examples to learn from, or to test on."""
    for name, least in (("train", _MIN_EXAMPLES), ("test", _MIN_TEST_EXAMPLES)):
        count = len(subject.splits[name])
        if count < least:
            yield found(
                "too_few_examples",
                f"the {name} split has {count} examples, and metrics are rough below {least}",
                count=count,
                evidence=[{"split": name, "examples": count}],
                severity=None if name == "train" else "note",
            )


def _balance(counts: dict[str, np.ndarray], labels: tuple[str, ...], expected: tuple[str, ...]) -> Iterator[Finding]:
    """Yield how classes are balanced, and which of the splits that are expected to have all lack one."""
    train, test = counts["train"], counts["test"]
    if train.min() and train.max() >= _MIN_IMBALANCE * train.min():
        ratio, most, least = train.max() / train.min(), labels[train.argmax()], labels[train.argmin()]
        yield found(
            "imbalance",
            f"classes are unbalanced: '{most}' has {ratio:.0f} times the examples of '{least}'; read balanced accuracy "
            "beside accuracy",
            count=int(train.min()),
            evidence=[dict(zip(labels, train.tolist(), strict=True))],
        )
    for name in expected:
        absent = [labels[i] for i in np.flatnonzero(counts[name] == 0)]
        if absent:
            yield found(
                "empty_class",
                f"classes with no example in the {name} split: {', '.join(absent)}",
                count=len(absent),
                evidence=[{"split": name, "label": label} for label in absent],
            )
    few = np.flatnonzero((train > 0) & (train < _MIN_CLASS_EXAMPLES))
    if len(few):
        named = ", ".join(f"'{labels[i]}' ({train[i]})" for i in few[:5])
        yield found(
            "rare_class",
            f"{len(few)} classes have fewer than {_MIN_CLASS_EXAMPLES} training examples: {named}",
            count=len(few),
            evidence=[{"split": "train", "label": labels[i], "examples": train[i]} for i in few],
        )
    rare = np.flatnonzero((test > 0) & (test < _MIN_TEST_EXAMPLES))
    if len(rare) and test.min():
        yield found(
            "rare_class",
            f"the test split has as few as {test.min()} examples of a class: its metrics are rough",
            count=len(rare),
            evidence=[{"split": "test", "label": labels[i], "examples": test[i]} for i in rare],
            severity="note",
            remedy="evaluation: {folds: 5}",
        )


def _label_sets(counts: dict[str, np.ndarray], labels: tuple[str, ...], examples: int) -> Iterator[Finding]:
    """Yield labels that hardly any example has, or every one."""
    for name, marks in counts.items():
        absent = [labels[i] for i in np.flatnonzero(marks == 0)]
        if absent:
            yield found(
                "empty_class",
                f"labels that no example of the {name} split has: {listing(absent)}",
                count=len(absent),
                evidence=[{"split": name, "label": label} for label in absent],
            )
    always = [labels[i] for i in np.flatnonzero(counts["train"] == examples)]
    if always:
        yield found(
            "constant_column",
            f"labels that every training example has: {listing(always)}",
            count=len(always),
            evidence=[{"label": label} for label in always],
            remedy="remove these labels",
        )


def _absent_tags(subject: Subject) -> Iterator[Finding]:
    labels = subject.labels
    absent = set(range(1, len(labels))) - set(np.unique(subject.dataset.train.targets).tolist())
    if absent:
        names = [labels[i] for i in sorted(absent)]
        yield found(
            "empty_class",
            f"tags with no token in the training split: {', '.join(names)}",
            count=len(names),
            evidence=[{"split": "train", "label": name} for name in names],
        )


def _scales(spreads: dict[str, float]) -> Iterator[Finding]:
    """Yield a finding where metrics that are means over the targets are those of one of them."""
    widest, narrowest = max(spreads, key=spreads.__getitem__), min(spreads, key=spreads.__getitem__)
    if spreads[widest] < _MAX_SPREAD_RATIO * spreads[narrowest]:
        return
    yield found(
        "target_scales",
        f"the targets spread by {spreads[narrowest]:.3g} ('{narrowest}') to {spreads[widest]:.3g} ('{widest}'): errors "
        f"that are means over the targets are mostly those of '{widest}'; read R² and the errors of each target",
        evidence=[spreads],
        remedy="",
    )
