"""The cache folder, which can be deleted at any time: prepared and decoded data sets."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable
from pathlib import Path

from zoo.backend.startup import cache_root


def cached(key: str, make: Callable[[Path], None]) -> Path:
    """Return the cache's folder for `key`, which `make(folder)` fills the first time, completely or not at all."""
    folder = cache_root() / key
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
