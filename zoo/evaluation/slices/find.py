"""Slices of a trained model's test split, as `report.json` has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.evaluation.metrics.common import draw_at_most
from zoo.evaluation.metrics.forecasting import overlap
from zoo.evaluation.slices.kinds import KINDS
from zoo.evaluation.slices.properties import properties_of
from zoo.evaluation.slices.search import MIN_EXAMPLES, find_slices
from zoo.tasks import TASKS

if TYPE_CHECKING:
    from zoo.evaluation.result import TaskResult
    from zoo.training.problem import Problem

MAX_TEST_EXAMPLES = 10_000  # that are looked at


def add_slices(problem: Problem, result: TaskResult) -> None:
    """Add `slices` and `slice_search` to the facts of a result, where an example has an error of its own.

    An entry of `slices` has `where`, `examples`, `metric` on them, its `difference` from that on all test examples, and
    the corrected `p_value`. `slice_search` has the `metric`, its value on all, `overall`, the `examples` that were
    looked at, of how many (`of`), the number of `properties` and of slices `tried`, and columns that were `left_out`.
    """
    task, dataset = TASKS[problem.recipe.task], problem.dataset
    kind, (y, output) = KINDS[task.kind], result.outputs["test"]
    if kind is None or len(y) != len(dataset.test) or not np.isfinite(output).all():
        return
    chosen = np.arange(0, len(y), overlap(y)) if task.forecasts else np.arange(len(y))  # windows without common steps
    chosen = chosen[draw_at_most(len(chosen), MAX_TEST_EXAMPLES, 0)]
    if len(chosen) < 2 * MIN_EXAMPLES:
        return
    errors = np.asarray(kind.errors(y, output), np.float64)[chosen]
    series = None if dataset.series is None else dataset.series.series_of("test")[chosen]
    properties, left_out = properties_of(dataset, dataset.test.part(chosen), series)
    found, tried = find_slices(properties, errors)

    def metric(error: float) -> float:
        return 1 - error if kind.more_is_better else error

    overall = metric(float(errors.mean()))
    slices: list[dict[str, Any]] = [
        {
            "where": each.where,
            "examples": int(each.members.sum()),
            "metric": metric(each.mean),
            "difference": metric(each.mean) - overall,
            "p_value": each.p_value,
        }
        for each in found
    ]
    result.facts["slices"] = slices
    result.facts["slice_search"] = {
        "metric": kind.metric,
        "overall": overall,
        "examples": len(errors),
        "of": len(y),
        "properties": len(properties),
        "tried": tried,
        "left_out": left_out,
    }
