"""Seeded cuts of a split, which can keep the proportions of the classes."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from zoo.data.dataset import Split
from zoo.data.hashes import split_hashes
from zoo.data.label_cuts import spread_labels
from zoo.errors import ZooError, counted, first_few


def hold_out(
    split: Split, fraction: float, name: str, *, seed: int, stratify: bool, labels: Sequence[str] = ()
) -> tuple[Split, Split]:
    """Hold out a fraction of the examples.

    Args:
        split: what to cut.
        fraction: of the examples to hold out, between 0 and 1.
        name: what they are held out for: "validation" or "test".
        seed: the same seed gives the same cut.
        stratify: keep the proportions of the classes or, of targets `(examples, labels)`, of the labels.
        labels: names of the classes, for messages.

    Returns:
        The rest and the held-out part, both in the order of `split`.

    Raises:
        ZooError: there are too few examples, or too few of a class.
    """
    from sklearn.model_selection import train_test_split

    count = len(split)
    size = round(count * fraction)
    if stratify and split.targets.ndim == 1:
        classes = len(np.unique(split.targets))
        single = np.flatnonzero(np.bincount(split.targets) == 1)
        if len(single):
            raise ZooError(_single(single, count, labels, f"holding out {fraction:.0%} for {name}"))
        if size < classes or count - size < classes:
            raise ZooError(
                f"{fraction:.0%} of {count} examples for {name} is {size}, too few for {classes} classes; "
                f"raise data.{name} or add data"
            )
    if not 0 < size < count:
        raise ZooError(f"{fraction:.0%} of {count} examples for {name} is {size}; raise data.{name} or add data")
    if stratify and split.targets.ndim == 2:
        parts = spread_labels(split.targets, np.array([count - size, size]), seed)
        return split.part(np.flatnonzero(parts == 0)), split.part(np.flatnonzero(parts == 1))
    rest, out = train_test_split(
        np.arange(count), test_size=size, random_state=seed, stratify=split.targets if stratify else None
    )
    return split.part(np.sort(rest)), split.part(np.sort(out))


def hold_out_by_content(
    split: Split, fraction: float, name: str, *, seed: int, labels: Sequence[str] = ()
) -> tuple[Split, Split, str]:
    """Hold out about a fraction of the examples, each by a hash of its input.

    An example that is added moves no other, and equal examples stay together. The fraction, and the proportions of the
    classes, are met on average.

    Args:
        split: what to cut.
        fraction: of the examples to hold out, between 0 and 1.
        name: what they are held out for: "validation" or "test".
        seed: of the hash.
        labels: names of the classes, each of which has to be left in the rest.

    Returns:
        The rest, the held-out part, both in the order of `split`, and a note on the cut.

    Raises:
        ZooError: nothing is left on one of the sides, or the rest lacks a class.
    """
    salt = f"{seed}:{name}:".encode()
    digests = (hashlib.blake2b(salt + own.tobytes(), digest_size=8).digest() for own in split_hashes(split))
    numbers = np.frombuffer(b"".join(digests), np.uint64)
    out = numbers < np.uint64(round(fraction * 2.0**64))
    if not out.any() or out.all():
        raise ZooError(
            f"data.{name}: {fraction:.0%} of {len(split)} examples by their content is {int(out.sum())}; change "
            f"data.{name} or data.split_seed, or give more data"
        )
    rest, held_out = split.part(np.flatnonzero(~out)), split.part(np.flatnonzero(out))
    refuse_lost_classes(rest, labels, name, "by the content of the examples")
    return rest, held_out, f"held out for {name}, {out.mean():.1%} of the examples: each by its content"


def refuse_lost_classes(rest: Split, labels: Sequence[str], name: str, how: str) -> None:
    """Refuse a cut that leaves no example of a class to train on.

    Raises:
        ZooError: it does.
    """
    lost = [label for i, label in enumerate(labels) if not (rest.targets == i).any()]
    if lost:
        raise ZooError(
            f"data.{name}: the cut {how} leaves no example to train on of {counted(lost, 'classes')}; change "
            f"data.{name} or data.split_seed, or give more data"
        )


def _single(classes: np.ndarray, count: int, labels: Sequence[str], purpose: str) -> str:
    """Return the message on classes that have one example."""
    names = [f"'{labels[i]}'" if i < len(labels) else str(i) for i in classes]
    what = f"{len(names)} classes have one example: " if len(names) > 1 else "a class has only one example: "
    advice = "add examples, or remove the class"
    if len(names) > count // 2:
        advice = "if the target is a number to predict, take a regression task"
    return f"{what}{first_few(names)}; {purpose} needs at least two of each; {advice}"


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
