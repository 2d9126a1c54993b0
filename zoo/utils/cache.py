"""The cache folder, which can be deleted at any time: prepared and decoded data sets, baselines, classifiers.

An entry is a folder with a list of its files, sizes and checksums; one that does not fit its list is made again.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Callable
from pathlib import Path

from zoo.backend.startup import cache_root
from zoo.errors import ZooError

_LIST = "files.zoo.json"  # of an entry: path to size and checksum
_MAX_HASHED = 1 << 28  # bytes of a file, from each end, that the checksum covers: a quarter of a second
_CHUNK = 1 << 20


def cached(key: str, make: Callable[[Path], None]) -> Path:
    """Return the cache's folder for `key`, which `make(folder)` fills, completely or not at all.

    It is filled where there is none, or where files of it are missing, cut or changed. Several processes may do so at a
    time: the first to end is kept, and what another has open stays readable.

    Raises:
        ZooError: the cache folder cannot be written.
    """
    folder = cache_root() / key
    if not _is_whole(folder):
        temporary = _beside(folder)
        try:
            temporary.mkdir(parents=True)
        except OSError as error:
            raise _not_writable(folder, error) from error
        try:
            make(temporary)
            (temporary / _LIST).write_text(json.dumps(_files(temporary)), encoding="utf-8")
            _put(temporary, folder)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise _not_writable(folder, error) from error
            raise
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    return folder


def _not_writable(folder: Path, error: OSError) -> ZooError:
    return ZooError(
        f"{folder.parent}: the cache cannot be written ({error.strerror or error}); make room, or name another folder "
        "in the environment variable ZOO_CACHE"
    )


def _beside(folder: Path) -> Path:
    return folder.with_name(f".{uuid.uuid4().hex[:8]}.{folder.name}")


def _put(temporary: Path, folder: Path) -> None:
    """Move a new entry to its place, unless another process has put a whole one there meanwhile."""
    while True:
        try:
            temporary.rename(folder)
            return
        except OSError:
            if not folder.exists():
                raise
        if _is_whole(folder):
            return
        damaged = _beside(folder)
        try:
            folder.rename(damaged)
        except FileNotFoundError:
            continue  # another process has moved it
        _remove(damaged)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _is_whole(folder: Path) -> bool:
    """Return whether an entry has all its files as they were written; older entries have no list."""
    try:
        listed = json.loads((folder / _LIST).read_text(encoding="utf-8"))
        return isinstance(listed, dict) and all(_fact(folder / name) == fact for name, fact in listed.items())
    except (OSError, ValueError):
        return False


def _files(folder: Path) -> dict[str, list[int | str]]:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): _fact(path) for path in paths}


def _fact(path: Path) -> list[int | str]:
    """Return size and checksum of a file, of which the middle is left out where it is large."""
    digest = hashlib.blake2b(digest_size=16)
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        for start in sorted({0, max(0, size - _MAX_HASHED)}):
            file.seek(start)
            left = min(size, _MAX_HASHED)
            while left > 0 and (part := file.read(min(_CHUNK, left))):
                digest.update(part)
                left -= len(part)
    return [size, digest.hexdigest()]
