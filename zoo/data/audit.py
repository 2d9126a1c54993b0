"""The audit: counts and findings that a reader of the results should know."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from zoo.data.dataset import Dataset, Split
from zoo.data.inputs import GraphInputs, TableInputs
from zoo.data.neighborhoods import NeighborhoodInputs
from zoo.errors import listing

_MIN_IMBALANCE = 10  # ratio of the largest to the smallest class; from here on accuracy misleads
_MAX_SPREAD_RATIO = 10  # of the standard deviations of several targets
_MIN_TEST_EXAMPLES = 30  # of a class; with fewer its metrics are rough


def audit(dataset: Dataset) -> dict[str, Any]:
    """Return counts and findings: class balance, duplicates, conflicting labels, leaks between splits, missing values.

    Returns:
        `splits` (examples in each), `class_counts` (of each split) or `target` (its range) where each example has one
        class or number, and `findings`, sentences for a reader of the results.
    """
    splits = {"train": dataset.train, "validation": dataset.validation, "test": dataset.test}
    findings = list(dataset.notes)
    result: dict[str, Any] = {
        "source": dataset.name,
        "fingerprint": dataset.fingerprint,
        "signature": dataset.signature.to_json(),
        "splits": {name: len(split) for name, split in splits.items()},
    }
    labels = dataset.signature.labels
    scalar = dataset.train.targets.ndim == 1
    if labels and scalar:
        counts = {n: np.bincount(s.targets, minlength=len(labels)) for n, s in splits.items()}
        result["class_counts"] = {n: dict(zip(labels, c.tolist(), strict=True)) for n, c in counts.items()}
        findings += _balance(counts, labels)
    elif labels and dataset.train.targets.ndim == 2 and dataset.train.targets.dtype == np.uint8:
        marks = {name: split.targets.sum(axis=0, dtype=np.int64) for name, split in splits.items()}
        result["class_counts"] = {n: dict(zip(labels, c.tolist(), strict=True)) for n, c in marks.items()}
        findings += _label_findings(marks, labels, len(dataset.train))
    elif dataset.signature.tags_tokens:
        absent = set(range(1, len(labels))) - set(np.unique(dataset.train.targets).tolist())
        if absent:
            findings.append(f"tags with no token in the training split: {', '.join(labels[i] for i in sorted(absent))}")
    elif dataset.signature.targets:
        y = dataset.train.targets if dataset.series is None else dataset.train.targets[:, :-1]
        values = {name: y[..., i] for i, name in enumerate(dataset.signature.targets)}
        result["target"] = {name: _range(y) for name, y in values.items()}
        findings += _spreads({name: float(y.std()) for name, y in values.items()})
    elif not labels:
        y = dataset.train.targets if scalar else dataset.train.targets[:, :-1]  # the last column is the scale of MASE
        result["target"] = _range(y)
    if dataset.series is None:  # windows of one series overlap by design
        findings += _repeats({name: _hashes(split) for name, split in splits.items()}, splits, bool(labels) and scalar)
    findings += _missing(dataset)
    result["findings"] = findings
    return result


def _range(y: np.ndarray) -> dict[str, float]:
    return {"mean": float(y.mean()), "std": float(y.std()), "min": float(y.min()), "max": float(y.max())}


def _spreads(spreads: dict[str, float]) -> list[str]:
    """Return a finding where metrics that are means over the targets are those of one of them."""
    widest, narrowest = max(spreads, key=spreads.__getitem__), min(spreads, key=spreads.__getitem__)
    if spreads[widest] < _MAX_SPREAD_RATIO * spreads[narrowest]:
        return []
    return [
        f"the targets spread by {spreads[narrowest]:.3g} ('{narrowest}') to {spreads[widest]:.3g} ('{widest}'): errors "
        f"that are means over the targets are mostly those of '{widest}'; read R² and the errors of each target"
    ]


def _balance(counts: dict[str, np.ndarray], labels: tuple[str, ...]) -> list[str]:
    found = []
    train = counts["train"]
    if train.min() and train.max() >= _MIN_IMBALANCE * train.min():
        ratio = train.max() / train.min()
        found.append(
            f"classes are unbalanced: '{labels[train.argmax()]}' has {ratio:.0f} times the examples of "
            f"'{labels[train.argmin()]}'; read balanced accuracy beside accuracy"
        )
    for name in ("train", "test"):
        absent = [labels[i] for i in np.flatnonzero(counts[name] == 0)]
        if absent:
            found.append(f"classes with no example in the {name} split: {', '.join(absent)}")
    if counts["test"].min() and counts["test"].min() < _MIN_TEST_EXAMPLES:
        found.append(f"the test split has as few as {counts['test'].min()} examples of a class: its metrics are rough")
    return found


def _label_findings(marks: dict[str, np.ndarray], labels: tuple[str, ...], examples: int) -> list[str]:
    """Return findings on labels that hardly any example has, or every one."""
    found = []
    for name, counts in marks.items():
        absent = [labels[i] for i in np.flatnonzero(counts == 0)]
        if absent:
            found.append(f"labels that no example of the {name} split has: {listing(absent)}")
    always = [labels[i] for i in np.flatnonzero(marks["train"] == examples)]
    if always:
        found.append(f"labels that every training example has: {listing(always)}")
    return found


def _hashes(split: Split) -> list[bytes]:
    """Return a hash of each example."""
    found: list[bytes] = []
    if isinstance(split.inputs, GraphInputs | NeighborhoodInputs):
        contents = (split.inputs.content(int(index)) for index in split.indices)
        return [hashlib.blake2b(content, digest_size=12).digest() for content in contents]
    for positions in split.chunks():
        raw = split.take(positions)
        rows: Any = zip(*raw.values(), strict=True) if isinstance(raw, dict) else raw
        for row in rows:
            content = repr(row).encode() if isinstance(row, tuple | str) else f"{row.shape}".encode() + row.tobytes()
            found.append(hashlib.blake2b(content, digest_size=12).digest())
    return found


def _repeats(hashes: dict[str, list[bytes]], splits: dict[str, Split], classes: bool) -> list[str]:
    found = []
    train = set(hashes["train"])
    if len(train) < len(hashes["train"]):
        found.append(f"{len(hashes['train']) - len(train)} training examples repeat another")
    for name in ("validation", "test"):
        leaked = sum(h in train for h in hashes[name])
        if leaked:
            found.append(
                f"{leaked} of {len(hashes[name])} {name} examples are also in the training split: "
                "metrics are optimistic"
            )
    if classes:
        label: dict[bytes, int] = {}
        clashes = sum(
            label.setdefault(h, int(t)) != t for h, t in zip(hashes["train"], splits["train"].targets, strict=True)
        )
        if clashes:
            found.append(f"{clashes} training examples repeat another under a different label")
    return found


def _missing(dataset: Dataset) -> list[str]:
    inputs = dataset.train.inputs
    if not isinstance(inputs, TableInputs):
        return []
    found = []
    for name, values in dataset.train.take(np.arange(len(dataset.train))).items():
        gaps = int(np.isnan(values).sum()) if values.dtype != object else int((values == "").sum())
        if gaps:
            found.append(f"column '{name}' lacks {gaps} of {len(values)} training values")
        elif len(set(values.tolist())) == 1:
            found.append(f"column '{name}' has only one value and carries no information")
    return found
