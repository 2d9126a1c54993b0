"""The files that an interrupted run resumes from: `step-NNNNNNNNN-CHECKSUM.npz`, each whole or not there.

A file's name carries the number of steps that are done and the beginning of the SHA-256 of its bytes, so that one
rename makes file and checksum valid together, and a damaged file is told from a whole one.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import uuid
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from zoo.errors import ZooError
from zoo.utils.files import check_regular

_NAME = re.compile(r"step-(\d{9})-([0-9a-f]{16})\.npz")
_CHUNK = 1 << 20
_FACTS = "facts"


def write_state(folder: Path, step: int, facts: dict[str, Any], arrays: dict[str, np.ndarray], keep: int) -> Path:
    """Write what is known after a number of steps, then remove all but the newest files.

    Args:
        folder: where the files lie.
        step: training steps that are done.
        facts: plain data.
        arrays: the rest.
        keep: number of files that stay.

    Raises:
        ZooError: it cannot be written; the files that were there are as they were.
    """
    temporary = folder / f".{uuid.uuid4().hex}.npz"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with open(temporary, "wb") as file:
            np.savez(file, **{_FACTS: np.array(json.dumps(facts))}, **arrays)  # type: ignore[arg-type]
            file.flush()
            os.fsync(file.fileno())
        path = folder / f"step-{step:09}-{_checksum(temporary)}.npz"
        os.replace(temporary, path)
    except OSError as error:
        raise ZooError(
            f"{folder}: the checkpoint of step {step} cannot be written ({error.strerror or error}); "
            f"{_newest(folder)}. Make room, then resume with zoo train --resume"
        ) from error
    finally:
        temporary.unlink(missing_ok=True)
    for old in state_files(folder)[keep:]:
        old.unlink()
    return path


def read_state(path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return the facts and the arrays of a file.

    Raises:
        ZooError: it is damaged.
    """
    named = _NAME.fullmatch(path.name)
    try:
        if named is None or _checksum(path) != named[2]:
            raise ZooError(f"{path} is damaged: its bytes do not have the checksum in its name")
        with np.load(path, allow_pickle=False) as file:
            arrays = dict(file)
        return json.loads(str(arrays.pop(_FACTS))), arrays
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise ZooError(f"{path}: not readable as the state of a run ({error})") from error


def state_files(folder: Path) -> list[Path]:
    """Return the files of a folder, the newest first."""
    return sorted((p for p in folder.glob("step-*.npz") if _NAME.fullmatch(p.name)), reverse=True)


def clear_leftovers(folder: Path) -> None:
    """Remove temporary files that a killed run has left."""
    for leftover in folder.glob(".*"):
        leftover.unlink(missing_ok=True)


def _newest(folder: Path) -> str:
    files = state_files(folder)
    return f"the last one, {files[0].name}, is whole" if files else "there is none before it"


def _checksum(path: Path) -> str:
    check_regular(path)
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()[:16]
