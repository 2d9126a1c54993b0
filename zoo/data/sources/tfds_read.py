"""Reading the examples of a prepared TFDS builder: decoded or encoded, through a cache on disk where possible."""

from __future__ import annotations

import contextlib
import hashlib
import json
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from zoo.data.dataset import ArrayInputs, ImageInputs, Inputs, TableInputs, TextInputs
from zoo.data.sources.graphs import read_graphs
from zoo.data.sources.images import decode_image
from zoo.data.sources.tables import as_label
from zoo.data.targets import MOST_OBJECTS
from zoo.errors import ZooError
from zoo.utils.cache import cached

MAP_BYTES = 1 << 30  # decoded examples above this size are mapped from disk, not read into memory
_BATCH = 512


def is_numeric(feature: Any) -> bool:
    """Return whether a feature is a number, not a class or text."""
    return not hasattr(feature, "names") and np.dtype(feature.np_dtype).kind in "fiub"


def read_split(
    builder: Any, split: str, inputs: list[str], target: str, kind: str, targets: str
) -> tuple[Inputs, np.ndarray]:
    """Return the examples and targets of a split, from the decoded cache where there can be one."""
    feature = builder.info.features[inputs[0]]
    if kind == "table":
        return _read_table(builder, split, inputs, target)
    if kind == "graph":
        return read_graphs(builder, split, inputs[0], target)
    if kind == "text":
        return _read_text(builder, split, inputs[0], target)
    pick = _boxes(builder.info.features, target) if targets == "detection" else lambda e: e[target]
    if any(n is None for n in feature.shape):
        examples, y = _read_encoded(builder, split, inputs[0], target, feature.shape[-1], pick)
        return examples, _decoded(y)

    def decode(folder: Path) -> None:
        dtype = np.int32 if kind == "tokens" else None
        _write_arrays(folder, _batches(builder, split, inputs[0], pick), dtype)

    with _folder("decoded", builder, (split, inputs[0], target), decode) as folder:
        large = (folder / "x.npy").stat().st_size > MAP_BYTES
        x = np.load(folder / "x.npy", mmap_mode="r" if large else None)
        return ArrayInputs(x), _decoded(np.load(folder / "y.npy"))


def _boxes(features: Any, target: str) -> Callable[[Any], Any]:
    """Return a function from an example to its boxes `(most, 5)`, padded with -1; crowds are left out, as in COCO."""
    if not hasattr(features[target], "keys") or not {"bbox", "label"} <= set(features[target].keys()):
        raise ZooError(f"feature '{target}' must be a sequence of objects with 'bbox' and 'label', as in tfds:coco")
    import tensorflow as tf

    def pick(example: Any) -> Any:
        objects = example[target]
        rows = tf.concat([objects["bbox"], tf.cast(objects["label"], tf.float32)[:, None]], axis=1)
        if "is_crowd" in objects:
            rows = tf.boolean_mask(rows, tf.logical_not(objects["is_crowd"]))
        rows = rows[:MOST_OBJECTS]
        rows = tf.pad(rows, [[0, MOST_OBJECTS - tf.shape(rows)[0]], [0, 0]], constant_values=-1.0)
        return tf.ensure_shape(rows, (MOST_OBJECTS, 5))

    return pick


def _decoded(values: np.ndarray) -> np.ndarray:
    """Return texts, which are stored as bytes, as `str`."""
    return np.array([v.decode() for v in values], dtype=object) if values.dtype.kind == "S" else values


@contextlib.contextmanager
def _folder(form: str, builder: Any, parts: tuple[str, ...], make: Callable[[Path], None]) -> Iterator[Path]:
    """Yield the cache's folder, named after all that its files depend on.

    A builder without prepared files gives no name to know a change by: its folder is temporary.
    """
    prepared = Path(builder.data_path) / "dataset_info.json"
    if prepared.is_file():
        identity = json.dumps([str(prepared), prepared.stat().st_mtime_ns, *parts])
        yield cached(f"{form}/{builder.info.name}-{hashlib.sha256(identity.encode()).hexdigest()[:16]}", make)
        return
    with tempfile.TemporaryDirectory() as temporary:
        make(Path(temporary))
        yield Path(temporary)


