"""Classification: the confusion matrix, calibration, and the most confident mistakes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from zoo.evaluation.report import plots
from zoo.evaluation.report.sections.worst_examples import worst_examples

if TYPE_CHECKING:
    from zoo.evaluation.report.predictions import Predictions

MAX_SHOWN_CLASSES = 30  # a larger confusion matrix is wider than the page


def section(report: Mapping[str, Any], predictions: Predictions | None) -> dict[str, Any]:
    """Return `matrix`, `calibration` (SVG), and what `worst_examples` returns."""
    from markupsafe import Markup

    calibration = None
    if predictions is not None:
        drawn = plots.calibration(predictions.y_true, predictions.output, predictions.baseline_output)
        calibration = Markup(drawn)
    return {"matrix": _matrix(report), "calibration": calibration, **worst_examples(report, predictions)}


def _matrix(report: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """Return the confusion matrix, each cell with its fraction of the row, or None if it is too large to show."""
    matrix = report["confusion_matrix"]
    if matrix is None or len(matrix) > MAX_SHOWN_CLASSES:
        return None
    return [
        {"label": label, "cells": [{"count": n, "fraction": n / max(1, sum(row))} for n in row]}
        for label, row in zip(report["labels"], matrix, strict=True)
    ]
