"""One finding of the audit, as it stands in `data.json`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from zoo.data.notes import Note
from zoo.recipe.findings import FINDINGS, SEVERITIES, Severity

MAX_EVIDENCE = 20  # rows, files or columns that a finding lists; its count has them all


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What was found.

    Attributes:
        name: one of `FINDINGS`.
        severity: an error makes the metrics of the test untrue, and stops the training unless the recipe accepts it.
        count: of examples, columns or files.
        message: a sentence for a reader of the results.
        evidence: the first rows, files or columns, as plain data.
        remedy: a line of a recipe, or what else to do; "" where there is nothing to do.
    """

    name: str
    severity: Severity
    count: int
    message: str
    evidence: tuple[Any, ...] = ()
    remedy: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the finding as plain data."""
        return asdict(self) | {"evidence": list(self.evidence)}


def found(
    name: str,
    message: str,
    *,
    count: int = 1,
    evidence: Sequence[Any] = (),
    severity: Severity | None = None,
    remedy: str | None = None,
) -> Finding:
    """Return a finding: as severe as its kind can be, and with its usual remedy, where nothing else is said."""
    kind = FINDINGS[name]
    severity = severity or kind.severity
    if SEVERITIES.index(severity) < SEVERITIES.index(kind.severity):
        raise ValueError(f"{name} is at most a {kind.severity}")
    return Finding(
        name=name,
        severity=severity,
        count=int(count),
        message=message,
        evidence=tuple(_plain(each) for each in evidence[:MAX_EVIDENCE]),
        remedy=kind.remedy if remedy is None else remedy,
    )


def as_findings(notes: Iterable[str | Mapping[str, Any]]) -> list[Finding]:
    """Return notes of loading, or what an older run kept, as findings."""
    return [_of_json(note) if isinstance(note, Mapping) else _of_note(note) for note in notes]


def by_severity(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings, the worst first."""
    return sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity))


def to_json(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    """Return findings as they stand in `data.json`, the worst first."""
    return [finding.to_json() for finding in by_severity(findings)]


def _of_json(facts: Mapping[str, Any]) -> Finding:
    return Finding(**{**facts, "evidence": tuple(facts["evidence"])})


def _of_note(note: str) -> Finding:
    if not isinstance(note, Note):
        return found("source_note", str(note))
    return found(
        note.finding,
        str(note),
        count=note.affected,
        evidence=note.evidence,
        severity=note.severity,
        remedy=note.remedy if note.severity != "note" else note.remedy or "",
    )


def _plain(value: Any) -> Any:
    """Return a value that JSON takes; a number that is none becomes text."""
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [_plain(each) for each in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return float(f"{value:.6g}") if np.isfinite(value) else str(value)
    return value if isinstance(value, str | int | bool) or value is None else str(value)