def _batches(
    builder: Any, split: str, name: str, pick: Callable[[Any], Any], **options: Any
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    import tensorflow_datasets as tfds

    dataset = builder.as_dataset(split=split, shuffle_files=False, **options)
    for x, y in tfds.as_numpy(dataset.map(lambda e: (e[name], pick(e))).batch(_BATCH)):
        yield x, y.astype(bytes) if y.dtype == object else y


def _write_arrays(folder: Path, batches: Iterator[tuple[np.ndarray, np.ndarray]], integer: Any = None) -> None:
    """Write the batches to `x.npy` and `y.npy`, holding one batch in memory at a time."""
    targets = []
    count, shape = 0, ()
    dtype: np.dtype[Any] = np.dtype(np.uint8)
    with open(folder / "values", "wb") as file:
        for x, y in batches:
            dtype = np.dtype(integer or (np.uint8 if x.dtype == np.uint8 else np.float32))
            shape, count = x.shape[1:], count + len(x)
            file.write(np.ascontiguousarray(x, dtype).data)
            targets.append(y)
    with open(folder / "x.npy", "wb") as file, open(folder / "values", "rb") as values:
        header = {"descr": dtype.str, "fortran_order": False, "shape": (count, *shape)}
        np.lib.format.write_array_header_1_0(file, header)
        while part := values.read(1 << 24):
            file.write(part)
    (folder / "values").unlink()
    np.save(folder / "y.npy", np.concatenate(targets))


def _read_table(builder: Any, split: str, inputs: list[str], target: str) -> tuple[Inputs, np.ndarray]:
    import tensorflow_datasets as tfds

    dataset = builder.as_dataset(split=split, shuffle_files=False).batch(_BATCH)
    batches = list(tfds.as_numpy(dataset))
    features = builder.info.features
    columns = {}
    for name in inputs:
        values = np.concatenate([b[name] for b in batches])
        if is_numeric(features[name]):
            columns[name] = values.astype(np.float32)
        elif hasattr(features[name], "names"):
            columns[name] = np.array([as_label(features[name].int2str(int(v))) for v in values], dtype=object)
        else:
            columns[name] = np.array([as_label(as_text(v)) for v in values], dtype=object)
    targets = np.concatenate([b[target] for b in batches])
    return TableInputs(columns), np.array(
        [as_label(as_text(v)) for v in targets]
    ) if targets.dtype == object else targets


def _read_text(builder: Any, split: str, name: str, target: str) -> tuple[Inputs, np.ndarray]:
    import tensorflow_datasets as tfds

    dataset = builder.as_dataset(split=split, shuffle_files=False).map(lambda e: (e[name], e[target]))
    batches = list(tfds.as_numpy(dataset.batch(_BATCH)))
    texts = np.array([as_text(text) for batch, _ in batches for text in batch], dtype=object)
    targets = np.concatenate([batch for _, batch in batches])
    return TextInputs(texts), np.array([as_text(y) for y in targets]) if targets.dtype == object else targets


def _read_encoded(
    builder: Any, split: str, name: str, target: str, channels: int, pick: Callable[[Any], Any]
) -> tuple[Inputs, np.ndarray]:
    """Images of different sizes: keep the encoded files, one after the other on disk, and decode them as needed."""
    import tensorflow_datasets as tfds

    def collect(folder: Path) -> None:
        ends, targets = [0], []
        with open(folder / "files", "wb") as file:
            decoders = {name: tfds.decode.SkipDecoding()}
            for contents, y in _batches(builder, split, name, pick, decoders=decoders):
                for content in contents:
                    ends.append(ends[-1] + file.write(content))
                targets.append(y)
        np.save(folder / "ends.npy", np.array(ends))
        np.save(folder / "y.npy", np.concatenate(targets))

    with _folder("encoded", builder, (split, name, target), collect) as folder:
        ends, targets = np.load(folder / "ends.npy"), np.load(folder / "y.npy")
        files = np.memmap(folder / "files", np.uint8, "r")

    def read(i: int) -> np.ndarray:
        return decode_image(files[ends[i] : ends[i + 1]].tobytes(), channels, f"{builder.info.name} {split} {i}")

    return ImageInputs(len(targets), read, hashlib.sha256(files.data).hexdigest()), targets


def as_text(value: Any) -> str:
    """Return a feature's value as text."""
    return value.decode() if isinstance(value, bytes) else str(value)
