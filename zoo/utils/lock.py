"""A lock on a file that the system releases when its process ends, however it ends."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from zoo.errors import ZooError

_HELD = (errno.EWOULDBLOCK, errno.EACCES)


@contextmanager
def locked(path: str | Path, message: str) -> Iterator[None]:
    """Hold a lock file, which names its holder and is removed at the end.

    Processes on one machine, in containers too, and on machines that share a folder over NFS see each other's lock.
    Where the file system has no locks, only a holder that is alive on this machine is seen.

    Args:
        path: the file, which is created.
        message: beginning of the error where another process holds it; who, and since when, is added.

    Raises:
        ZooError: another process holds it, or the file cannot be written.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = _acquire(path)
    except OSError as error:
        raise ZooError(f"{path}: the lock file cannot be written ({error.strerror or error})") from error
    if file is None:
        raise ZooError(f"{message}: {_written(path) or 'it has not said which'}")
    with file:
        file.truncate(0)
        file.write(f"process {os.getpid()} on {socket.gethostname()} since {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC")
        file.flush()
        try:
            yield
        finally:
            path.unlink(missing_ok=True)  # while it is held: who has opened it sees that it is gone


def holder(path: str | Path) -> str | None:
    """Return which process holds a lock file, on which host and since when; None where none does."""
    path = Path(path)
    try:
        with open(path, "r+", encoding="utf-8") as file:
            return None if _lock(file, path) else _written(path) or "a process"
    except OSError:
        return None


def _acquire(path: Path) -> TextIO | None:
    """Return the locked file; None where another process holds it."""
    while True:
        file = open(path, "a+", encoding="utf-8")  # noqa: SIM115 - the caller closes it
        try:
            if not _lock(file, path):
                file.close()
                return None
            if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                return file
        except FileNotFoundError:
            pass  # the one that held it has removed it: another try, on a new file
        file.close()


def _lock(file: TextIO, path: Path) -> bool:
    """Lock an open file; return False where another process has it."""
    try:
        import fcntl
    except ImportError:  # not on Windows
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _HELD:
            return False
        return not _is_alive(_written(path))  # the file system has no locks
    return True


def _written(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def _is_alive(written: str) -> bool:
    """Return whether the process that a lock file names lives on this machine."""
    words = written.split()
    if len(words) < 4 or words[3] != socket.gethostname() or not words[1].isdigit():
        return False
    try:
        os.kill(int(words[1]), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
