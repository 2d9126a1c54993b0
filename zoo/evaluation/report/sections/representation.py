"""Embeddings: what simple methods make of them, their layout in the plane, and the linear probe's mistakes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from zoo.evaluation.report.charts import layout
from zoo.evaluation.report.sections import classification

if TYPE_CHECKING:
    from zoo.evaluation.report.predictions import Predictions


def section(report: Mapping[str, Any], predictions: Predictions | None) -> dict[str, Any]:
    """Return the `probes`, the `layout` of test embeddings in the plane (SVG), and the section of classification."""
    from markupsafe import Markup

    shown = predictions.pictures.get("layout") if predictions is not None else None
    return classification.section(report, predictions) | {
        "probes": report.get("probes"),
        "layout": Markup(layout(shown[0], shown[1], report["labels"])) if shown is not None else None,
    }
