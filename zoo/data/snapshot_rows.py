"""The examples of a data set as rows of Parquet: what a run trained on, exactly."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from zoo.data.dataset import Dataset, Signature, Split

INPUT = "input"  # the column of what has one input alone


def write_split(path: Path, dataset: Dataset, split: Split) -> pa.Schema:
    """Write a split to a Parquet file, some examples at a time.

    Numbers, categories and texts of a table have a column each, as the model takes them; images are PNG files, arrays,
    clips, windows and graphs nested lists. Then come the targets: names of classes, numbers, texts, or lists.

    Returns:
        The file's schema.
    """
    writer: pq.ParquetWriter | None = None
    try:
        for positions in split.chunks():
            batch = pa.table(example_columns(dataset.signature, split, positions))
            if writer is None:
                writer = pq.ParquetWriter(path, batch.schema)
            writer.write_table(batch.cast(writer.schema))
        if writer is None:
            raise ValueError("a split without examples")
        return writer.schema
    finally:
        if writer is not None:
            writer.close()


def example_columns(signature: Signature, split: Split, positions: np.ndarray) -> dict[str, pa.Array]:
    """Return some examples, and their targets, by column."""
    raw = split.take(positions)
    columns: dict[str, pa.Array] = {}
    if signature.kind == "table":
        columns = {column.name: _values(raw[column.name]) for column in signature.columns}
    elif isinstance(raw, dict):
        columns = {name: _values(values) for name, values in raw.items()}
    elif signature.kind == "image":
        columns = {INPUT: pa.array([_png(np.asarray(image)) for image in raw], pa.binary())}
    else:
        columns = {INPUT: _values(np.asarray(raw))}
    for name, values in _targets(signature, split.targets[positions]):
        columns[name if name not in columns else f"target: {name}"] = values
    return columns


def _targets(signature: Signature, targets: np.ndarray) -> Iterator[tuple[str, pa.Array]]:
    """Yield the columns of targets."""
    name, labels = signature.target or "target", signature.labels
    if labels and targets.ndim == 1 and targets.dtype.kind in "iu":
        yield name, pa.array([labels[int(index)] for index in targets], pa.string())
    elif labels and targets.ndim == 2 and targets.dtype == np.uint8 and targets.shape[1] == len(labels):
        yield name, pa.array([[labels[i] for i in np.flatnonzero(row)] for row in targets], pa.list_(pa.string()))
    elif signature.targets and targets.ndim == 2 and targets.shape[1] == len(signature.targets):
        for place, each in enumerate(signature.targets):
            yield each, _values(targets[:, place])
    else:
        yield name, _values(targets)


def _values(values: np.ndarray) -> pa.Array:
    """Return an array as a column: NaN of numbers is null, and further axes are nested lists."""
    if values.ndim == 1 and values.dtype.kind == "f":
        return pa.array(values, mask=np.isnan(values))
    if values.ndim == 1 and values.dtype == object:
        return pa.array([None if value is None else str(value) for value in values], pa.string())
    if values.ndim == 1:
        return pa.array(values)
    column = pa.array(np.ascontiguousarray(values).ravel())
    for size in reversed(values.shape[1:]):
        column = pa.FixedSizeListArray.from_arrays(column, int(size)) if size else pa.array([[]] * len(values))
    return column


def _png(image: np.ndarray) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image).save(buffer, format="PNG")
    return buffer.getvalue()


def read_rows(path: Path) -> dict[str, Any]:
    """Return the columns of a written split as Python lists."""
    return dict(pq.read_table(path).to_pydict())
