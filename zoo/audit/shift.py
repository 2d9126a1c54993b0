"""Shift: a split of the source's own that differs from training, feature by feature and as a whole."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from zoo.audit.finding import Finding, found
from zoo.audit.subject import HELD_OUT, Subject
from zoo.audit.tabular import Feature, features
from zoo.audit.vectors import vectors
from zoo.utils.stability_index import psi

_MIN_EXAMPLES = 30  # of a split
_ALPHA = 0.01  # of all features together, by Benjamini and Hochberg (1995)
_MIN_PSI = 0.2  # population stability index, from which a shift counts as large
_BINS = 10
_MIN_AUC = 0.65  # lower bound of the AUC of a classifier that tells the splits apart
_MAX_TELLING = 5  # features that are named
_TREES = 60
_MAX_TESTED = 20_000  # rows of a split, feature by feature
_MAX_TOLD_APART = 2000  # examples of a split, by a classifier


def shift_findings(subject: Subject) -> Iterator[Finding]:
    """Yield splits that differ from training; those that were drawn differ by chance alone, and are left out."""
    for name in HELD_OUT:
        if min(len(subject.splits[name]), len(subject.dataset.train)) < _MIN_EXAMPLES:
            continue
        if not subject.is_own(name) and not subject.is_cut_in_time:
            continue
        told = _shifted_features(subject, name)
        overall = _told_apart(subject, name)
        if told or overall is not None:
            yield _finding(subject, name, told, overall)


def _finding(
    subject: Subject, name: str, told: list[dict[str, object]], overall: tuple[float, float, list[str]] | None
) -> Finding:
    parts, evidence = [], list(told)
    if told:
        names = [f"'{each['column']}' (PSI {each['psi']:.2f})" for each in told[:_MAX_TELLING]]
        parts.append(f"{len(told)} features have another distribution: {', '.join(names)}")
    if overall is not None:
        auc, low, telling = overall
        by = f", by {', '.join(telling)}" if telling else ""
        parts.append(f"a classifier tells the splits apart with an AUC of {auc:.2f} (at least {low:.2f}){by}")
        evidence.insert(0, {"split": name, "auc": auc, "auc_low": low, "telling": telling})
    expected = subject.is_cut_in_time
    return found(
        "shift",
        f"the {name} split differs from training: {'; '.join(parts)}"
        + ("; a cut along time may well do so" if expected else ""),
        count=max(1, len(told)),
        evidence=evidence,
        severity="note" if expected else None,
        remedy="" if expected else None,
    )


def _shifted_features(subject: Subject, name: str) -> list[dict[str, object]]:
    """Return the features that differ by a test and by their size, the largest first."""
    from scipy import stats

    train, held = list(features(subject, limit=_MAX_TESTED)), list(features(subject, name, limit=_MAX_TESTED))
    kept = [(a, b) for a, b in zip(train, held, strict=True) if not a.is_moment]
    tested = [_compare(a, b) for a, b in kept]
    if not tested:
        return []
    significant = stats.false_discovery_control([p for p, _ in tested]) < _ALPHA
    told: list[dict[str, object]] = [
        {"column": feature.name, "psi": psi, "p": p}
        for (feature, _), (p, psi), is_significant in zip(kept, tested, significant, strict=True)
        if is_significant and psi > _MIN_PSI
    ]
    return sorted(told, key=lambda each: -float(str(each["psi"])))


def _compare(a: Feature, b: Feature) -> tuple[float, float]:
    """Return the p-value of Kolmogorov and Smirnov, or of chi-squared, and the population stability index."""
    from scipy import stats

    if a.is_number:
        x, y = a.values[~np.isnan(a.values)], b.values[~np.isnan(b.values)]
        gaps = np.array([[len(a.values) - len(x), len(x)], [len(b.values) - len(y), len(y)]])
        p = stats.ks_2samp(x, y, method="asymp").pvalue if len(x) and len(y) else 1.0
        if gaps[:, 0].sum():
            p = min(1.0, 2 * min(p, stats.chi2_contingency(gaps).pvalue if gaps.min(axis=0).any() else 1.0))
        edges = np.unique(np.quantile(x, np.linspace(0, 1, _BINS + 1)[1:-1])) if len(x) else np.empty(0)
        counts = np.stack(
            [np.bincount(np.searchsorted(edges, z, side="left"), minlength=len(edges) + 1) for z in (x, y)]
        )
        return float(p), psi(np.concatenate([counts, gaps[:, :1]], axis=1))
    names = np.unique(a.values.astype(str), return_counts=True)
    common = names[0][np.argsort(-names[1])][: 4 * _BINS]
    counts = np.stack([[(values == name).sum() for name in common] for values in (a.values, b.values)])
    counts = np.concatenate([counts, [[len(a.values)], [len(b.values)]] - counts.sum(axis=1, keepdims=True)], axis=1)
    counts = counts[:, counts.sum(axis=0) > 0]
    p = stats.chi2_contingency(counts).pvalue if counts.shape[1] > 1 else 1.0
    return float(p), psi(counts)


def _told_apart(subject: Subject, name: str) -> tuple[float, float, list[str]] | None:
    """Return AUC, its lower bound and the most telling features of a forest that tells a split from training.

    Its votes are those of the trees that have not seen an example. None where they do not tell, or there are no
    vectors.
    """
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.metrics import roc_auc_score

    train, held = vectors(subject, "train", _MAX_TOLD_APART), vectors(subject, name, _MAX_TOLD_APART)
    if train is None or held is None:
        return None
    x = np.concatenate([train.values, held.values])
    y = np.repeat([0, 1], [len(train.values), len(held.values)])
    forest = RandomForestClassifier(
        _TREES, oob_score=True, class_weight="balanced", min_samples_leaf=3, max_features="sqrt", random_state=0
    )
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # an example that each of the trees has seen
        forest.fit(x, y)
    votes = np.nan_to_num(forest.oob_decision_function_[:, 1], nan=0.5)
    auc = float(roc_auc_score(y, votes))
    low = auc - 2.576 * _auc_deviation(auc, int(y.sum()), int((1 - y).sum()))
    if low < _MIN_AUC:
        return None
    telling = [train.names[i] for i in np.argsort(-forest.feature_importances_)[:_MAX_TELLING]] if train.names else []
    return auc, float(low), telling


def _auc_deviation(auc: float, positive: int, negative: int) -> float:
    """Return the standard deviation of an AUC (Hanley & McNeil 1982)."""
    q1, q2 = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    spread = auc * (1 - auc) + (positive - 1) * (q1 - auc**2) + (negative - 1) * (q2 - auc**2)
    return float(np.sqrt(max(0.0, spread) / (positive * negative)))
