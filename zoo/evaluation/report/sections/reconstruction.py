"""Reconstruction: images beside their reconstructions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.evaluation.report.pictures import picture

if TYPE_CHECKING:
    from zoo.evaluation.report.predictions import Predictions

SHOWN_IMAGES = 12
PICTURE_SIZE = 72  # CSS pixels of the longer side


def section(report: Mapping[str, Any], predictions: Predictions | None) -> dict[str, Any]:
    """Return `typical` and `worst`, images with their reconstructions, and `ahead`, see the kind's `details`."""
    found: dict[str, Any] = {"typical": [], "worst": [], "ahead": report.get("ahead")}
    if predictions is not None:
        for name in ("typical", "worst"):
            found[name] = [image_and_reconstruction(predictions, entry) for entry in report[name][:SHOWN_IMAGES]]
    return found


def image_and_reconstruction(predictions: Predictions, entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return an entry with the pictures `image` and `reconstruction`, where there are such."""
    panels = []
    for what, get in (("image", predictions.example), ("reconstruction", predictions.reconstruction)):
        if get is not None:
            panels.append({"what": what, **picture(np.asarray(get(entry["index"])), PICTURE_SIZE)})
    return {**entry, "panels": panels}
