"""The text of a `.ts` file, the format of aeon and sktime: a head of lines that begin with @, then a case a line."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from zoo.errors import ZooError, first_few
from zoo.utils.files import check_regular

SUFFIX = ".ts"
_MISSING = ("?", "nan", "NaN", "NAN", "")
_COMMENTS = ("#", "%")
_FLAGS = ("timestamps", "missing", "univariate", "equallength", "targetlabel", "classlabel")


@dataclass(frozen=True, kw_only=True)
class TsFile:
    """What a file holds.

    Attributes:
        values: of each case, `(steps, channels)`, NaN where a value is missing.
        labels: what ends each case; empty where the file says that there is nothing.
        classes: the labels are classes, which the file names; else numbers.
        named: names of the classes.
        names: of the cases, by their lines.
    """

    values: list[np.ndarray]
    labels: list[str]
    classes: bool
    named: tuple[str, ...]
    names: list[str]


def read_ts(path: Path) -> TsFile:
    """Read one file.

    Raises:
        ZooError: it is no such file, has time stamps, or lines do not fit what its head says; all lines are counted.
    """
    check_regular(path)
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ZooError(f"{path}: not readable as text ({error})") from error
    head, start = _head(path, lines)
    classes = head.get("classlabel", ["false"])[0].lower() == "true"
    labelled = classes or head.get("targetlabel", ["false"])[0].lower() == "true"
    named = tuple(head.get("classlabel", [])[1:])
    values: list[np.ndarray] = []
    labels: list[str] = []
    names: list[str] = []
    faults: list[str] = []
    for number, line in enumerate(lines[start:], start=start + 1):
        if not line.strip() or line.startswith(_COMMENTS):
            continue
        parts = line.strip().split(":")
        label = parts.pop().strip() if labelled else ""
        try:
            case = _case(parts)
            _check_label(label, classes=classes, labelled=labelled, named=named)
            if values and case.shape[1] != values[0].shape[1]:
                raise ValueError(f"has {case.shape[1]} channels, and the first case {values[0].shape[1]}")
        except ValueError as error:
            faults.append(f"line {number} {error}")
            continue
        values.append(case)
        labels += [label] if labelled else []
        names.append(f"line {number}")
    if faults:
        raise ZooError(
            f"{path}: {len(faults)} of {len(faults) + len(values)} cases cannot be read: {first_few(faults)}"
        )
    if not values:
        raise ZooError(f"{path}: no cases behind @data")
    _check_head(path, head, values)
    return TsFile(values=values, labels=labels, classes=classes, named=named, names=names)


def _head(path: Path, lines: list[str]) -> tuple[dict[str, list[str]], int]:
    """Return what the head says, by lower-case name, and the number of its lines."""
    head: dict[str, list[str]] = {}
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if not text or text.startswith(_COMMENTS):
            continue
        if not text.startswith("@"):
            raise ZooError(
                f"{path}: line {number}: expected a line that begins with @ before @data, found '{text:.40}'"
            )
        key, *rest = text[1:].split()
        if key.lower() == "data":
            if head.get("timestamps", ["false"])[0].lower() == "true":
                raise ZooError(
                    f"{path}: has time stamps (@timeStamps true), which are not read; write the values alone"
                )
            return head, number
        if key.lower() in _FLAGS and (not rest or rest[0].lower() not in ("true", "false")):
            raise ZooError(f"{path}: line {number}: @{key} has to be true or false, found '{' '.join(rest)}'")
        head[key.lower()] = rest
    raise ZooError(f"{path}: has no line @data, behind which the cases stand")


def _case(parts: list[str]) -> np.ndarray:
    channels = [
        np.array([np.nan if text.strip() in _MISSING else float(text) for text in part.split(",")]) for part in parts
    ]
    lengths = {len(channel) for channel in channels}
    if not channels or len(lengths) > 1:
        raise ValueError(f"has channels of {' and '.join(map(str, sorted(lengths)))} steps" if channels else "is empty")
    return np.stack(channels, axis=1)


def _check_label(label: str, *, classes: bool, labelled: bool, named: tuple[str, ...]) -> None:
    if not labelled:
        return
    if not label or label in _MISSING:
        raise ValueError("has no label")
    if classes and named and label not in named:
        raise ValueError(f"has the class '{label}', which @classLabel does not name")
    if not classes:
        float(label)


def _check_head(path: Path, head: dict[str, list[str]], values: list[np.ndarray]) -> None:
    """Compare the cases with what the head says of them."""
    lengths, channels = {len(case) for case in values}, values[0].shape[1]
    said = head.get("dimensions", head.get("dimension", [""]))[:1]
    faults = []
    if said and said[0].isdecimal() and int(said[0]) != channels:
        faults.append(f"@dimensions says {said[0]} channels, and the cases have {channels}")
    if head.get("univariate", [""])[:1] == ["true"] and channels > 1:
        faults.append(f"@univariate says one channel, and the cases have {channels}")
    if head.get("equallength", [""])[:1] == ["true"] and len(lengths) > 1:
        faults.append(f"@equalLength says one length, and the cases have {min(lengths)} to {max(lengths)} steps")
    if faults:
        raise ZooError(f"{path}: {'; '.join(faults)}")
