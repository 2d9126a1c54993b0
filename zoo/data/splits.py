"""Seeded cuts of a split, which can keep the proportions of the classes."""

from __future__ import annotations

import numpy as np

from zoo.data.dataset import Split
from zoo.errors import ZooError


def hold_out(split: Split, fraction: float, name: str, *, seed: int, stratify: bool) -> tuple[Split, Split]:
    """Hold out a fraction of the examples.

    Args:
        split: what to cut.
        fraction: of the examples to hold out, between 0 and 1.
        name: what they are held out for: "validation" or "test".
        seed: the same seed gives the same cut.
        stratify: keep the proportions of the classes.

    Returns:
        The rest and the held-out part, both in the order of `split`.

    Raises:
        ZooError: there are too few examples, or too few of a class.
    """
    from sklearn.model_selection import train_test_split

    count = len(split)
    size = round(count * fraction)
    if stratify:
        classes = len(np.unique(split.targets))
        rarest = np.bincount(split.targets)[np.unique(split.targets)].min()
        if rarest < 2:
            raise ZooError(
                f"a class has only one example; holding out {fraction:.0%} for {name} needs at least two of each"
            )
        if size < classes or count - size < classes:
            raise ZooError(
                f"{fraction:.0%} of {count} examples for {name} is {size}, too few for {classes} classes; "
                f"raise data.{name} or add data"
            )
    if not 0 < size < count:
        raise ZooError(f"{fraction:.0%} of {count} examples for {name} is {size}; raise data.{name} or add data")
    rest, out = train_test_split(
        np.arange(count), test_size=size, random_state=seed, stratify=split.targets if stratify else None
    )
    return split.part(np.sort(rest)), split.part(np.sort(out))


def draw_per_class(split: Split, count: int, seed: int) -> Split:
    """Draw `count` examples of each class, kept in the order of `split`. A smaller count draws a subset of them.

    Raises:
        ZooError: a class has fewer examples.
    """
    generator = np.random.default_rng(seed)
    kept = []
    for label in np.unique(split.targets):
        places = generator.permutation(np.flatnonzero(split.targets == label))
        if len(places) < count:
            raise ZooError(
                f"data.per_class is {count}, and class {label} has {len(places)} examples in the training split"
            )
        kept.append(places[:count])
    return split.part(np.sort(np.concatenate(kept)))
