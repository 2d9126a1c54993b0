"""What the audit found in the data, as the diagnosis reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One finding.

    Attributes:
        name: what it is called, such as `leaked_examples`; "" where it is a sentence alone, as in older runs.
        severity: error, warning or note.
        count: how many examples or columns it is about.
        message: a sentence.
        remedy: a line of the recipe, as `key.path=value` or YAML; "" where there is none.
    """

    name: str = ""
    severity: str = "note"
    count: int = 0
    message: str = ""
    remedy: str = ""


def read_findings(found: Sequence[Any]) -> list[Finding]:
    """Return findings from the `findings` of `data.json`, which are mappings or, in older runs, sentences."""
    return [_read(each) for each in found]


def _read(found: Any) -> Finding:
    if not isinstance(found, Mapping):
        return Finding(message=str(found))
    return Finding(
        name=str(found.get("name") or ""),
        severity=str(found.get("severity") or "note"),
        count=int(found.get("count") or 0),
        message=str(found.get("message") or ""),
        remedy=str(found.get("remedy") or ""),
    )
