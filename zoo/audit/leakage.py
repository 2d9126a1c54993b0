"""Inputs that tell the target by themselves: copies of it, and what is known only afterwards."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from zoo.audit.finding import Finding, found
from zoo.audit.subject import Subject
from zoo.audit.tabular import Feature, features, ranks, sampled

_MAX_EXAMPLES = 20_000  # that a tree of one feature is fitted on
_MIN_EXAMPLES = 30
_FOLDS = 3
_MIN_SUSPICION = 0.95  # of what there is to explain, by one feature alone, on rows that its tree has not seen
_MAX_OTHERS = 0.85  # of that, by all the other features together: where they do as well, the data is easy
_PERFECT = 0.99  # explained by one feature alone, which is suspicious in easy data, too
_MAX_SINGLE = 0.9  # explained by the best of the others alone, there
_COPY_CORRELATION = 1 - 1e-9  # of a number that is the target in another unit
_LEAVES = 64  # of the tree of one feature
_MIN_BINNED = 0.7  # of what there is to explain, by the feature's quantiles: with less, no tree is fitted
_BIN_ROWS = 10  # of a quantile, of which there are at most 64


def leaking_inputs(subject: Subject) -> Iterator[Finding]:
    """Yield inputs that are the target in another form (error), or that predict it almost alone (warning)."""
    if not (subject.has_classes or subject.has_numbers) or len(subject.dataset.train) < _MIN_EXAMPLES:
        return
    if subject.task is not None and not (subject.task.classifies or subject.task.kind == "regression"):
        return
    every = list(features(subject, limit=_MAX_EXAMPLES))
    y = subject.dataset.train.targets[sampled(len(subject.dataset.train), _MAX_EXAMPLES)]
    copies = [feature for feature in every if _is_copy(feature, y, classes=subject.has_classes)]
    for feature in copies:
        yield found(
            "target_leakage",
            f"column '{feature.name}' is the target '{subject.dataset.signature.target}' in another form",
            evidence=[{"column": feature.name, "explained": 1.0}],
            remedy=_remedy(subject, feature),
        )
    rest = [feature for feature in every if feature not in copies]
    yield from _suspicious(subject, rest, y)


def _suspicious(subject: Subject, rest: list[Feature], y: np.ndarray) -> Iterator[Finding]:
    classes = subject.has_classes
    scores = [
        _explained(_as_column(feature.values), y, classes=classes)
        if _explained_by_bins(ranks(feature.values), y, classes=classes) >= _MIN_BINNED
        else 0.0
        for feature in rest
    ]
    strong = [i for i, score in enumerate(scores) if score >= _MIN_SUSPICION]
    if not strong or len(strong) == len(rest):
        return
    others = np.concatenate([_as_column(f.values) for i, f in enumerate(rest) if i not in strong], axis=1)
    explained = _explained(others, y, classes=classes, leaves=None)
    if explained > _MAX_OTHERS:  # easy data, unless one feature alone is as good as all others together
        best = max(score for i, score in enumerate(scores) if i not in strong)
        strong = [i for i in strong if scores[i] >= _PERFECT and best < _MAX_SINGLE]
    for i in strong:
        yield found(
            "target_leakage",
            f"column '{rest[i].name}' alone explains {scores[i]:.1%} of the target, and all others together "
            f"{max(0.0, explained):.1%}: is it known before the target is?",
            evidence=[{"column": rest[i].name, "explained": scores[i], "others": explained}],
            severity="warning",
            remedy=_remedy(subject, rest[i]),
        )


def _remedy(subject: Subject, feature: Feature) -> str:
    kind = subject.dataset.signature.kind
    return f"data: {{ignore: [{feature.name}]}}" if kind == "table" else f"remove {feature.name} from the arrays"


def _is_copy(feature: Feature, y: np.ndarray, *, classes: bool) -> bool:
    """Return whether each value stands for one class, and each class for one value; or a number is the target's."""
    values = feature.values
    if classes:
        if feature.is_number and np.isnan(values).any():
            return False
        names, inverse = np.unique(values.astype(str) if values.dtype == object else values, return_inverse=True)
        count = len(np.unique(y))
        return 1 < len(names) == count == len(np.unique(np.stack([inverse, y]), axis=1).T)
    known = ~np.isnan(values) if feature.is_number else np.zeros(len(values), bool)
    x, z = values[known].astype(np.float64) if known.any() else np.empty(0), y[known].astype(np.float64)
    if len(x) < _MIN_EXAMPLES or len(np.unique(x)) < _MIN_EXAMPLES or not (x.std() and z.std()):
        return False
    return bool(abs(np.corrcoef(x, z)[0, 1]) > _COPY_CORRELATION)


def _as_column(values: np.ndarray) -> np.ndarray:
    """Return numbers as they are, and categories as their frequency and their rank, `(rows, columns)`."""
    if values.dtype != object:
        return np.nan_to_num(values, nan=-1e30)[:, None]
    _, inverse, counts = np.unique(values.astype(str), return_inverse=True, return_counts=True)
    return np.stack([inverse, counts[inverse]], axis=1).astype(np.float64)


def _explained_by_bins(order: np.ndarray, y: np.ndarray, *, classes: bool) -> float:
    """Return what `_explained` does, roughly and on the rows themselves: by quantiles of a feature."""
    bins = min(_LEAVES, max(2, len(y) // _BIN_ROWS))
    places = np.argsort(np.argsort(order, kind="stable"), kind="stable") * bins // len(y)
    places = places if order.max() >= bins else order
    if classes:
        table = np.zeros((places.max() + 1, int(y.max()) + 1), int)
        np.add.at(table, (places, y), 1)
        worst = len(y) - table.sum(axis=0).max()
        return float(1 - (len(y) - table.max(axis=1).sum()) / worst) if worst else 0.0
    counts = np.maximum(np.bincount(places), 1)
    means = np.bincount(places, y.astype(np.float64)) / counts
    return float((counts * (means - y.mean()) ** 2).sum() / (len(y) * y.var())) if y.var() else 0.0


def _explained(x: np.ndarray, y: np.ndarray, *, classes: bool, leaves: int | None = _LEAVES) -> float:
    """Return how much of the target features explain on rows that their tree has not seen.

    Returns:
        Of classes, the part of the errors of the majority class that is avoided; of numbers, R².
    """
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
    from sklearn.model_selection import KFold, StratifiedKFold, cross_val_predict
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    single = leaves is not None
    if classes:
        counts = np.bincount(y)
        y = np.where(counts[y] < _FOLDS, counts.argmax(), y)
        model = (
            DecisionTreeClassifier(max_leaf_nodes=leaves, min_samples_leaf=2, random_state=0)
            if single
            else RandomForestClassifier(30, max_leaf_nodes=256, random_state=0)
        )
        folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=0)
        wrong = (cross_val_predict(model, x, y, cv=folds) != y).mean()
        worst = 1 - np.bincount(y).max() / len(y)
        return float(1 - wrong / worst) if worst else 0.0
    target = y.astype(np.float64)
    model = (
        DecisionTreeRegressor(max_leaf_nodes=leaves, min_samples_leaf=3, random_state=0)
        if single
        else RandomForestRegressor(30, max_leaf_nodes=256, random_state=0)
    )
    error = target - cross_val_predict(model, x, target, cv=KFold(_FOLDS, shuffle=True, random_state=0))
    return float(1 - (error**2).mean() / target.var()) if target.var() else 0.0
