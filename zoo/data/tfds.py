"""`tfds:NAME` (and `builtin:NAME`): any data set of TensorFlow Datasets that this task can take."""

from __future__ import annotations

import contextlib
import hashlib
import json
import socket
import sys
import tempfile
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from zoo.cache import cached
from zoo.data.dataset import ArrayInputs, ImageInputs, Inputs, Signature, SourceData, Split, TableInputs, whole
from zoo.data.images import decode_image
from zoo.data.tables import Column, as_label
from zoo.data.targets import class_indices, class_labels, number_targets
from zoo.errors import ZooError, did_you_mean, listing
from zoo.recipe.schema import Data
from zoo.tasks import Task

MAP_BYTES = 1 << 30  # decoded examples above this size are mapped from disk, not read into memory
_BATCH = 512


def tfds_builder(name: str) -> Any:
    """Return the prepared builder of a TFDS data set, downloading it where it is not there yet.

    Raises:
        ZooError: unknown name, or the download failed.
    """
    import tensorflow_datasets as tfds

    try:
        builder = tfds.builder(name)
    except (tfds.core.DatasetNotFoundError, ValueError) as error:
        known = tfds.list_builders(with_community_datasets=False)
        raise ZooError(f"tfds has no data set '{name}'{did_you_mean(name, known)}") from error
    _refuse_offline(builder, name)
    try:
        with contextlib.redirect_stdout(sys.stderr):
            builder.download_and_prepare()
    except Exception as error:  # network, checksums, disk: whatever the builder's own code raises
        reason = str(error).partition("\n")[0]
        raise ZooError(
            f"tfds:{name} is not prepared in {builder.data_dir}, and preparing it failed: "
            f"{type(error).__name__}: {reason}"
        ) from error
    return builder


def _refuse_offline(builder: Any, name: str) -> None:
    """Say at once that there is no network, where TFDS would try for minutes."""
    mocked = type(builder).download_and_prepare.__module__.startswith("tensorflow_datasets.testing")
    if mocked or builder.is_prepared() or urllib.request.getproxies():
        return
    hosts = {urllib.parse.urlsplit(url).hostname for url in builder.url_infos}
    for host in sorted(filter(None, hosts)):
        try:
            socket.getaddrinfo(host, None)
        except OSError as error:
            raise ZooError(
                f"tfds:{name} is not prepared in {builder.data_dir}, and {host}, which it is downloaded from, "
                "cannot be reached; prepare it on a machine with a network and name its folder in TFDS_DATA_DIR"
            ) from error


def load_tfds(builder: Any, data: Data, task: Task) -> SourceData:
    """Load the splits of a prepared TFDS builder.

    Images come as `(height, width, channels)` uint8, vectors as float32, and several scalar features as a table.

    Raises:
        ZooError: a split or feature is missing, or has a form that the task does not take.
    """
    import tensorflow_datasets as tfds

    where = f"{data.source}"
    features, available = builder.info.features, list(builder.info.splits)
    inputs, target = _keys(builder.info, data, where)
    named = {"train": data.splits.train, "validation": data.splits.validation, "test": data.splits.test}
    names = {split: name for split, name in named.items() if name is not None}
    if names.get("test") == "test" and available and "test" not in available:
        del names["test"]  # cut from the training split instead
    for name in names.values():
        if available and name.partition("[")[0] not in available:  # a mocked builder does not know its splits
            raise ZooError(
                f"{where} has no split '{name}'{did_you_mean(name, available)} (splits: {listing(available)})"
            )

    first = features[inputs[0]]
    kind: Any = "table"
    if isinstance(first, tfds.features.Image) and len(inputs) == 1:
        kind = "image"
    elif len(inputs) == 1 and len(first.shape) == 1:
        kind = "array"
    if kind not in task.inputs:
        raise ZooError(f"{where}: its inputs are of the kind '{kind}', and this task takes {' or '.join(task.inputs)}")
    if kind == "image" and (first.shape[-1] not in (1, 3) or first.np_dtype != np.uint8):
        raise ZooError(
            f"{where}: images must have 1 or 3 channels of uint8, received {first.shape} {first.np_dtype.__name__}"
        )
    for name in inputs if kind == "table" else ():
        if features[name].shape:
            raise ZooError(
                f"{where}: feature '{name}' has shape {features[name].shape}; a table's columns hold one value each"
            )

    loaded = {split: _load(builder, name, inputs, target, kind) for split, name in names.items()}
    label_names = getattr(features[target], "names", None)
    labels: tuple[str, ...] = ()
    if task.kind == "classification":
        labels = tuple(label_names) if label_names else class_labels(loaded["train"][1], where)
    splits: dict[str, Split] = {}
    for split, (examples, values) in loaded.items():
        if label_names and labels:
            targets = values.astype(np.int32)
            unlabelled = np.flatnonzero((targets < 0) | (targets >= len(labels)))
            if len(unlabelled):
                raise ZooError(
                    f"{where}: {len(unlabelled)} of {len(targets)} examples of the split '{names[split]}' have no "
                    f"label; name another split under data.splits.{split}"
                )
        else:
            targets = class_indices(values, labels, where) if labels else number_targets(values, where)
        splits[split] = whole(examples, targets)
    columns = (
        tuple(Column(n, "number" if _numeric(features[n]) else "category") for n in inputs) if kind == "table" else ()
    )
    shape = () if kind == "table" else tuple(first.shape)
    signature = Signature(kind, target, shape, columns, labels)
    return SourceData(signature, splits["train"], splits.get("validation"), splits.get("test"))


