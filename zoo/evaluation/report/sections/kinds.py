"""What the page shows of each kind of task, one file a kind.

Each function takes the report and the test predictions (None without any, or if they are not finite) and returns what
the template `section_<kind>.html.j2` reads.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from zoo.evaluation.report.sections import (
    anomaly,
    classification,
    detection,
    forecasting,
    generation,
    multi_label,
    reconstruction,
    regression,
    representation,
    segmentation,
    sequences,
    tokens,
)
from zoo.tasks import Kind

KINDS: dict[Kind, Callable[..., dict[str, Any]]] = {
    "classification": classification.section,
    "multi_label": multi_label.section,
    "regression": regression.section,
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
