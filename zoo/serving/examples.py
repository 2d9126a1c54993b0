"""Raw examples that a caller hands over, checked and brought into the form that a file takes.

What could be meant in two ways, or would lose something when it is narrowed, is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from zoo.data.sources.audio import full_scale
from zoo.data.sources.graphs import graph_problem
from zoo.data.tables.token_lists import as_tokens, fault_of
from zoo.errors import ZooError, did_you_mean, first_few, listing
from zoo.serving.metadata import FileSignature
from zoo.serving.table_columns import WANTED_TABLE, check_table
from zoo.serving.values import Shape, as_array, as_floats, as_padded, check_shape, fits, form, shown, sizes
from zoo.serving.window_examples import check_windows

_LARGEST_ID = np.iinfo(np.int32).max  # token ids and edges are int32 in the file


def check_examples(raw: Any, signature: FileSignature) -> Any:
    """Return raw examples as arrays of the file's types, with the axis of the examples in front.

    Args:
        raw: examples, or one alone, as `ExportedModel.predict` takes them.
        signature: what the file takes.

    Returns:
        uint8 images `(examples, height, width, channels)` or a list of such of one example each; float32 arrays; a dict
        of columns `(examples,)`; a list of texts; int32 token ids; or a dict of `nodes` and `edges`.

    Raises:
        ZooError: an example does not fit, or holds a number that is not finite.
    """
    if raw is None:
        raise ZooError(f"expected {_WANTED[signature.kind]}, received None")
    return _CHECKS[signature.kind](raw, signature)


# === Images ===


def _images(raw: Any, signature: FileSignature) -> np.ndarray | list[np.ndarray]:
    if isinstance(raw, str | bytes | Mapping):
        raise ZooError(f"expected images as arrays, received {shown(raw)}; `zoo predict` reads files")
    if isinstance(raw, Sequence) and not _is_nested_list(raw):
        return [_one_image(image, f"image {row}", signature.shape) for row, image in enumerate(raw, start=1)]
    images = _pixels(raw, "images")
    height, width, channels = signature.shape
    if images.shape == (0,):
        return []
    if images.ndim == 4:
        check_shape(images.shape[1:], signature.shape, "images", images)
        return images
    if images.ndim == 3 and fits(images.shape, signature.shape):
        return images[None]
    if channels == 1 and images.ndim == 3 and fits(images.shape[1:], (height, width)):
        return images[..., None]
    return _one_image(images, "image", signature.shape)


def _one_image(image: Any, where: str, shape: Shape) -> np.ndarray:
    """Return one image `(1, height, width, channels)`."""
    pixels = _pixels(image, where)
    if pixels.ndim == 4 and len(pixels) == 1:
        pixels = pixels[0]
    if pixels.ndim == 2 and shape[2] == 1:
        pixels = pixels[..., None]
    check_shape(pixels.shape, shape, where, pixels)
    return pixels[None]


def _pixels(image: Any, where: str) -> np.ndarray:
    pixels = as_array(image, where)
    if pixels.dtype.kind in "iu" and pixels.dtype != np.uint8:
        if pixels.size and not (pixels.min() >= 0 and pixels.max() <= 255):
            raise ZooError(f"{where}: pixels must be 0 to 255, received {pixels.min()} to {pixels.max()}")
        pixels = pixels.astype(np.uint8)
    if pixels.dtype != np.uint8 and pixels.size:
        advice = ""
        if pixels.dtype.kind == "f":
            advice = "; the file scales by itself, so give the pixels as decoded, `(x * 255).round().astype(np.uint8)`"
        raise ZooError(f"{where}: expected uint8, 0 to 255, received {form(pixels)}{advice}")
    return pixels.astype(np.uint8)


def _is_nested_list(raw: Sequence[Any]) -> bool:
    """Return whether a list holds the numbers themselves, at any depth, and not arrays."""
    first = raw[0] if len(raw) else None
    while isinstance(first, list | tuple) and first:
        first = first[0]
    return isinstance(first, int | float | np.number)


# === Vectors, sequences and series ===


def _arrays(raw: Any, signature: FileSignature) -> np.ndarray:
    if isinstance(raw, str | bytes | Mapping) or hasattr(raw, "columns"):
        raise ZooError(
            f"expected an array (examples, {sizes(signature.shape)}), received {shown(raw)}: this file takes "
            "numbers by position, not by name"
        )
    if signature.shape[:1] == (None,):
        return as_padded(raw, int(signature.shape[1] or 0), "array")
    return as_floats(raw, signature.shape, "array", np.float64 if signature.double else np.float32)


# === Audio ===


def _clips(raw: Any, signature: FileSignature) -> np.ndarray:
    if isinstance(raw, str | bytes | Mapping) or hasattr(raw, "columns"):
        raise ZooError(f"expected {_WANTED['audio']}, received {shown(raw)}; `zoo predict` reads files")
    x = as_array(raw, "audio")
    if x.dtype.kind in "iu" and x.size:
        x = full_scale(x)
    return as_floats(x, signature.shape, "audio")


# === Texts and tokens ===


def _texts(raw: Any, signature: FileSignature) -> list[str]:
    if isinstance(raw, str):
        return [raw]
    if signature.columns and (isinstance(raw, Mapping) or hasattr(raw, "columns")):
        name = signature.columns[0].name
        names = [str(column) for column in (raw if isinstance(raw, Mapping) else raw.columns)]
        if name not in names:
            raise ZooError(f"missing column: {name}{did_you_mean(name, names)} (received: {listing(names)})")
        return _texts(raw[name], signature)
    if isinstance(raw, bytes | Mapping) or hasattr(raw, "columns"):
        raise ZooError(f"expected {_WANTED['text']}, received {shown(raw)}")
    if signature.tokenizer is not None and signature.tokenizer.level == "whitespace":
        raw = _words(raw)
    texts = as_array(raw, "texts", object)
    if texts.ndim == 2 and texts.shape[1] == 1:
        texts = texts[:, 0]
    texts = texts.reshape(1) if texts.ndim == 0 else texts
    if texts.ndim != 1:
        raise ZooError(f"texts: expected (examples,), received {form(texts)}")
    wrong = [row for row, text in enumerate(texts, start=1) if not isinstance(text, str)]
    if wrong:
        raise ZooError(
            f"text {wrong[0]}: expected a text, received {shown(texts[wrong[0] - 1])} ({len(wrong)} such of "
            f"{len(texts)})"
        )
    return [str(text) for text in texts]


def _words(raw: Any) -> Any:
    """Return texts in which blanks separate the words, where the words are given as lists."""
    if not isinstance(raw, list | tuple) or all(isinstance(row, str) for row in raw):
        return raw
    faults = [f"text {i} has {fault}" for i, row in enumerate(raw, start=1) if (fault := fault_of(row))]
    if faults:
        raise ZooError(f"expected texts or lists of words: {first_few(faults)} ({len(faults)} of {len(raw)})")
    return [" ".join(as_tokens(row)) for row in raw]


def _tokens(raw: Any, signature: FileSignature) -> np.ndarray:
    if isinstance(raw, str | bytes | Mapping) or hasattr(raw, "columns"):
        raise ZooError(f"expected {_WANTED['tokens']}, received {shown(raw)}")
    return as_token_ids(raw, "tokens", signature.vocabulary)


def as_token_ids(raw: Any, where: str, vocabulary: int | None) -> np.ndarray:
    """Return int32 token ids `(examples, length)`; one example may come without its axis.

    Raises:
        ZooError: no whole numbers, another number of axes, or an id that the vocabulary lacks.
    """
    ids = as_array(raw, where)
    if ids.shape == (0,):
        return np.zeros((0, 1), np.int32)
    if ids.dtype.kind not in "iu" or ids.ndim not in (1, 2):
        raise ZooError(f"{where}: expected whole numbers (examples, length), received {form(ids)}")
    ids = ids[None] if ids.ndim == 1 else ids
    if not ids.shape[1]:
        raise ZooError(f"{where}: expected at least one token an example, received {form(ids)}")
    limit = _LARGEST_ID if vocabulary is None else vocabulary - 1
    wrong = np.argwhere((ids < 0) | (ids > limit))
    if len(wrong):
        row, place = wrong[0]
        raise ZooError(
            f"{where}: example {row + 1} has the id {ids[row, place]} at place {place + 1}; the file knows the ids 0 "
            f"to {limit} ({len(wrong)} such)"
        )
    return ids.astype(np.int32)


# === Graphs ===


def _graphs(raw: Any, signature: FileSignature) -> dict[str, np.ndarray]:
    if not isinstance(raw, Mapping):
        raise ZooError(f"expected {_WANTED['graph']}, received {shown(raw)}")
    arrays = {str(name): as_array(values, f"array '{name}'") for name, values in raw.items()}
    return check_graphs(arrays, signature.shape)


def check_graphs(arrays: Mapping[str, np.ndarray], shape: Shape) -> dict[str, np.ndarray]:
    """Return graphs, each of them checked: one without an axis for the examples, or several, padded.

    Raises:
        ZooError: an array is missing or has another form, or a graph is none.
    """
    if not {"nodes", "edges"} <= set(arrays):
        raise ZooError(f"expected the arrays 'nodes' and 'edges'; found {listing(arrays)}")
    nodes, edges = (arrays[n][None] if arrays[n].ndim == 2 else arrays[n] for n in ("nodes", "edges"))
    wide, width = nodes.shape[-1] if nodes.ndim else 0, shape[-1]
    if nodes.dtype.kind not in "fiu" or nodes.ndim != 3 or wide != width:
        received = form(arrays["nodes"])
        raise ZooError(f"array 'nodes' must be numbers (examples, nodes, {width}), received {received}")
    if edges.dtype.kind not in "iu" or edges.ndim != 3 or edges.shape[-1] != 2 or len(edges) != len(nodes):
        received = form(arrays["edges"])
        raise ZooError(
            f"array 'edges' must be whole numbers ({len(nodes)}, edges, 2), one list for each graph, received "
            f"{received}"
        )
    with np.errstate(over="ignore"):
        nodes = nodes.astype(np.float32)
    for row, (features, pairs) in enumerate(zip(nodes, edges, strict=True), start=1):
        padding = np.isnan(features).all(axis=1)
        count = len(features) - int(padding[::-1].cumprod().sum())  # what follows is padding
        problem = graph_problem(features[:count], pairs[(pairs != -1).any(axis=1)])
        if problem:
            raise ZooError(f"graph {row}: {problem}")
    if not edges.shape[1]:
        edges = np.full((len(edges), 1, 2), -1)
    return {"nodes": nodes, "edges": edges.astype(np.int32)}


_WANTED = {
    "image": "images (examples, height, width, channels) or a list of them",
    "array": "an array (examples, …)",
    "audio": "clips (examples, samples), full scale being -1 to 1",
    "series": "a dict of windows and covariates",
    "table": WANTED_TABLE,
    "text": "a text or a list of texts",
    "tokens": "token ids (examples, length)",
    "graph": "a dict of 'nodes' and 'edges'",
}
_CHECKS: dict[str, Callable[[Any, FileSignature], Any]] = {
    "image": _images,
    "array": _arrays,
    "audio": _clips,
    "series": check_windows,
    "table": check_table,
    "text": _texts,
    "tokens": _tokens,
    "graph": _graphs,
}
