"""What the page shows of the kinds of task that have a section of their own, one file a kind.

Each takes the report and the test predictions (None if there are none, or they are not finite) and returns what the
template `section_<kind>.html.j2` reads.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from zoo.evaluation.report.sections import (
    anomaly,
    detection,
    forecasting,
    generation,
    reconstruction,
    representation,
    segmentation,
    sequences,
    tokens,
)

SECTIONS: dict[str, Callable[..., dict[str, Any]]] = {
    "forecasting": forecasting.section,
    "tokens": tokens.section,
    "sequences": sequences.section,
    "transcription": sequences.section,
    "segmentation": segmentation.section,
    "detection": detection.section,
    "reconstruction": reconstruction.section,
    "anomaly": anomaly.section,
    "generation": generation.section,
    "representation": representation.section,
}
