"""Files that PyTorch writes (.pth, .pt, .bin), as zip or in the form before version 1.6. None of their code runs."""

from __future__ import annotations

import math
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import numpy as np

from zoo.pretrained.pickle_data import Global, StoredTensor, read_data
from zoo.pretrained.tensors import Tensor, from_bytes, item_size

_MAGIC = 0x1950A86A20F9469CFC6C  # first pickle of the older form
_MAX_PICKLE_BYTES = 1 << 25  # of the names and shapes of all tensors
_NESTED = ("state_dict", "model_state_dict", "model", "model_state", "net", "ema_state_dict")
_STORAGES = {
    "FloatStorage": "float32",
    "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16",
    "DoubleStorage": "float64",
    "LongStorage": "int64",
    "IntStorage": "int32",
    "ShortStorage": "int16",
    "CharStorage": "int8",
    "ByteStorage": "uint8",
    "BoolStorage": "bool",
}
Read = Callable[[str, int], bytes]  # takes the key of a storage and its size in bytes


def read_pth(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a file.

    Raises:
        ValueError, OSError, KeyError: the file is damaged, holds more than data, or no tensors.
    """
    if zipfile.is_zipfile(path):
        return _read_zip(path)
    with open(path, "rb") as file:
        return _read_older(path, file)


def _read_zip(path: Path) -> dict[str, Tensor]:
    with zipfile.ZipFile(path) as archive:
        members = {info.filename: info for info in archive.infolist()}
        pickles = [name for name in members if name.endswith("/data.pkl")]
        if len(pickles) != 1:
            raise ValueError(f"expected one data.pkl in the archive, found {len(pickles)}")
        packed = [name for name, info in members.items() if info.compress_type != zipfile.ZIP_STORED]
        if packed:
            raise ValueError(f"{len(packed)} of its parts are compressed, which PyTorch does not do ({packed[0]})")
        if members[pickles[0]].file_size > _MAX_PICKLE_BYTES:
            raise ValueError(f"its names and shapes have {members[pickles[0]].file_size:,} bytes")
        root = pickles[0].removesuffix("data.pkl")
        order = archive.read(f"{root}byteorder") if f"{root}byteorder" in members else b"little"
        if order != b"little":
            raise ValueError("its numbers are big-endian")
        with archive.open(pickles[0]) as file:
            data = read_data(file)
    sizes = {name.removeprefix(f"{root}data/"): info.file_size for name, info in members.items()}

    def read(key: str, size: int) -> bytes:
        with zipfile.ZipFile(path) as archive, archive.open(f"{root}data/{key}") as part:
            return part.read(size)

    return _tensors(data, sizes, read)


def _read_older(path: Path, file: IO[bytes]) -> dict[str, Tensor]:
    if read_data(file) != _MAGIC:
        raise ValueError("it does not begin as a file of PyTorch")
    read_data(file), read_data(file)  # version and machine
    data = read_data(file)
    keys = read_data(file)
    end = path.stat().st_size
    dtypes = {key: dtype for key, dtype, _ in map(_storage_of, _walk(data))}
    sizes, places = {}, {}
    for key in keys:
        (count,) = struct.unpack("<q", file.read(8))
        if key not in dtypes:
            raise ValueError(f"no tensor has the storage {key}")
        sizes[key], places[key] = count * item_size(dtypes[key]), file.tell()
        if count < 0 or places[key] + sizes[key] > end:
            raise ValueError("it ends too early")
        file.seek(sizes[key], 1)

    def read(key: str, size: int) -> bytes:
        with open(path, "rb") as again:
            again.seek(places[key])
            return again.read(size)

    return _tensors(data, sizes, read)


def _walk(data: Any) -> list[StoredTensor]:
    """Return the tensors in dicts and lists, each container once."""
    found, todo, seen = [], [data], set()
    while todo:
        each = todo.pop()
        if isinstance(each, StoredTensor):
            found.append(each)
        elif isinstance(each, dict | list | tuple) and id(each) not in seen:
            seen.add(id(each))
            todo += each.values() if isinstance(each, dict) else each
    return found


def _storage_of(tensor: StoredTensor) -> tuple[str, str, int]:
    """Return key, type and number of values of a tensor's storage."""
    storage = tensor.storage
    if not isinstance(storage, tuple) or len(storage) < 5 or storage[0] != "storage":
        raise ValueError("a tensor has no storage")
    kind = storage[1].name.partition(" ")[2] if isinstance(storage[1], Global) else ""
    if kind not in _STORAGES:
        raise ValueError(f"tensors of the type {kind or storage[1]!r:.40} are not read")
    key, count = storage[2], storage[4]
    if not isinstance(key, str) or not isinstance(count, int) or count < 0:
        raise ValueError("a storage has no name or no size")
    return key, _STORAGES[kind], count


def _state(data: Any) -> dict[str, StoredTensor]:
    """Return the dict of tensors: the file's own, or the one of a usual name in it."""
    if not isinstance(data, dict):
        raise ValueError("it holds no dict of tensors")
    for part in (data, *(data[name] for name in _NESTED if isinstance(data.get(name), dict))):
        found = {str(name): value for name, value in part.items() if isinstance(value, StoredTensor)}
        if found:
            every = all(name.startswith("module.") for name in found)  # of DataParallel
            return {name.removeprefix("module.") if every else name: value for name, value in found.items()}
    raise ValueError("it holds no dict of tensors")


def _tensors(data: Any, sizes: dict[str, int], read: Read) -> dict[str, Tensor]:
    return {name: _tensor(name, tensor, sizes, read) for name, tensor in _state(data).items()}


def _tensor(name: str, tensor: StoredTensor, sizes: dict[str, int], read: Read) -> Tensor:
    key, dtype, count = _storage_of(tensor)
    size = count * item_size(dtype)
    if sizes.get(key) != size:
        raise ValueError(f"tensor '{name}' needs {size:,} bytes, and the file has {sizes.get(key, 0):,}")
    steps = [(n - 1) * stride for n, stride in zip(tensor.shape, tensor.strides, strict=True)]
    if math.prod(tensor.shape) > count or (0 not in tensor.shape and tensor.offset + sum(steps) >= max(count, 1)):
        raise ValueError(f"tensor '{name}' reaches beyond its numbers")

    def values() -> np.ndarray:
        numbers = from_bytes(read(key, size), dtype)[tensor.offset :]
        strides = [stride * numbers.itemsize for stride in tensor.strides]
        return np.lib.stride_tricks.as_strided(numbers, tensor.shape, strides, writeable=False)

    return Tensor(tensor.shape, dtype, values)
