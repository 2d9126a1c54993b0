"""A note that says which finding of the audit it is (`zoo.recipe.findings`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zoo.recipe.findings import Severity


class Note(str):
    """A sentence on what loading did; a plain text is a `source_note`.

    Attributes:
        finding: name of the finding.
        severity: of this one.
        affected: how many rows, files or columns it is about.
        evidence: which they are.
        remedy: a line of a recipe; None for the usual one.
    """

    finding: str
    severity: Severity
    affected: int
    evidence: tuple[Any, ...]
    remedy: str | None

    def __new__(
        cls,
        text: str,
        finding: str,
        *,
        severity: Severity = "note",
        affected: int = 1,
        evidence: Sequence[Any] = (),
        remedy: str | None = None,
    ) -> Note:
        """Return the text with what it is about."""
        note = super().__new__(cls, text)
        note.finding, note.severity, note.affected = finding, severity, affected
        note.evidence, note.remedy = tuple(evidence), remedy
        return note


def unused_files(text: str, files: Sequence[object]) -> Note:
    """Return a note on files that are not used."""
    return Note(text, "unused_files", affected=len(files), evidence=[{"file": str(name)} for name in files])


def damaged_files(text: str, places: Sequence[object]) -> Note:
    """Return a note on examples that cannot be read and are left out."""
    evidence = [{"file": str(place)} for place in places]
    return Note(text, "damaged_files", severity="warning", affected=len(places), evidence=evidence, remedy="mend them")
