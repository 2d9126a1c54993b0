"""What the tests of built-in sets use: the examples of a split, and digests of them."""

import hashlib
from functools import cache

import numpy as np

from zoo.data.builtin import builtin_builder


@cache
def examples(name, split, folder=None):
    """Return the examples of a split, column by column; boxes, nodes and edges are filled up with zeros."""
    import tensorflow_datasets as tfds

    builder = builtin_builder(name)
    assert folder is None or folder in builder.data_dir
    count = builder.info.splits[split].num_examples
    dataset = builder.as_dataset(split=split, shuffle_files=False)
    (batch,) = tfds.as_numpy(dataset.padded_batch(count))
    columns = {**batch, **batch.get("objects", {}), **batch.get("graph", {})}
    columns = {name: values for name, values in columns.items() if not isinstance(values, dict)}
    return {column: texts(values) if values.dtype == object else values for column, values in columns.items()}


def texts(values):
    return np.array([value.decode() for value in values])


def digest(columns):
    state = hashlib.sha256()
    for name in sorted(columns):
        values = columns[name]
        state.update(name.encode())
        state.update("\n".join(values).encode() if values.dtype.kind == "U" else np.ascontiguousarray(values).data)
    return state.hexdigest()


def rows(values):
    return {row.tobytes() for row in values}


def sizes(name):
    return {split: info.num_examples for split, info in builtin_builder(name).info.splits.items()}
