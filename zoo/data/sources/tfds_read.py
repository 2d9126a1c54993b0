"""Read the examples of a prepared TFDS builder, through a cache on disk where possible."""

from __future__ import annotations

import contextlib
import hashlib
import json
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from zoo.data.arrays import Rounding, as_features, as_ids, refuse
from zoo.data.columns import as_label
from zoo.data.dataset import InputKind
from zoo.data.inputs import ArrayInputs, ImageInputs, Inputs, TableInputs, TextInputs
from zoo.data.sources.graphs import read_graphs
from zoo.data.sources.images import decode_image
from zoo.errors import ZooError
from zoo.utils.cache import cached

MAX_RESIDENT_BYTES = 1 << 30  # larger decoded arrays are mapped from disk
_BATCH = 512  # examples that TensorFlow reads at a time
_CACHE_FORMAT = 2  # of what is cached; since 2 crowds are among the boxes


def is_numeric(feature: Any) -> bool:
    """Return whether a feature is a number, not a class or text."""
    return not hasattr(feature, "names") and np.dtype(feature.np_dtype).kind in "fiub"


@dataclass(frozen=True, kw_only=True)
class Request:
    """Which examples of a builder to read, and how.

    Attributes:
        builder: a prepared TFDS builder.
        split: the source's name of the split.
        inputs: names of the input features, one unless `kind` is "table".
        target: name of the target feature.
        kind: kind of input.
        pick: TensorFlow function from an example to its raw target.
        form: tells raw targets apart that are picked from one feature.
    """

    builder: Any
    split: str
    inputs: list[str]
    target: str
    kind: InputKind
    pick: Callable[[Any], Any]
    form: str = ""

    @property
    def parts(self) -> tuple[str, ...]:
        """What tells the cached examples of a builder apart."""
        return (self.split, self.inputs[0], self.target, *([self.form] if self.form else []))


def read_split(request: Request) -> tuple[Inputs, np.ndarray]:
    """Return the examples and raw targets of a split, through the cache where there can be one."""
    return _READERS[request.kind](request)


def _read_graphs(request: Request) -> tuple[Inputs, np.ndarray]:
    return read_graphs(request.builder, request.split, request.inputs[0], request.target)


def _read_arrays(request: Request) -> tuple[Inputs, np.ndarray]:
    """Read images, vectors, sequences or token ids."""
    builder, name = request.builder, request.inputs[0]
    if request.kind == "image" and None in builder.info.features[name].shape:
        return _read_encoded(request)

    def decode(folder: Path) -> None:
        where = f"{builder.info.name}: split '{request.split}': feature '{name}'"
        _write_arrays(folder, _batches(builder, request.split, name, request.pick), request.kind, where)

    with cached_folder("arrays", builder, request.parts, decode) as folder:
        large = (folder / "x.npy").stat().st_size > MAX_RESIDENT_BYTES
        x = np.load(folder / "x.npy", mmap_mode="r" if large else None)
        return ArrayInputs(x), _as_str(np.load(folder / "y.npy"))


def _as_str(values: np.ndarray) -> np.ndarray:
    """Return texts, which are stored as bytes, as `str`."""
    return np.array([v.decode() for v in values], dtype=object) if values.dtype.kind == "S" else values


@contextlib.contextmanager
def cached_folder(form: str, builder: Any, parts: tuple[str, ...], make: Callable[[Path], None]) -> Iterator[Path]:
    """Yield the cache's folder, whose name is a hash of all that its files depend on.

    The folder of a builder without prepared files is temporary: nothing would show that such data has changed.
    """
    prepared = Path(builder.data_path) / "dataset_info.json"
    if prepared.is_file():
        identity = json.dumps([_CACHE_FORMAT, str(prepared), prepared.stat().st_mtime_ns, *parts])
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


def _write_arrays(folder: Path, batches: Iterator[tuple[np.ndarray, np.ndarray]], kind: InputKind, where: str) -> None:
    """Write the batches to `x.npy` and `y.npy`, holding one batch in memory at a time.

    Raises:
        ZooError: there are no examples, or a value is none that the model's types hold.
    """
    targets = []
    count, shape = 0, ()
    dtype: np.dtype[Any] = np.dtype(np.uint8)
    rounding = Rounding(where)
    with open(folder / "values", "wb") as file:
        for x, y in batches:
            if kind == "tokens":
                x = as_ids(x, where)
            elif x.dtype != np.uint8:
                rounding.add(x)
                refuse(x, ~np.isfinite(x), where, "numbers must be finite", count)
                x = x.astype(np.float32)
            dtype = x.dtype
            shape, count = x.shape[1:], count + len(x)
            file.write(np.ascontiguousarray(x).data)
            targets.append(y)
    rounding.check()
    if not count:
        raise ZooError(f"{where}: the split holds no examples; name another one under data.splits")
    with open(folder / "x.npy", "wb") as file, open(folder / "values", "rb") as values:
        header = {"descr": dtype.str, "fortran_order": False, "shape": (count, *shape)}
        np.lib.format.write_array_header_1_0(file, header)
        while part := values.read(1 << 24):
            file.write(part)
    (folder / "values").unlink()
    np.save(folder / "y.npy", np.concatenate(targets))


