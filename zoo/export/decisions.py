"""The decisions of a classifier that a file gives: those of its run's report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.data.class_decisions import ClassDecisions
from zoo.errors import ZooError
from zoo.evaluation.decisions import decisions_of

if TYPE_CHECKING:
    from zoo.data.dataset import Dataset
    from zoo.recipe.schema import Recipe

_ENTRIES = {
    "cost": "decision",
    "conformal": "prediction_sets",
    "ood": "out_of_distribution",
}  # key of the recipe to that of report.json


def with_decisions(dataset: Dataset, recipe: Recipe, report: Mapping[str, Any] | None = None) -> Dataset:
    """Return a data set whose signature has the decisions that a recipe asks for.

    Args:
        dataset: the data.
        recipe: the recipe.
        report: what `report.json` holds; None for a model that is not trained yet, whose decisions are made up, and
            which has no out-of-distribution score.

    Raises:
        ZooError: the report has no such decisions.
    """
    asked = [key for key in _ENTRIES if getattr(recipe.evaluation, key) not in (None, False)]
    if not asked:
        return dataset
    missing = [key for key in asked if report is not None and report.get(_ENTRIES[key]) is None]
    if missing:
        raise ZooError(
            f"report.json has no {_ENTRIES[missing[0]]}, which evaluation.{missing[0]} asks for and the file would "
            "give: the model's outputs were not finite, or the report is an older one (`zoo report RUN` writes it anew)"
        )
    if report is not None:
        found = decisions_of(dict(report))
    else:
        costs = tuple(map(tuple, (1 - np.eye(len(dataset.signature.labels))).tolist()))
        found = ClassDecisions(
            costs=costs if recipe.evaluation.cost is not None else None,
            level=recipe.evaluation.conformal,
            set_probability=0.5,
        )
    return replace(dataset, signature=replace(dataset.signature, decisions=found))
