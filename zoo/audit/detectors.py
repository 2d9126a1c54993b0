"""Which detectors look at which kind of input."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from zoo.audit.audio import audio_findings
from zoo.audit.classes import class_findings, size_findings
from zoo.audit.columns import column_findings
from zoo.audit.duplicates import repeat_findings
from zoo.audit.finding import Finding
from zoo.audit.groups import group_findings
from zoo.audit.images import image_findings
from zoo.audit.kept import kept
from zoo.audit.label_errors import label_findings
from zoo.audit.leakage import leaking_inputs
from zoo.audit.near_duplicates import near_findings
from zoo.audit.series import series_findings
from zoo.audit.shift import shift_findings
from zoo.audit.subject import Subject
from zoo.audit.texts import text_findings
from zoo.audit.times import time_findings
from zoo.data.dataset import InputKind

Detector = Callable[[Subject], Iterator[Finding]]

_EVERY: tuple[Detector, ...] = (class_findings, size_findings, repeat_findings, group_findings, time_findings)
_COSTLY: tuple[Detector, ...] = (kept(near_findings), kept(label_findings), kept(shift_findings))
_OF_KIND: dict[InputKind, tuple[Detector, ...]] = {
    "image": (image_findings,),
    "table": (column_findings, leaking_inputs),
    "array": (leaking_inputs, series_findings),
    "series": (series_findings,),
    "audio": (audio_findings,),
    "text": (text_findings,),
    "tokens": (),
    "graph": (),
}


def detectors_for(kind: InputKind) -> tuple[Detector, ...]:
    """Return the detectors for a kind of input, in the order in which they run."""
    return (*_EVERY, *_OF_KIND[kind], *_COSTLY)
