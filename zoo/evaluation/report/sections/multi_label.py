"""Several labels an example: the labels one by one, and the examples that are furthest off."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from zoo.evaluation.report.sections.worst_examples import worst_examples

if TYPE_CHECKING:
    from zoo.evaluation.report.predictions import Predictions


def section(report: Mapping[str, Any], predictions: Predictions | None) -> dict[str, Any]:
    """Return what `worst_examples` returns; the labels are in the report itself."""
    return worst_examples(report, predictions)
