"""Representation: what simple methods make of the features before the head, and their layout in the plane."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from zoo.evaluation.report.charts import layout

if TYPE_CHECKING:
    from zoo.evaluation.report.predictions import Predictions


def part(report: Mapping[str, Any], predictions: Predictions | None) -> dict[str, Any]:
    """Return the report's entry, `of`, and the `layout` of test examples in the plane (SVG)."""
    shown = predictions.pictures.get("representation") if predictions is not None else None
    return {"of": report["representation"], "layout": Markup(layout(*shown)) if shown is not None else None}
