"""An ONNX file before anything runs it: its metadata and the bytes of its graph, read without onnx or onnxruntime.

A damaged graph can abort the process that loads it, so its checksum is compared first.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from zoo.errors import ZooError

CHECKSUM_KEY = "zoo.sha256"  # entry of the metadata, from version 2 of them on

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
        sha256: SHA-256 of all of it but the entry `CHECKSUM_KEY`; the order of the metadata has no effect.
    """

    metadata: dict[str, str]
    sha256: str


def scan(content: bytes, where: str | Path) -> OnnxFile:
    """Return the metadata of an ONNX file and its checksum.

    Raises:
        ZooError: the content is no ONNX model, or is cut short.
    """
    metadata: dict[str, str] = {}
    digest, graphs = hashlib.sha256(), 0
    try:
        for number, value, written in _fields(memoryview(content)):
            if number != _METADATA:
                digest.update(written)
                graphs += number == _GRAPH
                continue
            entry = {key: bytes(text).decode("utf-8") for key, text, _ in _fields(value)}
            metadata[entry[_KEY]] = entry.get(_VALUE, "")
    except (ValueError, KeyError) as error:
        reason = str(error) if type(error) is ValueError else "its metadata are damaged"
        raise ZooError(f"{where}: not readable as an ONNX model ({reason})") from error
    if graphs != 1:
        raise ZooError(f"{where}: not readable as an ONNX model (expected one graph, found {graphs})")
    for key in sorted(metadata.keys() - {CHECKSUM_KEY}):
        digest.update(f"{key}\0{metadata[key]}\0".encode())
    return OnnxFile(metadata=metadata, sha256=digest.hexdigest())


def _fields(message: memoryview) -> Iterator[tuple[int, memoryview, memoryview]]:
    """Yield the number of each field, its content, which is empty where it is no text or message, and all its bytes."""
    at = 0
    while at < len(message):
        start = at
        tag, at = _varint(message, at)
        number, kind = tag >> 3, tag & 7
        if number == 0 or kind not in (_VARINT, _DELIMITED, *_FIXED_SIZES):
            raise ValueError("its bytes are no protocol buffer")
        if kind == _VARINT:
            _, at = _varint(message, at)
            yield number, message[at:at], message[start:at]
            continue
        length = _FIXED_SIZES.get(kind, 0)
        if kind == _DELIMITED:
            length, at = _varint(message, at)
        if at + length > len(message):
            raise ValueError("it is cut short")
        content = message[at : at + length] if kind == _DELIMITED else message[at:at]
        at += length
        yield number, content, message[start:at]


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
