"""Representation learning: what simple methods make of the embeddings, and where they lie."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from zoo.evaluation.report.charts import layout

if TYPE_CHECKING:
    from zoo.evaluation.report.predictions import Predictions


def section(report: Mapping[str, Any], predictions: Predictions | None) -> dict[str, Any]:
    """Return the `probes` and the `layout` of test embeddings in the plane (SVG)."""
    from markupsafe import Markup

    shown = predictions.pictures.get("layout") if predictions is not None else None
    return {
        "probes": report.get("probes"),
        "layout": Markup(layout(shown[0], shown[1], report["labels"])) if shown is not None else None,
    }
