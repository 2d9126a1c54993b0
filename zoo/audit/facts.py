"""Counts of the audit: examples and classes of each split, the range of the targets."""

from __future__ import annotations

from typing import Any

import numpy as np

from zoo.audit.subject import Subject


def data_facts(subject: Subject) -> dict[str, Any]:
    """Return source, fingerprint, signature, `splits`, and `class_counts` or `target` where examples have such."""
    dataset, labels = subject.dataset, subject.labels
    facts: dict[str, Any] = {
        "source": dataset.name,
        "fingerprint": dataset.fingerprint,
        "signature": dataset.signature.to_json(),
        "splits": {name: len(split) for name, split in subject.splits.items()},
    }
    counts = class_counts(subject)
    if counts:
        facts["class_counts"] = {n: dict(zip(labels, c.tolist(), strict=True)) for n, c in counts.items()}
    elif dataset.signature.targets:
        facts["target"] = {name: _range(y) for name, y in target_columns(subject).items()}
    elif not labels:
        targets = dataset.train.targets
        # the last column of a forecast's targets is the scale of MASE
        facts["target"] = _range(targets if targets.ndim == 1 else targets[:, :-1])
    return facts


def class_counts(subject: Subject) -> dict[str, np.ndarray]:
    """Return the number of examples of each class, or with each label, by split; nothing where there are no such."""
    if subject.has_classes:
        return {n: np.bincount(s.targets, minlength=len(subject.labels)) for n, s in subject.splits.items()}
    if has_label_sets(subject):
        return {name: split.targets.sum(axis=0, dtype=np.int64) for name, split in subject.splits.items()}
    return {}


def has_label_sets(subject: Subject) -> bool:
    """Return whether an example has several labels, or none."""
    targets = subject.dataset.train.targets
    return bool(subject.labels) and targets.ndim == 2 and targets.dtype == np.uint8


def target_columns(subject: Subject) -> dict[str, np.ndarray]:
    """Return the training targets of several targets by name."""
    dataset = subject.dataset
    y = dataset.train.targets if dataset.series is None else dataset.train.targets[:, :-1]
    return {name: y[..., i] for i, name in enumerate(dataset.signature.targets)}


def _range(y: np.ndarray) -> dict[str, float]:
    return {"mean": float(y.mean()), "std": float(y.std()), "min": float(y.min()), "max": float(y.max())}
