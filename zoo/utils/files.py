"""Files that are complete or absent: written under a temporary name, flushed to disk, then renamed."""

from __future__ import annotations

import errno
import json
import os
import re
import stat
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from zoo.errors import ZooError

_TEMPORARY = re.compile(r"\.(?:[0-9a-f]{8}\.|[0-9a-f]{32}\.npz$)")  # names that `replacing` and checkpoints give
MAX_WHOLE_BYTES = 1 << 30  # of a file that is read at once: texts, encoded images, JSON

_KINDS = (  # what a path can be beside a regular file
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISSOCK, "a socket"),
)


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`, which replaces `path` on success and is removed on failure.

    The temporary name keeps the suffixes of `path`, because some writers choose the format by them.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{uuid.uuid4().hex[:8]}.{path.name}")
    try:
        yield temporary
        with open(temporary, "rb") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def clear_leftovers(folder: str | Path) -> None:
    """Remove the temporary files that killed processes have left in a folder and below it."""
    for path in Path(folder).rglob(".*"):
        if _TEMPORARY.match(path.name) and path.is_file():
            path.unlink(missing_ok=True)


def check_regular(path: str | Path) -> os.stat_result:
    """Return the state of a regular file, or of the one that a link leads to.

    Opening a pipe or a device could wait for ever, or never end.

    Raises:
        OSError: nothing is there, a link leads nowhere or in a circle, or it is no regular file. `strerror` says which.
    """
    path = Path(path)
    try:
        found = path.stat()
    except FileNotFoundError as error:
        if path.is_symlink():
            raise OSError(errno.ENOENT, f"a link to '{path.readlink()}', which does not exist", str(path)) from error
        raise
    _refuse_irregular(found, path)
    return found


def read_regular(path: str | Path, limit: int = MAX_WHOLE_BYTES) -> bytes:
    """Return the content of a regular file.

    Args:
        path: the file.
        limit: bytes of the largest file that is read.

    Raises:
        OSError: see `check_regular`; or the file is not readable, or larger than the limit.
    """
    check_regular(path)
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))  # it may have become a pipe meanwhile
    with open(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        _refuse_irregular(found, path)
        if found.st_size > limit:
            raise OSError(errno.EFBIG, f"{found.st_size:,} bytes, and at most {limit:,} are read", str(path))
        return file.read(limit)


def _refuse_irregular(found: os.stat_result, path: str | Path) -> None:
    if not stat.S_ISREG(found.st_mode):
        kind = next((name for is_kind, name in _KINDS if is_kind(found.st_mode)), "no regular file")
        raise OSError(errno.EINVAL, f"{kind}, not a file", str(path))


def write_text(path: str | Path, text: str) -> None:
    """Write `text` as UTF-8, completely or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: str | Path, value: Any) -> None:
    """Write `value` as indented JSON without NaN or infinity, completely or not at all."""
    write_text(path, json.dumps(value, indent=2, allow_nan=False, ensure_ascii=False) + "\n")


def read_json(path: str | Path) -> Any:
    """Read a JSON file.

    Raises:
        ZooError: the file is missing, unreadable or not JSON.
    """
    try:
        return json.loads(read_regular(path).decode("utf-8"))
    except (OSError, ValueError) as error:
        raise ZooError(f"{path}: not readable as JSON ({error})") from error
