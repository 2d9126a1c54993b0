"""What the page shows of the kinds of task that have a section of their own, one file a kind.

Each takes the report and the test predictions (None if there are none, or they are not finite) and returns what the
template `section_<kind>.html.j2` reads.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from zoo.evaluation.sections import (
    anomalies,
    boxes,
    forecasts,
    images,
    masks,
    reconstructions,
    representations,
    text,
    written,
)

SECTIONS: dict[str, Callable[..., dict[str, Any]]] = {
    "forecasting": forecasts.section,
    "tokens": text.section,
    "sequences": written.section,
    "transcription": written.section,
    "segmentation": masks.section,
    "detection": boxes.section,
    "reconstruction": reconstructions.section,
    "anomaly": anomalies.section,
    "generation": images.section,
    "representation": representations.section,
}
