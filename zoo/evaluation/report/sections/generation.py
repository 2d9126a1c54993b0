"""Generation: generated images, their course over the epochs, and what may be copied."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.evaluation.report.charts import class_rates, gan_losses
from zoo.evaluation.report.pictures import picture

if TYPE_CHECKING:
    from zoo.evaluation.report.predictions import Predictions

PICTURE_SIZE = 72  # CSS pixels of the longer side
GRID_SIZE = 380  # CSS pixels of the longer side


def section(report: Mapping[str, Any], predictions: Predictions | None) -> dict[str, Any]:
    """Return `samples`, `nearest` and `epochs` (pictures), `classes` and `gan_losses` (SVG), and report entries."""
    from markupsafe import Markup
    from PIL import Image

    classes = report.get("classes")
    losses = gan_losses(report["history"])
    found: dict[str, Any] = {
        "classes": Markup(class_rates(classes)) if classes else None,
        "gan_losses": Markup(losses) if losses else None,
        "samples": [],
        "nearest": [],
        "epochs": [],
        "features": report.get("features"),
        "memorization": report.get("memorization"),
    }
    shown = predictions.pictures if predictions is not None else {}
    found["samples"] = [picture(image, PICTURE_SIZE) for image in shown.get("samples", ())]
    found["nearest"] = [[picture(image, PICTURE_SIZE) for image in pair] for pair in shown.get("nearest", ())]
    for epoch, path in shown.get("epochs", {}).items():
        with Image.open(path, formats=("PNG",)) as image:
            found["epochs"].append({"epoch": epoch, **picture(np.asarray(image), GRID_SIZE)})
    return found
