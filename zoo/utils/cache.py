"""The cache folder, which can be deleted at any time: prepared and decoded data sets."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Callable
from pathlib import Path


def cache_folder() -> Path:
    """Return the cache folder: `$ZOO_CACHE`, or `zoo` in the user's cache folder."""
    given = os.environ.get("ZOO_CACHE")
    if given:
        return Path(given).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache").expanduser() / "zoo"


def cached(key: str, make: Callable[[Path], None]) -> Path:
    """Return the cache's folder for `key`, which `make(folder)` fills the first time, completely or not at all."""
    folder = cache_folder() / key
    if not folder.is_dir():
        temporary = folder.with_name(f".{uuid.uuid4().hex[:8]}.{folder.name}")
        temporary.mkdir(parents=True)
        try:
            make(temporary)
            try:
                temporary.rename(folder)
            except OSError:
                if not folder.is_dir():  # otherwise another process was faster
                    raise
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    return folder
