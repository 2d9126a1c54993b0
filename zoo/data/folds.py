"""Folds of cross-validation: each example is held out once, by a model that has not seen it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from zoo.data.cuts import Cut
from zoo.data.dataset import Split
from zoo.data.label_cuts import spread_labels
from zoo.errors import ZooError, counted
from zoo.recipe.data_section import Fold


def hold_out_fold(
    train: Split,
    validation: Split | None,
    fold: Fold,
    *,
    seed: int,
    stratify: bool,
    labels: Sequence[str] = (),
    cut: Cut | None = None,
) -> tuple[Split, Split | None, Split, str]:
    """Hold out one fold of the examples that are not the test's.

    Args:
        train: the training examples.
        validation: the source's own validation split, if it has one. Where it comes from the same place as `train`, its
            examples are in the folds too; else it chooses the epoch in every fold.
        fold: which of how many.
        seed: the same seed gives the same folds.
        stratify: keep the proportions of the classes or, of targets `(examples, labels)` and without groups, of the
            labels.
        labels: names of the classes, for messages.
        cut: the column of the groups that stay in one fold.

    Returns:
        The rest; the validation split, None where it has to be cut from the rest; the fold; and a note.

    Raises:
        ZooError: there are fewer examples of a class, or fewer groups, than folds.
    """
    pooled = train
    if validation is not None and validation.inputs is train.inputs:
        indices = np.concatenate([train.indices, validation.indices])
        order = np.argsort(indices, kind="stable")
        targets = np.concatenate([train.targets, validation.targets])[order]
        pooled, validation = replace(train, indices=indices[order], targets=targets), None
    groups = None if cut is None else cut.values[pooled.indices]
    if stratify and pooled.targets.ndim == 2 and groups is None:
        _refuse_few(len(pooled), fold.of, "examples")
        folds = spread_labels(pooled.targets, np.bincount(np.arange(len(pooled)) % fold.of), seed)
    else:
        stratify = stratify and pooled.targets.ndim == 1
        folds = _folds(pooled, fold.of, seed=seed, stratify=stratify, groups=groups)
        _check(pooled, folds, fold.of, labels if stratify else (), cut)
    out = folds == fold.number - 1
    whole = "" if cut is None else f", each group of column '{cut.column}' whole"
    note = (
        f"fold {fold.number} of {fold.of}: {out.sum():,} of the {len(pooled):,} examples outside the test are held out "
        f"in its place{whole}"
    )
    return pooled.part(np.flatnonzero(~out)), validation, pooled.part(np.flatnonzero(out)), note


def _folds(pooled: Split, count: int, *, seed: int, stratify: bool, groups: np.ndarray | None) -> np.ndarray:
    """Return the fold of each example, from 0."""
    from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold

    if groups is not None:
        _refuse_few(len(np.unique(groups)), count, "groups")
    elif stratify:
        few = np.bincount(pooled.targets)
        _refuse_few(int(few[few > 0].min()), count, "examples of a class")
    else:
        _refuse_few(len(pooled), count, "examples")
    kind = {
        (True, False): StratifiedKFold,
        (True, True): StratifiedGroupKFold,
        (False, False): KFold,
        (False, True): GroupKFold,
    }[stratify, groups is not None]
    found = np.empty(len(pooled), int)
    parts = kind(count, shuffle=True, random_state=seed).split(
        np.zeros(len(pooled)), pooled.targets if stratify else None, groups
    )
    for number, (_, out) in enumerate(parts):
        found[out] = number
    return found


def _refuse_few(found: int, folds: int, what: str) -> None:
    if found < folds:
        raise ZooError(
            f"evaluation.folds is {folds}, and there are only {found} {what} outside the test; take fewer folds, or "
            "give more data"
        )


def _check(pooled: Split, folds: np.ndarray, count: int, labels: Sequence[str], cut: Cut | None) -> None:
    """Refuse folds that are empty, or that hold all examples of a class."""
    for number in range(count):
        rest = folds != number
        if rest.all():
            raise ZooError(f"evaluation.folds: fold {number + 1} of {count} would be empty; take fewer folds")
        lost = [label for i, label in enumerate(labels) if not (pooled.targets[rest] == i).any()]
        if lost:
            column = f" along column '{cut.column}'" if cut is not None else ""
            raise ZooError(
                f"evaluation.folds: fold {number + 1} of {count}{column} holds every example of "
                f"{counted(lost, 'classes')}; take more folds, or give more data"
            )
