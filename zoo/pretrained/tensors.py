"""Tensors of a file, known by name, shape and type before any is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

FLOATS = ("float32", "float16", "float64", "bfloat16")  # types that weights have


@dataclass(frozen=True)
class Tensor:
    """One tensor of a file.

    Attributes:
        shape: its shape.
        dtype: its type, by NumPy's name, or "bfloat16".
        read: reads it, as float32 where it is of `FLOATS`.
    """

    shape: tuple[int, ...]
    dtype: str
    read: Callable[[], np.ndarray]


Tensors = Mapping[str, Tensor]


def from_bytes(content: bytes | memoryview, dtype: str) -> np.ndarray:
    """Return the numbers that little-endian bytes hold, floats as float32."""
    if dtype == "bfloat16":
        halves = np.frombuffer(content, "<u2").astype(np.uint32)
        return (halves << 16).view(np.float32)
    values = np.frombuffer(content, np.dtype(dtype).newbyteorder("<"))
    return values.astype(np.float32) if dtype in FLOATS else values


def item_size(dtype: str) -> int:
    """Return the bytes of a number."""
    return 2 if dtype == "bfloat16" else np.dtype(dtype).itemsize
