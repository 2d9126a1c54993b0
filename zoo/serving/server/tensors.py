"""Tensors of the Open Inference Protocol, in JSON and in bytes, and the arrays that they are."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np

from zoo.errors import ZooError
from zoo.serving.values import Shape, shown

DTYPES: dict[str, np.dtype[Any]] = {  # by the protocol's name of the type
    "BOOL": np.dtype(bool),
    **{f"UINT{bits}": np.dtype(f"<u{bits // 8}") for bits in (8, 16, 32, 64)},
    **{f"INT{bits}": np.dtype(f"<i{bits // 8}") for bits in (8, 16, 32, 64)},
    **{f"FP{bits}": np.dtype(f"<f{bits // 8}") for bits in (16, 32, 64)},
    "BYTES": np.dtype(object),
}
_OF_ONNX = {  # onnxruntime's name of the type: the protocol's
    "tensor(bool)": "BOOL",
    **{f"tensor(uint{bits})": f"UINT{bits}" for bits in (8, 16, 32, 64)},
    **{f"tensor(int{bits})": f"INT{bits}" for bits in (8, 16, 32, 64)},
    "tensor(float16)": "FP16",
    "tensor(float)": "FP32",
    "tensor(double)": "FP64",
    "tensor(string)": "BYTES",
}
_LENGTH = struct.Struct("<I")  # before each element of BYTES


@dataclass(frozen=True, kw_only=True)
class TensorSpec:
    """What a file says of an input or output.

    Attributes:
        name: in the file.
        datatype: the protocol's name of its type.
        shape: with the axis of the examples; None where an axis varies.
    """

    name: str
    datatype: str
    shape: Shape

    def facts(self) -> dict[str, Any]:
        """Return the same as the protocol's metadata, which say -1 where an axis varies."""
        return {
            "name": self.name,
            "datatype": self.datatype,
            "shape": [-1 if size is None else size for size in self.shape],
        }


def spec_of(node: Any) -> TensorSpec:
    """Return what onnxruntime says of an input or output."""
    shape = tuple(size if isinstance(size, int) else None for size in node.shape)
    return TensorSpec(name=node.name, datatype=_OF_ONNX[node.type], shape=shape)


# === From requests ===


def from_json(data: Any, datatype: str, where: str) -> np.ndarray:
    """Return the elements of a tensor, nested or flat, as a flat array.

    Raises:
        ZooError: they are no such tensor: of another type, out of range, of rows of unequal length.
    """
    if not isinstance(data, list):
        raise ZooError(f"{where}: expected 'data' as a list, received {shown(data)}")
    if datatype == "BYTES":
        return _texts(data, where)
    try:
        array = np.asarray(data)
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise ZooError(f"{where}: 'data' makes no tensor ({error})") from error
    if not array.size:
        return np.zeros(0, DTYPES[datatype])
    return _narrowed(array.ravel(), datatype, where)


def _texts(data: list[Any], where: str) -> np.ndarray:
    try:
        array = np.array(data, dtype=object).ravel()
    except (ValueError, RecursionError) as error:
        raise ZooError(f"{where}: 'data' makes no tensor ({error})") from error
    wrong = [each for each in array if not isinstance(each, str)]
    if wrong:
        raise ZooError(f"{where}: expected texts (BYTES), received {shown(wrong[0])} ({len(wrong)} such)")
    return array


def _narrowed(array: np.ndarray, datatype: str, where: str) -> np.ndarray:
    """Return numbers of a type; None is a gap, NaN, where the type has one."""
    dtype = DTYPES[datatype]
    if array.dtype == object and dtype.kind == "f":
        wrong = [v for v in array if v is not None and (isinstance(v, bool) or not isinstance(v, int | float))]
        if wrong:
            raise ZooError(f"{where}: expected {datatype}, received {shown(wrong[0])} ({len(wrong)} such)")
        try:
            array = np.array([np.nan if v is None else v for v in array], np.float64)
        except OverflowError as error:
            raise ZooError(f"{where}: a number is too large for {datatype}") from error
    allowed = {"b": "b", "i": "iu", "u": "iu", "f": "iuf"}[dtype.kind]
    if array.dtype.kind not in allowed:
        raise ZooError(f"{where}: expected {datatype}, received {shown(array.tolist()[0])}")
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        wrong = array[(array < limits.min) | (array > limits.max)].tolist()
        if wrong:
            raise ZooError(
                f"{where}: {datatype} holds {limits.min} to {limits.max}, received {wrong[0]} ({len(wrong)} such)"
            )
    with np.errstate(over="ignore"):
        return array.astype(dtype)


def from_bytes(content: memoryview, datatype: str, where: str) -> np.ndarray:
    """Return the elements of a tensor in the binary extension's form, little endian, as a flat array.

    Raises:
        ZooError: the bytes are no whole number of elements, or texts are not UTF-8.
    """
    if datatype == "BYTES":
        return _unpack_texts(content, where)
    dtype = DTYPES[datatype]
    if len(content) % dtype.itemsize:
        raise ZooError(f"{where}: {len(content)} bytes are no whole number of {datatype}, {dtype.itemsize} bytes each")
    if datatype == "BOOL" and max(content, default=0) > 1:
        raise ZooError(f"{where}: a byte of BOOL is 0 or 1, received {max(content)}")
    return np.frombuffer(content, dtype)


def _unpack_texts(content: memoryview, where: str) -> np.ndarray:
    texts: list[str] = []
    at = 0
    while at < len(content):
        end = at + _LENGTH.size
        length = _LENGTH.unpack(content[at:end])[0] if end <= len(content) else len(content)
        if end + length > len(content):
            raise ZooError(
                f"{where}: the bytes end within text {len(texts) + 1}; each has its length in 4 bytes before"
            )
        try:
            texts.append(str(content[end : end + length], "utf-8"))
        except UnicodeDecodeError as error:
            raise ZooError(f"{where}: text {len(texts) + 1} is not UTF-8 ({error.reason})") from error
        at = end + length
    return np.array(texts, dtype=object)


# === To answers ===


def to_json(array: np.ndarray) -> list[Any]:
    """Return the elements in row-major order as plain data; null for a number that is not finite."""
    flat = array.ravel()
    if flat.dtype.kind == "f" and not np.isfinite(flat).all():
        return [value if np.isfinite(value) else None for value in flat.tolist()]
    return list(flat.tolist())


def to_bytes(array: np.ndarray, datatype: str) -> bytes:
    """Return the elements in the binary extension's form."""
    if datatype != "BYTES":
        return np.ascontiguousarray(array, DTYPES[datatype]).tobytes()
    texts = [str(text).encode() for text in array.ravel()]
    return b"".join(_LENGTH.pack(len(text)) + text for text in texts)
