"""Leakage of groups: the same person, machine or place on both sides of a cut."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np

from zoo.audit.finding import Finding, found
from zoo.audit.subject import HELD_OUT, Subject
from zoo.data.tables.uninformative import looks_like_id

_MIN_GROUPS = 10
_MIN_ROWS_PER_GROUP = 1.5
_MIN_SHARED = 0.1  # of the rows of a split, whose group is in training, too
_MIN_GAIN = 0.1  # of what there is to explain, by the group's training rows alone: the group tells the target
_MAX_CHANCE = 1e-3  # probability of such a gain by chance


def group_findings(subject: Subject) -> Iterator[Finding]:
    """Yield columns of ids that are not inputs, or are, whose values are on both sides of the cut.

    It is an error where the column is no input, so that ids are new when the model is used, and the training rows of a
    group predict the target of its test rows.
    """
    dataset = subject.dataset
    inputs = [column.name for column in dataset.signature.columns if dataset.signature.kind == "table"]
    others = list(dataset.table.columns) if dataset.table is not None else []
    for name in [*inputs, *others]:
        if not looks_like_id(name) or (dataset.cut is not None and dataset.cut.column == name):
            continue
        values = {split: _values(subject, split, name, is_input=name in inputs) for split in subject.splits}
        counts = Counter(values["train"])
        if len(counts) < _MIN_GROUPS or len(values["train"]) < _MIN_ROWS_PER_GROUP * len(counts):
            continue
        yield from _shared(subject, name, values, counts, is_input=name in inputs)


def _values(subject: Subject, split: str, name: str, *, is_input: bool) -> list[str]:
    if is_input:
        return [str(value) for value in subject.column(split, name)]
    table = subject.dataset.table
    assert table is not None, "a column that is no input is one of the table"
    return [str(text) for text in table.texts(name)[subject.splits[split].indices]]


def _shared(
    subject: Subject, name: str, values: dict[str, list[str]], counts: Counter[str], *, is_input: bool
) -> Iterator[Finding]:
    for split in HELD_OUT:
        shared = np.array([value in counts and value not in ("", "nan") for value in values[split]], bool)
        if not len(shared) or shared.mean() < _MIN_SHARED:
            continue
        gain, chance = _gain(subject, split, values["train"], values[split], shared)
        is_proven = not is_input and gain >= _MIN_GAIN and chance < _MAX_CHANCE
        what = f"{shared.sum()} of {len(shared)} {split} rows have a '{name}' that is also in training"
        told = f", and its training rows tell their target ({gain:.0%} of what there is to explain)"
        ids = dict.fromkeys(value for value, is_shared in zip(values[split], shared, strict=True) if is_shared)
        yield found(
            "group_leakage",
            what + (told if is_proven else ""),
            count=int(shared.sum()),
            evidence=[{"column": name, "split": split, "value": value} for value in list(ids)[:20]],
            severity="error" if is_proven else "note" if is_input else "warning",
            remedy=f"data: {{group: {name}}}",
        )


def _gain(subject: Subject, split: str, train: list[str], rows: list[str], shared: np.ndarray) -> tuple[float, float]:
    """Return what the training rows of a row's group explain of its target, and the probability of that by chance."""
    from scipy import stats

    if not (subject.has_classes or subject.has_numbers):
        return 0.0, 1.0
    names, places = np.unique(np.array(train), return_inverse=True)
    y, test = subject.dataset.train.targets, subject.splits[split].targets[shared]
    at = np.searchsorted(names, np.array(rows)[shared])
    if subject.has_classes:
        table = np.zeros((len(names), len(subject.labels)), int)
        np.add.at(table, (places, y), 1)
        right, usual = table.argmax(axis=1)[at] == test, np.bincount(y).argmax() == test
        better, worse = int((right & ~usual).sum()), int((usual & ~right).sum())
        chance = stats.binomtest(better, better + worse, alternative="greater").pvalue if better + worse else 1.0
        return float((right.mean() - usual.mean()) / max(1e-9, 1 - usual.mean())), float(chance)
    means = (np.bincount(places, y) / np.bincount(places))[at]
    errors, usual_errors = (test - means) ** 2, (test - y.mean()) ** 2
    if len(test) < 3 or not usual_errors.sum():
        return 0.0, 1.0
    chance = stats.wilcoxon(usual_errors, errors, alternative="greater").pvalue
    return float(1 - errors.sum() / usual_errors.sum()), float(chance)
