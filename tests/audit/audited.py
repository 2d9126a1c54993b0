"""Data sets for tests of the audit, and what detectors find in them."""

import numpy as np

from zoo.audit.subject import Subject
from zoo.data.columns import Column
from zoo.data.dataset import Dataset, Signature, Split
from zoo.data.inputs import ArrayInputs, TableInputs, TextInputs
from zoo.data.tables.file import Table
from zoo.recipe import load_recipe

PARTS = (0.6, 0.2, 0.2)


def cut(count):
    """Return the positions of the three splits, one after another."""
    ends = np.cumsum([round(part * count) for part in PARTS[:2]])
    return np.split(np.arange(count), ends)


def dataset_of(inputs, targets, signature, *, parts=None, held_out=("validation", "test"), **more):
    parts = cut(len(targets)) if parts is None else parts
    train, validation, test = (Split(inputs, part, targets[part]) for part in parts)
    return Dataset(
        name="made",
        signature=signature,
        train=train,
        validation=validation,
        test=test,
        fingerprint="f",
        held_out=held_out,
        **more,
    )


def table(columns, targets, *, labels=(), types=None, others=None, **more):
    """Return a table; texts are categories, columns among `others` are no inputs."""
    types = types or {}
    named = tuple(
        Column(name, types.get(name, "category" if values.dtype == object else "number"))
        for name, values in columns.items()
    )
    signature = Signature("table", "y", columns=named, labels=labels)
    apart = None if others is None else Table("made", others)
    return dataset_of(TableInputs(columns), targets, signature, table=apart, **more)


def images(array, targets, **more):
    labels = tuple(f"c{i}" for i in range(int(targets.max()) + 1))
    signature = Signature("image", "y", array.shape[1:], labels=labels)
    return dataset_of(ArrayInputs(array), targets, signature, **more)


def texts(values, targets, **more):
    return dataset_of(TextInputs(np.array(values, object)), targets, Signature("text", "y", labels=("a", "b")), **more)


def found(detect, dataset, recipe=None):
    """Return what a detector finds: `(name, severity)` to the finding."""
    recipe = None if recipe is None else load_recipe(recipe).recipe
    every = list(detect(Subject(dataset=dataset, recipe=recipe)))
    return {(each.name, each.severity): each for each in every}
