"""The prediction intervals that a file gives: those of its run's report."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from zoo.data.prediction_intervals import PredictionIntervals
from zoo.errors import ZooError
from zoo.tasks import TASKS

if TYPE_CHECKING:
    from zoo.data.dataset import Dataset
    from zoo.recipe.schema import Recipe


def with_intervals(dataset: Dataset, recipe: Recipe, report: Mapping[str, Any] | None = None) -> Dataset:
    """Return a data set whose signature has the prediction intervals that a recipe asks for.

    Args:
        dataset: the data.
        recipe: the recipe.
        report: what `report.json` holds, with the half-widths that were calibrated; None for a model that is not
            trained yet, whose half-widths are 1.

    Raises:
        ZooError: the report has no intervals.
    """
    level, signature = recipe.evaluation.intervals, dataset.signature
    if level is None:
        return dataset
    if report is None:
        steps = (signature.horizon,) if TASKS[recipe.task].forecasts else ()
        shape = (*steps, *((len(signature.targets),) if signature.targets else ()))
        found = PredictionIntervals(
            level=level,
            half_widths=(1.0,) * math.prod(shape),
            shape=shape,
            by_window=TASKS[recipe.task].forecasts,
        )
    elif report.get("prediction_intervals") is None:
        raise ZooError(
            "report.json has no prediction intervals, which evaluation.intervals asks for and the file would give: the "
            "model's outputs were not finite, or the report is an older one (`zoo report RUN` writes it anew)"
        )
    else:
        found = PredictionIntervals.from_json(report["prediction_intervals"])
    return replace(dataset, signature=replace(signature, intervals=found))
