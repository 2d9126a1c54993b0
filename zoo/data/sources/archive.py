"""npz files, read with care: what an archive says of itself is looked at before anything is unpacked."""

from __future__ import annotations

import hashlib
import shutil
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from zoo.errors import ZooError, listing, visible
from zoo.utils.cache import cached
from zoo.utils.files import check_regular

MAX_RESIDENT_BYTES = 1 << 30  # larger arrays are mapped from disk
MAX_UNPACKED_BYTES = 1 << 38  # of one array: 256 GiB
_MIN_FREE_BYTES = 1 << 30  # that stay free on the disk of the cache
_SUFFIX = ".npy"
_DAMAGED = (OSError, EOFError, ValueError, KeyError, RuntimeError, NotImplementedError, zipfile.BadZipFile, zlib.error)


@dataclass(frozen=True, kw_only=True)
class Member:
    """An array of an archive, not yet unpacked."""

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """Bytes of the array."""
        count = 1
        for length in self.shape:
            count *= length
        return count * self.dtype.itemsize


class Archive:
    """The arrays of an npz file.

    Attributes:
        path: the file.
        names: of its arrays, in the order of the file.

    Raises:
        ZooError: it is no regular file, is not readable as an archive, or names an array twice.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            check_regular(path)
            with zipfile.ZipFile(path) as archive:
                names = archive.namelist()
        except OSError as error:
            raise ZooError(f"{path}: not readable as an npz file ({error.strerror or error})") from error
        except _DAMAGED as error:
            raise ZooError(f"{path}: not readable as an npz file ({error})") from error
        self.names = [name.removesuffix(_SUFFIX) for name in names if name.endswith(_SUFFIX)]
        twice = sorted({visible(name) for name in self.names if self.names.count(name) > 1})
        if twice:
            raise ZooError(f"{path}: arrays named twice: {listing(twice)}")

    def look_at(self, name: str) -> Member:
        """Return what an array is, from its header.

        Raises:
            ZooError: the array is not readable, holds Python objects, or has another size than its header says.
        """
        try:
            with zipfile.ZipFile(self.path) as archive, archive.open(name + _SUFFIX) as file:
                stored = archive.getinfo(name + _SUFFIX).file_size
                shape, _, dtype = _read_header(file)
                member = Member(name=name, dtype=dtype, shape=shape)
                size = stored - file.tell()
        except _DAMAGED as error:
            raise self._unreadable(name, error) from error
        if dtype.hasobject:
            raise self._unreadable(name, "it holds Python objects, which are not unpacked; save it as numbers or text")
        if member.size != size:
            raise self._unreadable(name, f"its header speaks of {member.size:,} bytes, and it has {size:,}")
        return member

    def read(self, name: str) -> np.ndarray:
        """Return an array: in memory, or mapped from the cache's folder where it is large.

        Raises:
            ZooError: see `look_at`; or it is damaged, or unpacked larger than fits on the disk.
        """
        member = self.look_at(name)
        if member.size > MAX_UNPACKED_BYTES:
            raise self._too_large(member, MAX_UNPACKED_BYTES, "and at most {:,} are")
        try:
            if member.size <= MAX_RESIDENT_BYTES:
                return self._load(name)
            state = self.path.stat()
            identity = f"{self.path.resolve()} {state.st_size} {state.st_mtime_ns} {name}"  # a name may hold slashes
            key = f"arrays/{self.path.stem}-{hashlib.sha256(identity.encode()).hexdigest()[:16]}"

            def extract(folder: Path) -> None:
                free = shutil.disk_usage(folder).free - _MIN_FREE_BYTES
                if member.size > free:
                    raise self._too_large(member, free, "and the disk of the cache has room for {:,}")
                with (
                    zipfile.ZipFile(self.path) as archive,
                    archive.open(name + _SUFFIX) as source,
                    open(folder / "array.npy", "wb") as target,
                ):
                    shutil.copyfileobj(source, target, 1 << 24)

            return np.load(cached(key, extract) / "array.npy", mmap_mode="r", allow_pickle=False)
        except _DAMAGED as error:
            raise self._unreadable(name, error) from error

    def read_all(self, limit: int) -> dict[str, np.ndarray]:
        """Return all arrays, in memory.

        Args:
            limit: bytes that they have together at most.

        Raises:
            ZooError: see `look_at`; or they are larger than `limit`.
        """
        total = sum(self.look_at(name).size for name in self.names)
        if total > limit:
            raise ZooError(f"{self.path}: the arrays have {total:,} bytes unpacked, and at most {limit:,} are read")
        return {name: self.read(name) for name in self.names}

    def _load(self, name: str) -> np.ndarray:
        with zipfile.ZipFile(self.path) as archive, archive.open(name + _SUFFIX) as file:
            return np.lib.format.read_array(file, allow_pickle=False)

    def _unreadable(self, name: str, reason: object) -> ZooError:
        return ZooError(f"{self.path}: array '{visible(name)}' is not readable ({reason})")

    def _too_large(self, member: Member, limit: int, text: str) -> ZooError:
        return self._unreadable(member.name, f"it has {member.size:,} bytes unpacked, {text.format(max(0, limit))}")


def _read_header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Return shape, order and type of an array; the file is then at its first value."""
    version = np.lib.format.read_magic(file)
    readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    if version not in readers:
        raise ValueError(f"version {version[0]}.{version[1]} of the npy format is not read")
    return readers[version](file)
