"""Embeddings of inputs, written as vectors, and the nearest neighbours of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from zoo.errors import ZooError, counted, import_extra, listing
from zoo.serving.exported_model import ExportedModel
from zoo.serving.inputs import read_inputs
from zoo.tasks import TASKS
from zoo.utils.files import replacing, write_json

FORMATS = (".npy", ".parquet")
_QUERIES = 256  # compared with all vectors at a time


@dataclass(frozen=True)
class Embeddings:
    """Names and vectors of some examples.

    Attributes:
        names: what each is called: its file, and its row or line where a file holds several.
        vectors: float32 `(examples, width)`.
    """

    names: list[str]
    vectors: np.ndarray


def embed_inputs(model: ExportedModel, inputs: Sequence[str | Path], notes: list[str]) -> Embeddings:
    """Return the embeddings of files.

    Args:
        model: a file with embeddings.
        inputs: as `zoo predict` takes them.
        notes: what a reader should know, such as files that were left out, is added to this list.

    Raises:
        ZooError: the file gives no embeddings, an input does not fit, or an embedding is not finite.
    """
    check_embeds(model)
    names, parts = list[str](), list[np.ndarray]()
    for some, raw in read_inputs(model, inputs, notes):
        names += some
        parts.append(embed_examples(model, raw, some))
    return Embeddings(names, np.concatenate(parts) if parts else np.zeros((0, 0), np.float32))


def embed_examples(model: ExportedModel, raw: Any, names: Sequence[str]) -> np.ndarray:
    """Return the vectors of raw examples, float32 `(examples, width)`.

    Raises:
        ZooError: one is not finite.
    """
    vectors = np.asarray(model.predict(raw).output, np.float32)
    vectors = vectors.reshape(len(vectors), -1)
    bad = [name for name, row in zip(names, vectors, strict=True) if not np.isfinite(row).all()]
    if bad:
        raise ZooError(f"{counted(bad, 'inputs')}: the embedding is not finite")
    return vectors


def check_embeds(model: ExportedModel) -> None:
    """Check that a file gives embeddings.

    Raises:
        ZooError: its task is another.
    """
    if not TASKS[model.task].embeds:
        raise ZooError(
            f"{model.path}: a file of {model.task} gives no embeddings. A run of representation_learning does, and "
            "published weights do: zoo export NAME --weights SOURCE --task representation_learning --output FILE"
        )


def nearest(vectors: np.ndarray, queries: np.ndarray, count: int, *, same: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return for each query the most similar vectors, by cosine similarity; the search is exact.

    Args:
        vectors: `(examples, width)`.
        queries: `(queries, width)`.
        count: how many of them.
        same: the queries are the vectors, and none is its own neighbour.

    Returns:
        Indices and similarities `(queries, count)`, the most similar first; of equal ones, the first in order.
    """
    units, wanted = _unit(vectors), _unit(queries)
    count = min(count, len(units) - same)
    indices = np.zeros((len(wanted), count), np.int64)
    similarities = np.zeros((len(wanted), count), np.float32)
    for start in range(0, len(wanted), _QUERIES):
        rows = np.arange(start, min(start + _QUERIES, len(wanted)))
        scores = wanted[rows] @ units.T
        if same:
            scores[np.arange(len(rows)), rows] = -np.inf
        order = np.argsort(-scores, axis=1, kind="stable")[:, :count]
        indices[rows], similarities[rows] = order, np.take_along_axis(scores, order, axis=1)
    return indices, similarities


def write_embeddings(path: Path, found: Embeddings) -> list[Path]:
    """Write vectors: `.npy` with the names in a JSON file beside it, or `.parquet` with both.

    Returns:
        The files.

    Raises:
        ZooError: the suffix is another.
    """
    check_format(path)
    if path.suffix.lower() == ".parquet":
        pa = import_extra("pyarrow", "writing Parquet")
        pq = import_extra("pyarrow.parquet", "writing Parquet")
        width = found.vectors.shape[1]
        values = pa.FixedSizeListArray.from_arrays(pa.array(found.vectors.ravel()), width)
        with replacing(path) as temporary:
            pq.write_table(pa.table({"input": found.names, "embedding": values}), temporary)
        return [path]
    with replacing(path) as temporary, open(temporary, "wb") as file:
        np.save(file, found.vectors)
    names = path.with_suffix(".json")
    write_json(names, found.names)
    return [path, names]


def check_format(path: Path) -> None:
    """Check that vectors can be written to a path.

    Raises:
        ZooError: its suffix is of no format.
    """
    if path.suffix.lower() not in FORMATS:
        raise ZooError(f"--output {path}: expected a name that ends with {listing(FORMATS)}")


def _unit(vectors: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.maximum(lengths, np.finfo(np.float32).tiny)
