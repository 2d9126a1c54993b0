"""An ONNX file before anything runs it: its metadata and the bytes of its graph, read without onnx or onnxruntime.

A damaged graph can abort the process that loads it, so its checksum is compared first.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from zoo.errors import ZooError

# Numbers of fields in onnx.proto; they are part of the format and never change.
_GRAPH, _METADATA = 7, 14  # of ModelProto
_KEY, _VALUE = 1, 2  # of StringStringEntryProto
_VARINT, _EIGHT_BYTES, _DELIMITED, _FOUR_BYTES = 0, 1, 2, 5  # wire types of protocol buffers
_FIXED_SIZES = {_EIGHT_BYTES: 8, _FOUR_BYTES: 4}  # bytes
_MAX_VARINT_BITS = 64


@dataclass(frozen=True, kw_only=True)
class OnnxFile:
    """What can be known of an ONNX file without loading it.

    Attributes:
        metadata: its entries.
        graph_sha256: SHA-256 of the serialized graph, weights included, metadata not.
    """

    metadata: dict[str, str]
    graph_sha256: str


def scan(content: bytes, where: str | Path) -> OnnxFile:
    """Return the metadata of an ONNX file and the checksum of its graph.

    Raises:
        ZooError: the content is no ONNX model, or is cut short.
    """
    metadata: dict[str, str] = {}
    graphs: list[memoryview] = []
    try:
        for number, value in _fields(memoryview(content)):
            if number == _GRAPH:
                graphs.append(value)
            elif number == _METADATA:
                entry = {key: bytes(text).decode("utf-8") for key, text in _fields(value)}
                metadata[entry[_KEY]] = entry.get(_VALUE, "")
    except (ValueError, KeyError) as error:
        reason = str(error) if type(error) is ValueError else "its metadata are damaged"
        raise ZooError(f"{where}: not readable as an ONNX model ({reason})") from error
    if len(graphs) != 1:
        raise ZooError(f"{where}: not readable as an ONNX model (expected one graph, found {len(graphs)})")
    return OnnxFile(metadata=metadata, graph_sha256=hashlib.sha256(graphs[0]).hexdigest())


def _fields(message: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Yield the number and content of each delimited field of a message; others are skipped."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        number, kind = tag >> 3, tag & 7
        if number == 0 or kind not in (_VARINT, _DELIMITED, *_FIXED_SIZES):
            raise ValueError("its bytes are no protocol buffer")
        if kind == _VARINT:
            _, at = _varint(message, at)
            continue
        length = _FIXED_SIZES.get(kind, 0)
        if kind == _DELIMITED:
            length, at = _varint(message, at)
        if at + length > len(message):
            raise ValueError("it is cut short")
        if kind == _DELIMITED:
            yield number, message[at : at + length]
        at += length


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    """Return a whole number of variable length and the place behind it."""
    value = 0
    for shift in range(0, _MAX_VARINT_BITS, 7):
        if at >= len(message):
            raise ValueError("it is cut short")
        byte = message[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
    raise ValueError("its bytes are no protocol buffer")
