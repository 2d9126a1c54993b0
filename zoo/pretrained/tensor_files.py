"""Files of tensors, each read by its own reader, after a look at what it says of itself."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from zoo.data.sources.archive import Archive
from zoo.errors import ZooError, listing
from zoo.pretrained.keras_file import read_h5, read_keras
from zoo.pretrained.pth_file import read_pth
from zoo.pretrained.tensors import FLOATS, Tensor, Tensors
from zoo.utils.files import check_regular

_DTYPES = {
    "F32": "float32",
    "F16": "float16",
    "BF16": "bfloat16",
    "F64": "float64",
    "I64": "int64",
    "I32": "int32",
    "I16": "int16",
    "I8": "int8",
    "U8": "uint8",
    "BOOL": "bool",
}
_DAMAGED = (OSError, EOFError, ValueError, KeyError, RuntimeError, TypeError, IndexError, NotImplementedError) + (
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)


def read_tensors(path: Path) -> Tensors:
    """Return the tensors of a file by name. None is read yet, and no code of the file runs.

    Args:
        path: `.safetensors`, `.pth`, `.pt` or `.bin` of PyTorch, `.npz`, or `.h5`, `.weights.h5` or `.keras` of Keras.

    Raises:
        ZooError: there is no such file, its kind is another, it is damaged, or it holds more than data.
    """
    suffix = path.suffix.lower()
    if suffix not in READERS:
        raise ZooError(f"{path}: expected a file of weights ({listing(READERS)}), received '{suffix or path.name}'")
    check_regular(path)
    try:
        tensors = READERS[suffix](path)
    except ZooError:
        raise
    except _DAMAGED as error:
        raise ZooError(
            f"{path}: not readable as weights in {suffix}: {error}; nothing of it was run or loaded"
        ) from error
    if not tensors:
        raise ZooError(f"{path}: the file holds no tensors")
    return tensors


def read_values(path: Path, name: str, tensor: Tensor) -> np.ndarray:
    """Read one tensor.

    Raises:
        ZooError: the file is damaged, or it holds a number that is not finite.
    """
    try:
        values = tensor.read()
    except _DAMAGED as error:
        raise ZooError(f"{path}: tensor '{name}' is not readable: {error}; nothing was loaded") from error
    if values.shape != tensor.shape:
        raise ZooError(f"{path}: tensor '{name}' has the shape {values.shape}, and its header says {tensor.shape}")
    if tensor.dtype in FLOATS and not np.isfinite(values).all():
        raise ZooError(f"{path}: tensor '{name}' holds numbers that are not finite; nothing was loaded")
    return values


def _safetensors(path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "numpy") as file:
            parts = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118
            facts = {name: (tuple(part.get_shape()), part.get_dtype()) for name, part in parts.items()}
    except SafetensorError as error:
        raise ValueError(str(error)) from error

    def reader(name: str) -> Callable[[], np.ndarray]:
        def read() -> np.ndarray:
            with safe_open(path, "numpy") as file:
                values = file.get_tensor(name)
            return values.astype(np.float32) if _DTYPES[facts[name][1]] in FLOATS else values

        return read

    return {name: Tensor(shape, _DTYPES[dtype], reader(name)) for name, (shape, dtype) in facts.items()}


def _npz(path: Path) -> dict[str, Tensor]:
    archive = Archive(path)

    def reader(name: str) -> Callable[[], np.ndarray]:
        def read() -> np.ndarray:
            values = archive.read(name)
            return values.astype(np.float32) if values.dtype.name in FLOATS else values

        return read

    members = {name: archive.look_at(name) for name in archive.names}
    return {name: Tensor(member.shape, member.dtype.name, reader(name)) for name, member in members.items()}


READERS: dict[str, Callable[[Path], dict[str, Any]]] = {
    ".safetensors": _safetensors,
    ".pth": read_pth,
    ".pt": read_pth,
    ".bin": read_pth,
    ".npz": _npz,
    ".h5": read_h5,
    ".hdf5": read_h5,
    ".keras": read_keras,
}
