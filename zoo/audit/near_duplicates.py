"""Near duplicates: examples that are almost the same, within the training split and across two."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from zoo.audit.duplicates import MIN_LEAKED, MIN_LEAKED_FRACTION
from zoo.audit.finding import Finding, found
from zoo.audit.near_rows import close_rows
from zoo.audit.near_texts import close_texts
from zoo.audit.nearest import near_limit, nearest
from zoo.audit.rarity import rare_examples
from zoo.audit.subject import HELD_OUT, Subject
from zoo.audit.vectors import MAX_COMPARED, vectors
from zoo.errors import ZooError
from zoo.recipe.findings import Severity

_RATIO = {"image": 0.15, "audio": 0.15}  # of the usual distance to the nearest neighbor, by kind of input
_USUAL_RATIO = 0.1
_MIN_EXAMPLES = 50
_ROUNDING = 0.02  # of a column's standard deviation, within which numbers of copies agree
_MIN_COPIES = 0.2  # of the pairs; a few agree in every column by chance
_TIMES_CHANCE = 5.0  # as many as chance would give
_MIN_WITHIN = 0.02  # of the training split; fewer are a note
_USUAL = 0.4  # of the training split; where more have such a twin, the data is like that: prices of a shop and week
_MIN_ACROSS = 2  # in another split; from `MIN_LEAKED` on they are an error


@dataclass(frozen=True)
class Pairs:
    """Examples of a split that are almost the same as one of training.

    Attributes:
        split: of the first ones.
        positions: of the first ones.
        twins: of each, the one of training.
        looked_at: how many of the split were compared.
    """

    split: str
    positions: np.ndarray
    twins: np.ndarray
    looked_at: int


def near_findings(subject: Subject) -> Iterator[Finding]:
    """Yield near duplicates: across two splits an error where there are many."""
    if subject.dataset.series is not None or len(subject.dataset.train) < _MIN_EXAMPLES:
        return
    if subject.task is not None and subject.task.reads_corpus:
        return  # running text repeats its phrases
    kind = subject.dataset.signature.kind
    try:
        found_pairs = close_texts(subject) if kind == "text" else _vector_pairs(subject)
    except ZooError as error:  # a package is missing
        yield found("source_note", str(error))
        return
    if kind == "table":
        found_pairs = _joined(found_pairs, close_rows(subject))
    usual = False
    for split in ("train", *HELD_OUT):
        if split not in found_pairs:
            continue
        positions, twins, looked_at = found_pairs[split]
        pairs = _without_exact(subject, Pairs(split, positions, twins, looked_at))
        usual = usual or (split == "train" and len(pairs.positions) > _USUAL * looked_at)
        if len(pairs.positions):
            yield _finding(subject, pairs, usual=usual)


def _finding(subject: Subject, pairs: Pairs, *, usual: bool) -> Finding:
    count, total = len(pairs.positions), len(subject.splits[pairs.split])
    of = f"{count} of {pairs.looked_at:,} {pairs.split} examples"
    if pairs.looked_at < total:
        of += f" that were compared, of {total:,},"
    severity: Severity = "note"
    if pairs.split == "train":
        message = f"{of} are almost the same as another"
        if count >= max(MIN_LEAKED, _MIN_WITHIN * pairs.looked_at):
            severity = "warning"
    else:
        message = f"{of} are almost the same as one of training: metrics are optimistic"
        if count >= max(_MIN_ACROSS, MIN_LEAKED_FRACTION * pairs.looked_at):
            copies = _copies(subject, pairs)
            is_many = copies >= max(MIN_LEAKED, MIN_LEAKED_FRACTION * pairs.looked_at, _MIN_COPIES * count)
            is_table = subject.dataset.signature.kind == "table"
            severity = "error" if is_many and (is_table or not usual) else "warning"
            if severity == "warning" and copies < count:
                message += " where they measure one thing"
    return found(
        "near_duplicates",
        message,
        count=count,
        evidence=[
            subject.example(pairs.split, at, of=subject.example("train", twin))
            for at, twin in list(zip(pairs.positions, pairs.twins, strict=True))[:20]
        ],
        severity=severity,
        remedy="remove the repeats" if pairs.split == "train" else None,
    )


def _copies(subject: Subject, pairs: Pairs) -> int:
    """Return how many pairs are copies: of rows, those whose every column agrees, numbers within a fiftieth.

    Rows that are alike in all columns but one may be measurements of one thing, which is for a person to say.
    """
    columns = subject.dataset.signature.columns
    if subject.dataset.signature.kind != "table":
        return len(pairs.positions)
    same = np.ones(len(pairs.positions), bool)
    for column in columns:
        train = subject.column("train", column.name)
        a, b = subject.column(pairs.split, column.name)[pairs.positions], train[pairs.twins]
        if a.dtype == object:
            same &= a == b
        else:
            near = np.abs(a.astype(np.float64) - b) <= _ROUNDING * np.nanstd(train.astype(np.float64))
            same &= near | (np.isnan(a) & np.isnan(b))
    return int(same.sum())


def _vector_pairs(subject: Subject) -> dict[str, tuple[np.ndarray, np.ndarray, int]]:
    """Return, by split, examples whose neighbor in training is far nearer than neighbors are."""
    train = vectors(subject, "train", MAX_COMPARED)
    if train is None or train.values.shape[1] < 2 or len(train.values) < _MIN_EXAMPLES:
        return {}
    base, first = np.unique(train.values, axis=0, return_index=True)  # exact repeats are another finding
    base, positions = np.ascontiguousarray(base), train.positions[first]
    if len(base) < _MIN_EXAMPLES:
        return {}
    distances, neighbors = nearest(base, base, same=True)
    limit, chance = near_limit(distances, _RATIO.get(subject.dataset.signature.kind, _USUAL_RATIO))
    pairs = {}
    near = np.flatnonzero(distances < limit)
    near = near[positions[near] > positions[neighbors[near]]]  # of two, the later one
    if len(near) > _TIMES_CHANCE * chance * len(base):
        pairs["train"] = (positions[near], positions[neighbors[near]], len(train.values))
    for name in HELD_OUT:
        held = vectors(subject, name, MAX_COMPARED)
        if held is None or not len(held.values):
            continue
        distances, neighbors = nearest(held.values, base)
        near = np.flatnonzero(distances < limit)
        if len(near) > _TIMES_CHANCE * chance * len(held.values):
            pairs[name] = (held.positions[near], positions[neighbors[near]], len(held.values))
    return pairs


def _joined(
    a: dict[str, tuple[np.ndarray, np.ndarray, int]], b: dict[str, tuple[np.ndarray, np.ndarray, int]]
) -> dict[str, tuple[np.ndarray, np.ndarray, int]]:
    joined = {}
    for split in dict.fromkeys([*a, *b]):
        parts = [each[split] for each in (a, b) if split in each]
        positions, first = np.unique(np.concatenate([part[0] for part in parts]), return_index=True)
        twins = np.concatenate([part[1] for part in parts])[first]
        joined[split] = (positions, twins, max(part[2] for part in parts))
    return joined


def _without_exact(subject: Subject, pairs: Pairs) -> Pairs:
    """Return the pairs without those that are exactly equal, and rows of so frequent values that chance makes twins."""
    kept = subject.hashes[pairs.split][pairs.positions] != subject.hashes["train"][pairs.twins]
    if subject.dataset.signature.kind == "table":
        kept &= rare_examples(subject, pairs.split, pairs.positions)
    return Pairs(pairs.split, pairs.positions[kept], pairs.twins[kept], pairs.looked_at)
