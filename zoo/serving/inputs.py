"""From files on a command line to the raw input of an exported model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from zoo.data.arrays import as_pixels
from zoo.data.columns import table_rows, take_columns
from zoo.data.sources.archive import Archive
from zoo.data.sources.audio import FORMATS as AUDIO_FORMATS
from zoo.data.sources.audio import full_scale, has_audio_suffix
from zoo.data.sources.conll_file import CONLL_SUFFIXES
from zoo.data.sources.images import FORMATS
from zoo.data.tables.file import TABLE_SUFFIXES, from_arrays, read_table
from zoo.errors import ZooError, listing, prefixed
from zoo.serving.examples import as_floats, as_token_ids, check_graphs
from zoo.serving.exported_model import ExportedModel
from zoo.serving.history import SeriesWindows, say_unused, scanned_windows, windows_of
from zoo.serving.read_clips import clips_of_table, read_clips
from zoo.serving.read_graphs import read_graph_folder
from zoo.serving.read_images import images_of_table, is_image, path_columns, read_images
from zoo.serving.read_sequences import TS_SUFFIX, read_sequences
from zoo.serving.read_texts import read_sentences, read_text_folder, read_texts, texts_of_table
from zoo.tasks import TASKS

MAX_UNPACKED_BYTES = 1 << 32  # of the arrays of a file, which are held in memory
_ARRAYS = ("x", "image", "images", "array", "audio", "x_test", "test_images")


def read_inputs(model: ExportedModel, paths: Sequence[str | Path], notes: list[str]) -> Iterator[tuple[list[str], Any]]:
    """Yield the names of some examples and their raw values, as `ExportedModel.predict` takes them.

    Args:
        model: what the inputs are for.
        paths: image files, folders of images or texts, CSV, JSON Lines or Parquet files, npz files with an array `x`,
            or text files.
        notes: what a reader of the answers should know, such as files that are left out, is added here.

    Raises:
        ZooError: a file is missing, damaged, or not of the kind that the model takes.
    """
    for path in map(Path, paths):
        if not path.exists():
            raise ZooError(f"input {path} does not exist")
        suffix = path.suffix.lower()
        if suffix == ".npz":
            yield _from_npz(model, path)
        elif suffix == ".txt":
            _expect(model, "text", path)
            names, texts = read_texts(model, path, notes)
            yield names, np.array(texts, dtype=object)
        elif suffix in CONLL_SUFFIXES:
            _expect(model, "text", path)
            names, texts = read_sentences(model, path, notes)
            yield names, np.array(texts, dtype=object)
        elif suffix in TABLE_SUFFIXES and TASKS[model.task].scans_series:
            table = read_table(path, model.signature.reading, model.columns[0].name)
            scanned = scanned_windows(table, model.signature, notes.append)
            say_unused(table, model.signature, notes.append)
            yield [f"{path}: {name}" for name in scanned.names], scanned.inputs
        elif suffix == TS_SUFFIX or (
            suffix in TABLE_SUFFIXES and model.kind == "array" and model.task != "forecasting"
        ):
            sequences = read_sequences(model, path, notes.append)
            yield [f"{path}: {name}" for name in sequences.names], sequences
        elif suffix in TABLE_SUFFIXES and model.task == "forecasting":
            history = _history(model, path, notes)
            yield [str(path)] * (len(history.names) if isinstance(history, SeriesWindows) else 1), history
        elif suffix in TABLE_SUFFIXES and model.kind == "text":
            table = read_table(path, model.signature.reading, model.columns[0].name if model.columns else "")
            names, texts = texts_of_table(model, table, notes)
            say_unused(table, model.signature, notes.append)
            yield names, np.array(texts, dtype=object)
        elif suffix in TABLE_SUFFIXES and model.kind == "image":
            table = read_table(path, model.signature.reading, path_columns(model)[0])
            yield from images_of_table(model, table, notes)
        elif suffix in TABLE_SUFFIXES and model.kind == "audio":
            table = read_table(path, model.signature.reading, path_columns(model)[0])
            yield from clips_of_table(model, table, notes)
        elif suffix in TABLE_SUFFIXES:
            _expect(model, "table", path)
            table = read_table(path, model.signature.reading, model.columns[0].name)
            columns = take_columns(table, model.columns)
            say_unused(table, model.signature, notes.append)
            yield [f"{path}:{row + 1}" for row in range(table_rows(columns))], columns
        elif model.kind == "graph" and path.is_dir():
            yield from read_graph_folder(model, path, notes)
        elif model.kind == "audio" and (path.is_dir() or has_audio_suffix(path)):
            yield from read_clips(model, path, notes)
        elif path.is_dir() and model.kind == "text":
            names, texts = read_text_folder(model, path, notes)
            yield names, np.array(texts, dtype=object)
        elif path.is_dir() or is_image(path):
            _expect(model, "image", path)
            yield from read_images(model, path, notes)
        else:
            raise ZooError(
                f"input {path}: expected an image ({FORMATS}), a folder, {', '.join(TABLE_SUFFIXES)}, .npz or .txt"
            )


def _expect(model: ExportedModel, kind: str, path: Path) -> None:
    if model.kind != kind:
        takes = {
            "image": "images, or tables with a column of their paths",
            "table": "tables",
            "audio": f"audio files ({AUDIO_FORMATS}), or tables with a column of their paths",
            "series": "a table",
            "array": "a table" if model.task == "forecasting" else "arrays in an npz file",
            "text": "text files, one text a line, folders of them, or tables with a column of texts",
            "tokens": "token ids in an npz file",
            "graph": "graphs, as arrays 'nodes' and 'edges' in an npz file or a folder of tables",
        }
        raise ZooError(f"input {path}: {model.path} takes {takes[model.kind]}, not {takes[kind]}")


def _history(model: ExportedModel, path: Path, notes: list[str]) -> np.ndarray | SeriesWindows:
    """Return the last steps of a series, or of each, its columns by name, in the order of time."""
    table = read_table(path, model.signature.reading, model.targets[0] if model.targets else model.target)
    windows = windows_of(table, model.signature, notes.append)
    say_unused(table, model.signature, notes.append)
    return windows


def _graphs(model: ExportedModel, path: Path, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return graphs, each of them checked: one without an axis for the examples, or several, padded."""
    with prefixed(path):
        graphs = check_graphs(arrays, model.shape)
    if not len(graphs["nodes"]):
        raise ZooError(f"{path}: array 'nodes' holds no graphs")
    return graphs


