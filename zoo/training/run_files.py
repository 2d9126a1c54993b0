"""Reading the JSON files of a run: what each has to hold, and what to do where one is damaged."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from zoo.errors import ZooError, visible
from zoo.utils.files import check_regular, read_json

TRAINING = "training.json"  # what training gave; it says that model and metrics are whole
_SHOWN_CHARACTERS = 40  # of a wrong value


class _Form(BaseModel):
    """What is read of a file; it may hold more."""

    model_config = ConfigDict(extra="allow", strict=True)


class _Request(_Form):
    export: bool = True


class _Environment(_Form):
    recipe: str
    versions: dict[str, str]
    hardware: str | dict[str, Any]
    asked: _Request = _Request()
    id: str | None = None  # older runs have none, nor a checksum
    recipe_sha256: str | None = None


class _Data(_Form):
    fingerprint: str


class _Training(_Form):
    kept_epoch: int
    seconds: float
    model_sha256: str | None = None  # older runs have none
    metrics_sha256: str | None = None


class _Source(_Form):
    source: str
    fingerprint: str
    splits: dict[str, int]
    findings: list[str | dict[str, Any]]  # of older runs they are sentences


class Edit(_Form):
    """An edit of the recipe that a report proposes."""

    overrides: list[str]
    reason: str

    def __str__(self) -> str:
        return f"{' '.join(self.overrides)}: {self.reason}"


class _Diagnosis(_Form):
    best_epoch: int | None = None
    edits: list[Edit] = []  # older runs have none


class _Threshold(_Form):
    threshold: float


class _Report(_Form):
    recipe: str
    task: str
    model: str
    metrics: dict[str, dict[str, float | None]]
    intervals: dict[str, dict[str, list[float] | None]]
    verdict: str
    diagnosis: _Diagnosis
    history: list[dict[str, float | None]]
    data: _Source
    seed: int
    seconds: float
    parameters: int
    versions: dict[str, str]
    threshold: _Threshold | None = None


_RESTORE = "put back the file that `zoo train` wrote, or train again"
_FORMS: dict[str, tuple[type[_Form], str]] = {  # name of the file: what it holds, and what to do where it is damaged
    "environment.json": (_Environment, _RESTORE),
    "data.json": (_Data, _RESTORE),
    TRAINING: (_Training, _RESTORE),
    "report.json": (_Report, "`zoo report RUN` writes it anew"),
}


def read_run_file(path: Path) -> dict[str, Any]:
    """Read one of the JSON files of a run, and check what is used of it.

    Raises:
        ZooError: it is missing, damaged, or a value that is used is missing or of a wrong type.
    """
    form, remedy = _FORMS[path.name]
    try:
        found = read_json(path)
    except ZooError as error:
        raise ZooError(f"{error}; {remedy}") from error
    if not isinstance(found, dict):
        raise ZooError(f"{path}: damaged: expected entries by name, received {_shown(found)}; {remedy}")
    try:
        form.model_validate(found)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        problem = (
            "it is missing" if first["type"] == "missing" else f"{first['msg']}, received {_shown(first['input'])}"
        )
        raise ZooError(f"{path}: damaged at {visible(key)}: {problem}; {remedy}") from error
    return found


def read_edits(folder: Path) -> list[Edit]:
    """Return the edits that the report of a run proposes.

    Raises:
        ZooError: the run has no report, or it is damaged.
    """
    return _Report.model_validate(read_run_file(folder / "report.json")).diagnosis.edits


def check_unchanged(path: Path, key: str) -> None:
    """Check that a file is the one that the run's training wrote, where `training.json` says which that is.

    Args:
        path: the file, in the run folder.
        key: entry of `training.json` that holds its SHA-256; older runs have none.

    Raises:
        ZooError: it has changed or is not readable, or `training.json` is damaged.
    """
    trained = path.with_name(TRAINING)
    known = read_run_file(trained).get(key) if trained.is_file() else None
    if known is not None and known != checksum(path):
        raise ZooError(
            f"{path}: not the file that this run's training wrote: its SHA-256 is not the one in {TRAINING}, so it was "
            f"changed or damaged. Put it back, or remove {TRAINING} and train on from the last checkpoint with "
            f"zoo train --resume {path.parent}"
        )


def checksum(path: Path) -> str:
    """Return the SHA-256 of a file.

    Raises:
        ZooError: it is not readable.
    """
    try:
        check_regular(path)
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ZooError(f"{path}: not readable ({error.strerror or error})") from error


def _shown(value: Any) -> str:
    text = visible(repr(value))
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"
