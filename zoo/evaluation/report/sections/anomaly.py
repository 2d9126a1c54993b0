"""Anomaly detection: how well the scores separate normal from abnormal, and the examples that they rank worst."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from zoo.evaluation.report.charts import roc_curves, score_histogram
from zoo.evaluation.report.sections.reconstruction import SHOWN_IMAGES, image_and_reconstruction
from zoo.evaluation.report.sections.worst_examples import worst_examples

if TYPE_CHECKING:
    from zoo.evaluation.report.predictions import Predictions


def section(report: Mapping[str, Any], predictions: Predictions | None) -> dict[str, Any]:
    """Return `roc` and `histogram` (SVG), the `threshold` with its metrics, and the examples that are ranked worst.

    These are `worst`, images with their pictures, or `rows` with the values of `columns`.
    """
    from markupsafe import Markup

    threshold = report.get("threshold")
    plots = {
        "roc": roc_curves(report["roc"]),
        "histogram": score_histogram(report["histogram"], threshold["threshold"] if threshold else None),
    }
    found: dict[str, Any] = {name: Markup(svg) if svg else None for name, svg in plots.items()}
    found |= {"rows": [], "columns": []}
    if predictions is not None and predictions.reconstruction is None:
        found |= worst_examples(report, predictions)
    elif predictions is not None:
        found["worst"] = [image_and_reconstruction(predictions, entry) for entry in report["worst"][:SHOWN_IMAGES]]
    return {"worst": [], **found, "threshold": threshold, "pixel_auroc": report.get("pixel_auroc")}
