"""A part of the training examples, drawn so that a smaller part lies in a larger one."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np

from zoo.data.cuts import Cut
from zoo.data.dataset import Series, Split
from zoo.errors import ZooError


def take_fraction(
    train: Split,
    fraction: float,
    *,
    seed: int,
    stratify: bool = False,
    by_time: bool = False,
    cut: Cut | None = None,
    series: Series | None = None,
) -> tuple[Split, Series | None, str]:
    """Keep a fraction of the training examples, in their order. Each fraction holds the smaller ones.

    Args:
        train: the training split.
        fraction: of its examples, between 0 and 1.
        seed: the same seed draws the same examples.
        stratify: keep the proportions of the classes, of targets `(examples,)`; each class keeps one at least.
        by_time: keep the last ones.
        cut: the column that splits follow: groups are kept whole, of moments the latest are kept.
        series: the series that windows are cut from, of each of which the last windows are kept.

    Returns:
        The split; the series, whose origins are those of the windows that are left; and a note.

    Raises:
        ZooError: fewer examples would be left than there are classes, or none.
    """
    count = len(train)
    wanted = round(fraction * count)
    if series is not None:
        of = series.series_of("train")
        kept = np.concatenate([_last(np.flatnonzero(of == i), fraction) for i in np.unique(of)])
        how = "the last windows" if len(series.names) == 1 else "the last windows of each series"
    elif cut is not None and cut.values.dtype.kind == "M":
        kept = np.argsort(cut.values[train.indices], kind="stable")[count - wanted :]
        how = f"the latest by column '{cut.column}'"
    elif cut is not None:
        kept, how = _whole_groups(cut.values[train.indices].astype(str), fraction, seed, cut.column)
    elif by_time:
        kept, how = np.arange(count - wanted, count), "the last ones"
    elif stratify and train.targets.ndim == 1:
        kept, how = _of_each_class(train.targets, wanted, seed), "with the classes in their proportions"
    else:
        kept, how = np.random.default_rng(seed).permutation(count)[:wanted], "drawn at random"
    if not len(kept):
        raise ZooError(
            f"data.train_fraction: {fraction:g} of {count} training examples is none; take a larger fraction"
        )
    kept = np.sort(kept)
    if series is not None:
        series = replace(series, origins={**series.origins, "train": series.origins["train"][kept]})
    note = f"{len(kept):,} of {count:,} training examples are used, {how}; the others are left out"
    return train.part(kept), series, note


def _last(places: np.ndarray, fraction: float) -> np.ndarray:
    return places[len(places) - max(1, round(fraction * len(places))) :]


def _of_each_class(targets: np.ndarray, wanted: int, seed: int) -> np.ndarray:
    """Return the first examples of an order in which each class comes as often as it does in all."""
    generator, place = np.random.default_rng(seed), np.empty(len(targets))
    classes = np.unique(targets)
    for label in classes:
        own = generator.permutation(np.flatnonzero(targets == label))
        place[own] = (np.arange(len(own)) + 0.5) / len(own)
        place[own[0]] = 0.0
    if wanted < len(classes):
        raise ZooError(
            f"data.train_fraction: {wanted} of {len(targets)} training examples are too few for {len(classes)} "
            "classes; take a larger fraction"
        )
    return np.lexsort((generator.random(len(targets)), place))[:wanted]


def _whole_groups(groups: np.ndarray, fraction: float, seed: int, column: str) -> tuple[np.ndarray, str]:
    """Return the examples of the first groups, in the order of their hashes, that are about a fraction of all."""
    names, places, counts = np.unique(groups, return_inverse=True, return_counts=True)
    keys = [hashlib.sha256(f"{seed}:part:{name}".encode()).digest() for name in names]
    order = np.array(sorted(range(len(names)), key=keys.__getitem__))
    reached = np.cumsum(counts[order])
    taken = order[: int(np.abs(reached - fraction * len(groups)).argmin()) + 1]
    return np.flatnonzero(
        np.isin(places, taken)
    ), f"{len(taken)} of {len(names)} groups of column '{column}', each whole"
