"""The bytes of an exported file, compared with its certificate where it has one beside it."""

from __future__ import annotations

from pathlib import Path

from zoo.errors import ZooError
from zoo.serving.certificate import check_certificate
from zoo.utils.files import read_regular

MAX_FILE_BYTES = 2 << 30  # what a protocol buffer can hold
_IN_MEMORY = Path("model of bytes")  # what messages call a file that was given as bytes


def read_model(model: str | Path | bytes | bytearray | memoryview, *, verify: bool) -> tuple[Path, bytes]:
    """Return where a model is, for messages, and its content.

    Args:
        model: a file, or its content.
        verify: compare a file with the certificate beside it; bytes have none.

    Raises:
        ZooError: the file is missing, not readable, or not the certified one.
    """
    if isinstance(model, bytes | bytearray | memoryview):
        return _IN_MEMORY, bytes(model)
    path = Path(model)
    content = read_content(path)
    if verify:
        check_certificate(path, content)
    return path, content


def read_content(path: Path) -> bytes:
    """Return the content of a file.

    Raises:
        ZooError: it is missing or not readable.
    """
    if not path.exists():
        raise ZooError(f"model file {path} does not exist")
    try:
        return read_regular(path, MAX_FILE_BYTES)
    except OSError as error:
        raise ZooError(f"model file {path}: not readable ({error.strerror})") from error