def _keys(info: Any, data: Data, where: str) -> tuple[list[str], str]:
    """Return the names of the input features and of the target."""
    supervised = info.supervised_keys
    inputs = supervised[0] if supervised else None
    target = data.target or (supervised[1] if supervised else None)
    if target not in info.features:
        raise ZooError(
            f"{where}: data.target must name a feature, received {target!r} (features: {listing(info.features)})"
        )
    names = list(inputs.values()) if isinstance(inputs, dict) else [inputs] if inputs else list(info.features)
    names = [n for n in names if n != target and n not in data.ignore]
    if not names:
        raise ZooError(f"{where}: no input feature is left beside the target '{target}'")
    return names, str(target)


def _numeric(feature: Any) -> bool:
    return not hasattr(feature, "names") and np.dtype(feature.np_dtype).kind in "fiub"


def _load(builder: Any, split: str, inputs: list[str], target: str, kind: str) -> tuple[Inputs, np.ndarray]:
    """Return the examples and targets of a split, from the decoded cache where there can be one."""
    feature = builder.info.features[inputs[0]]
    if kind == "table":
        return _read_table(builder, split, inputs, target)
    if any(n is None for n in feature.shape):
        return _read_encoded(builder, split, inputs[0], target, feature.shape[-1])

    def decode(folder: Path) -> None:
        _write_arrays(folder, _batches(builder, split, inputs[0], target))

    with _folder("decoded", builder, (split, inputs[0], target), decode) as folder:
        large = (folder / "x.npy").stat().st_size > MAP_BYTES
        x = np.load(folder / "x.npy", mmap_mode="r" if large else None)
        return ArrayInputs(x), np.load(folder / "y.npy")


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
    builder: Any, split: str, name: str, target: str, **options: Any
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    import tensorflow_datasets as tfds

    dataset = builder.as_dataset(split=split, shuffle_files=False, **options)
    yield from tfds.as_numpy(dataset.map(lambda e: (e[name], e[target])).batch(_BATCH))


def _write_arrays(folder: Path, batches: Iterator[tuple[np.ndarray, np.ndarray]]) -> None:
    """Write the batches to `x.npy` and `y.npy`, holding one batch in memory at a time."""
    targets = []
    count, shape = 0, ()
    dtype: np.dtype[Any] = np.dtype(np.uint8)
    with open(folder / "values", "wb") as file:
        for x, y in batches:
            dtype = np.dtype(np.uint8) if x.dtype == np.uint8 else np.dtype(np.float32)
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
        if _numeric(features[name]):
            columns[name] = values.astype(np.float32)
        elif hasattr(features[name], "names"):
            columns[name] = np.array([as_label(features[name].int2str(int(v))) for v in values], dtype=object)
        else:
            columns[name] = np.array([_text(v) for v in values], dtype=object)
    targets = np.concatenate([b[target] for b in batches])
    return TableInputs(columns), np.array([_text(v) for v in targets]) if targets.dtype == object else targets


def _read_encoded(builder: Any, split: str, name: str, target: str, channels: int) -> tuple[Inputs, np.ndarray]:
    """Images of different sizes: keep the encoded files, one after the other on disk, and decode them as needed."""
    import tensorflow_datasets as tfds

    def collect(folder: Path) -> None:
        ends, targets = [0], []
        with open(folder / "files", "wb") as file:
            decoders = {name: tfds.decode.SkipDecoding()}
            for contents, y in _batches(builder, split, name, target, decoders=decoders):
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


def _text(value: Any) -> str:
    return as_label(value.decode() if isinstance(value, bytes) else value)
