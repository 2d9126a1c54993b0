"""Generation: what the model makes, how it came to that, and what it may have copied."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.evaluation.report.charts import class_shares, players
from zoo.evaluation.report.pictures import picture

if TYPE_CHECKING:
    from zoo.evaluation.report.predictions import Predictions

LONGEST, WIDE = 72, 380  # CSS pixels of the longer side of a picture, and of a grid


def section(report: Mapping[str, Any], predictions: Predictions | None) -> dict[str, Any]:
    """Return `samples` and `nearest` (pictures), `epochs` (grids), `classes` and `players` (SVG), `memorization`."""
    from markupsafe import Markup
    from PIL import Image

    classes = report.get("classes")
    curves = players(report["history"])
    found: dict[str, Any] = {
        "classes": Markup(class_shares(classes)) if classes else None,
        "players": Markup(curves) if curves else None,
        "samples": [],
        "nearest": [],
        "epochs": [],
        "features": report.get("features"),
        "memorization": report.get("memorization"),
    }
    shown = predictions.pictures if predictions is not None else {}
    found["samples"] = [picture(image, LONGEST) for image in shown.get("samples", ())]
    found["nearest"] = [[picture(image, LONGEST) for image in pair] for pair in shown.get("nearest", ())]
    for epoch, path in shown.get("epochs", {}).items():
        with Image.open(path) as image:
            found["epochs"].append({"epoch": epoch, **picture(np.asarray(image), WIDE)})
    return found
