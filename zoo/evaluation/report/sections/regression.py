"""Regression: predicted against true values, residuals, and the largest errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from zoo.evaluation.report import plots
from zoo.evaluation.report.sections.worst_examples import worst_examples

if TYPE_CHECKING:
    from zoo.evaluation.report.predictions import Predictions


def section(report: Mapping[str, Any], predictions: Predictions | None) -> dict[str, Any]:
    """Return `scatter` and `residuals` (SVG), whether the scatter is `sampled`, and what `worst_examples` returns."""
    from markupsafe import Markup

    found: dict[str, Any] = {"scatter": None, "residuals": None, "sampled": False}
    if predictions is not None:
        y, output = predictions.y_true, predictions.output
        found["scatter"] = Markup(plots.scatter(y, output))
        found["residuals"] = Markup(plots.residuals(y, output, predictions.baseline_output))
        found["sampled"] = len(y) > plots.MAX_SCATTER_POINTS
    return found | worst_examples(report, predictions)
