"""Detection: the precision-recall curve, and images with true and predicted boxes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup

from zoo.evaluation.metrics.common import label_of
from zoo.evaluation.metrics.detection import MIN_SHOWN_SCORE
from zoo.evaluation.report import charts
from zoo.evaluation.report.pictures import picture

if TYPE_CHECKING:
    from zoo.evaluation.report.predictions import Predictions

SHOWN_IMAGES = 6
PICTURE_SIZE = 256  # CSS pixels of the longer side


def section(report: Mapping[str, Any], predictions: Predictions | None) -> dict[str, Any]:
    """Return `curve` (SVG), and `typical` and `worst`, images with boxes."""
    curve = report.get("precision_recall")
    found: dict[str, Any] = {"curve": None, "typical": [], "worst": [], "shown": MIN_SHOWN_SCORE}
    if curve and curve["precision"]:
        drawn = charts.precision_recall(curve["recall"], curve["precision"], curve["classes"])
        found["curve"] = Markup(drawn)
    if predictions is not None and predictions.example is not None:
        for name in ("typical", "worst"):
            found[name] = [_image(predictions, entry) for entry in report[name][:SHOWN_IMAGES]]
    return found


def _image(predictions: Predictions, entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return a picture with `true_boxes` and `found_boxes`, in CSS pixels of the picture."""
    i = entry["index"]
    shown = picture(np.asarray(predictions.example(i)), PICTURE_SIZE) if predictions.example else {}
    true, detections = predictions.y_true[i], predictions.output[i]
    size = (shown["height"], shown["width"])
    return {
        **entry,
        **shown,
        "true_boxes": [_box(row, size, predictions) for row in true[true[:, 4] >= 0]],
        "found_boxes": [_box(row, size, predictions) for row in detections[detections[:, 5] >= MIN_SHOWN_SCORE]],
    }


def _box(row: np.ndarray, size: tuple[int, int], predictions: Predictions) -> dict[str, Any]:
    height, width = size
    top, left, bottom, right = (float(v) for v in row[:4] * np.array([height, width, height, width]))
    return {
        "x": round(left, 1),
        "y": round(top, 1),
        "width": round(max(0.0, right - left), 1),
        "height": round(max(0.0, bottom - top), 1),
        "label": label_of(predictions.labels, int(row[4])),
        "score": float(row[5]) if len(row) > 5 else None,
    }