def _from_npz(model: ExportedModel, path: Path) -> tuple[list[str], Any]:
    arrays = Archive(path).read_all(MAX_UNPACKED_BYTES)
    if not arrays:
        raise ZooError(f"{path}: the file holds no arrays")
    if model.kind == "table":
        if len({a.shape for a in arrays.values()}) > 1 or any(a.ndim != 1 or not len(a) for a in arrays.values()):
            raise ZooError(f"{path}: expected one array (examples,) for each column of the table, at least one example")
        columns: Any = take_columns(from_arrays(arrays, str(path)), model.columns)
        return [f"{path}:{row + 1}" for row in range(table_rows(columns))], columns
    if model.kind == "graph":
        graphs = _graphs(model, path, arrays)
        return [f"{path}:{row + 1}" for row in range(len(graphs["nodes"]))], graphs
    name = next((n for n in _ARRAYS if n in arrays), next(iter(arrays)) if len(arrays) == 1 else None)
    if name is None:
        raise ZooError(f"{path}: expected an array named 'x'; found {listing(arrays)}")
    x = arrays[name]
    if model.kind == "text":
        raise ZooError(f"{path}: the model takes text files (.txt), one text a line, not arrays")
    types = {"image": "iu", "tokens": "iu", "array": "fiu", "audio": "fiu"}[model.kind]
    x = x[..., None] if model.kind == "image" and x.ndim == 3 and model.shape[2] == 1 else x
    fits = x.dtype.kind in types and x.ndim == 1 + len(model.shape)
    if not fits or any(want not in (None, have) for want, have in zip(model.shape, x.shape[1:], strict=True)):
        wanted = ", ".join("any" if n is None else str(n) for n in model.shape)
        kind = {"image": "uint8", "tokens": "whole numbers"}.get(model.kind, "numbers")
        raise ZooError(f"{path}: array '{name}' must be {kind} (examples, {wanted}), received {x.dtype} {x.shape}")
    if not len(x):
        raise ZooError(f"{path}: array '{name}' holds no examples")
    return [f"{path}:{row + 1}" for row in range(len(x))], _narrowed(model, x, f"{path}: array '{name}'")


def _narrowed(model: ExportedModel, x: np.ndarray, where: str) -> np.ndarray:
    """Return an array of the type that the model takes, each value looked at first."""
    if model.kind == "image":
        return as_pixels(x, where)
    if model.kind == "tokens":
        return as_token_ids(x, where, model.signature.vocabulary)
    with prefixed(where):
        x = full_scale(x) if model.kind == "audio" else x
    return as_floats(x, model.shape, where)
