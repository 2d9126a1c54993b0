"""From the bytes of a table file to its text."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from zoo.data.tables.reading import Reading
from zoo.errors import ZooError
from zoo.utils.files import read_regular

_BYTE_ORDER_MARKS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
MAX_TABLE_BYTES = 1 << 32  # of a file, whose rows are held as text


def decode_file(path: Path, reading: Reading, notes: list[str]) -> tuple[str, str]:
    """Return the text of a file, and its encoding.

    Raises:
        ZooError: it is not readable, too large, or in another encoding.
    """
    try:
        content = read_regular(path, MAX_TABLE_BYTES)
    except OSError as error:
        raise ZooError(f"{path}: not readable as a table ({error.strerror or error})") from error
    encoding = reading.encoding
    marked = _BYTE_ORDER_MARKS.get(content[:2])
    if encoding is None and marked is not None and len(content) % 2 == 0:
        encoding = marked
        notes.append(f"the file is read as {marked}, as its first two bytes say")
    used = encoding or "utf-8-sig"
    try:
        return content.decode(used), encoding or "utf-8"
    except UnicodeDecodeError as error:
        if encoding is None and reading.other_encoding is not None:
            return decode_file(path, replace(reading, encoding=reading.other_encoding), notes)
        line = content[: error.start].count(b"\n") + 1
        raise ZooError(
            f"{path}: not readable as a table (line {line}: the byte 0x{content[error.start]:02x} is no "
            f"{encoding or 'UTF-8'}); name the file's encoding, for example data.encoding: latin-1 or cp1252"
        ) from error
    except LookupError as error:
        raise ZooError(f"data.encoding: unknown encoding '{encoding}'") from error