def _read_table(request: Request) -> tuple[Inputs, np.ndarray]:
    import tensorflow_datasets as tfds

    dataset = request.builder.as_dataset(split=request.split, shuffle_files=False).batch(_BATCH)
    batches = list(tfds.as_numpy(dataset))
    _refuse_empty(batches, request)
    features = request.builder.info.features
    columns = {}
    for name in request.inputs:
        values = np.concatenate([b[name] for b in batches])
        if is_numeric(features[name]):
            columns[name] = as_features(values, f"{request.builder.info.name}: feature '{name}'")
        elif hasattr(features[name], "names"):
            columns[name] = np.array([as_label(features[name].int2str(int(v))) for v in values], dtype=object)
        else:
            columns[name] = np.array([as_label(as_text(v)) for v in values], dtype=object)
    targets = np.concatenate([b[request.target] for b in batches])
    if targets.dtype == object:
        targets = np.array([as_label(as_text(v)) for v in targets])
    return TableInputs(columns), targets


def _read_texts(request: Request) -> tuple[Inputs, np.ndarray]:
    import tensorflow_datasets as tfds

    dataset = request.builder.as_dataset(split=request.split, shuffle_files=False)
    dataset = dataset.map(lambda e: (e[request.inputs[0]], e[request.target]))
    batches = list(tfds.as_numpy(dataset.batch(_BATCH)))
    _refuse_empty(batches, request)
    texts = np.array([as_text(text) for batch, _ in batches for text in batch], dtype=object)
    targets = np.concatenate([batch for _, batch in batches])
    if targets.dtype == object:
        targets = np.array([as_text(y) for y in targets])
    return TextInputs(texts), targets


def _refuse_empty(batches: list[Any], request: Request) -> None:
    if not batches:
        raise ZooError(_empty(request.builder, request.split))


def _empty(builder: Any, split: str) -> str:
    return f"{builder.info.name}: the split '{split}' holds no examples; name another one under data.splits"


def _read_encoded(request: Request) -> tuple[Inputs, np.ndarray]:
    """Read images of different sizes: store the encoded files one after the other, and decode them as needed."""
    import tensorflow_datasets as tfds

    builder, split, name = request.builder, request.split, request.inputs[0]
    channels = builder.info.features[name].shape[-1]

    def collect(folder: Path) -> None:
        ends, targets = [0], []
        with open(folder / "files", "wb") as file:
            decoders = {name: tfds.decode.SkipDecoding()}
            for contents, y in _batches(builder, split, name, request.pick, decoders=decoders):
                for content in contents:
                    ends.append(ends[-1] + file.write(content))
                targets.append(y)
        if not targets:
            raise ZooError(_empty(builder, split))
        np.save(folder / "ends.npy", np.array(ends))
        np.save(folder / "y.npy", np.concatenate(targets))

    with cached_folder("encoded", builder, request.parts, collect) as folder:
        ends, targets = np.load(folder / "ends.npy"), np.load(folder / "y.npy")
        files = np.memmap(folder / "files", np.uint8, "r")

    def read(i: int) -> np.ndarray:
        return decode_image(files[ends[i] : ends[i + 1]].tobytes(), channels, f"{builder.info.name} {split} {i}")

    return ImageInputs(len(targets), read, hashlib.sha256(files.data).hexdigest()), _as_str(targets)


_READERS: dict[InputKind, Callable[[Request], tuple[Inputs, np.ndarray]]] = {
    "table": _read_table,
    "graph": _read_graphs,
    "text": _read_texts,
    "image": _read_arrays,
    "array": _read_arrays,
    "tokens": _read_arrays,
}


def as_text(value: Any) -> str:
    """Return a feature's value as text.

    Raises:
        ZooError: it is not UTF-8.
    """
    try:
        return value.decode() if isinstance(value, bytes) else str(value)
    except UnicodeDecodeError as error:
        raise ZooError(f"a text is not UTF-8 (it begins with {value[:20]!r})") from error
