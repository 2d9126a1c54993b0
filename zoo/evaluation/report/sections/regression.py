"""Regression: predicted against true values, residuals, and the largest errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.evaluation.report import plots
from zoo.evaluation.report.sections.worst_examples import worst_examples

if TYPE_CHECKING:
    from zoo.evaluation.report.predictions import Predictions


MAX_DRAWN_TARGETS = 6  # of several targets; the table has them all


def section(report: Mapping[str, Any], predictions: Predictions | None) -> dict[str, Any]:
    """Return `plots`, whether they are `sampled`, and what `worst_examples` returns.

    A plot is the `name` of a target (empty where there is one), `scatter` and `residuals` (SVG).
    """
    from markupsafe import Markup

    found: dict[str, Any] = {"plots": [], "sampled": False}
    if predictions is not None:
        y, output, baseline = (
            None if values is None else np.reshape(values, (len(values), -1))
            for values in (predictions.y_true, predictions.output, predictions.baseline_output)
        )
        assert y is not None and output is not None
        names = list(predictions.labels) or [""]
        found["plots"] = [
            {
                "name": name,
                "scatter": Markup(plots.scatter(y[:, i], output[:, i])),
                "residuals": Markup(
                    plots.residuals(y[:, i], output[:, i], None if baseline is None else baseline[:, i])
                ),
            }
            for i, name in enumerate(names[:MAX_DRAWN_TARGETS])
        ]
        found["sampled"] = len(y) > plots.MAX_SCATTER_POINTS
    return found | worst_examples(report, predictions)
