"""Segmentation: images beside their true and predicted classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.evaluation.report.pictures import class_color, class_picture, picture
from zoo.tasks import IGNORED_PIXEL

if TYPE_CHECKING:
    from zoo.evaluation.report.predictions import Predictions

SHOWN_IMAGES = 6
PICTURE_SIZE = 128  # CSS pixels of the longer side


def section(report: Mapping[str, Any], predictions: Predictions | None) -> dict[str, Any]:
    """Return `typical` and `worst` (images with their pictures), and the `legend`: names and colours of the classes."""
    found: dict[str, Any] = {"typical": [], "worst": [], "legend": []}
    if predictions is None:
        return found
    for name in ("typical", "worst"):
        found[name] = [_panels(predictions, entry) for entry in report[name][:SHOWN_IMAGES]]
    rows = report["per_class"] or []
    found["legend"] = [{"label": row["label"], "color": class_color(i)} for i, row in enumerate(rows)]
    if (np.asarray(predictions.y_true) == IGNORED_PIXEL).any():
        found["legend"].append({"label": "ignored", "color": class_color(IGNORED_PIXEL)})
    return found


def _panels(predictions: Predictions, entry: Mapping[str, Any]) -> dict[str, Any]:
    i = entry["index"]
    panels = []
    if predictions.example is not None:
        panels.append(("image", picture(np.asarray(predictions.example(i)), PICTURE_SIZE)))
    panels.append(("truth", class_picture(predictions.y_true[i], PICTURE_SIZE)))
    panels.append(("prediction", class_picture(predictions.output[i], PICTURE_SIZE)))
    return {**entry, "panels": [{"what": what, **shown} for what, shown in panels]}
