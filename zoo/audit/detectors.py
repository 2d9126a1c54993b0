"""Which detectors look at which kind of input."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from zoo.audit.classes import class_findings, size_findings
from zoo.audit.columns import column_findings
from zoo.audit.duplicates import repeat_findings
from zoo.audit.finding import Finding
from zoo.audit.subject import Subject
from zoo.data.dataset import InputKind

Detector = Callable[[Subject], Iterator[Finding]]

_EVERY: tuple[Detector, ...] = (class_findings, size_findings, repeat_findings)
_OF_KIND: dict[InputKind, tuple[Detector, ...]] = {
    "image": (),
    "table": (column_findings,),
    "array": (),
    "series": (),
    "audio": (),
    "text": (),
    "tokens": (),
    "graph": (),
}


def detectors_for(kind: InputKind) -> tuple[Detector, ...]:
    """Return the detectors for a kind of input, in the order in which they run."""
    return (*_EVERY, *_OF_KIND[kind])
