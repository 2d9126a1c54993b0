"""Reconstruction: images beside what came back of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.evaluation.report.pictures import picture

if TYPE_CHECKING:
    from zoo.evaluation.report.predictions import Predictions

SHOWN = 12
LONGEST = 72  # CSS pixels of a picture's longer side


def section(report: Mapping[str, Any], predictions: Predictions | None) -> dict[str, Any]:
    """Return `typical` and `worst`, images with their reconstructions, and `ahead`, see the kind's `details`."""
    found: dict[str, Any] = {"typical": [], "worst": [], "ahead": report.get("ahead")}
    if predictions is not None:
        for name in ("typical", "worst"):
            found[name] = [pair(predictions, entry) for entry in report[name][:SHOWN]]
    return found


def pair(predictions: Predictions, entry: Mapping[str, Any], longest: int = LONGEST) -> dict[str, Any]:
    """Return an entry with the pictures `image` and `reconstruction`, as far as they are to be had."""
    panels = []
    for what, get in (("image", predictions.example), ("reconstruction", predictions.reconstruction)):
        if get is not None:
            panels.append({"what": what, **picture(np.asarray(get(entry["index"])), longest)})
    return {**entry, "panels": panels}
