"""Parts of the page by name. Each takes the report and the test predictions, and returns what its template reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from zoo.evaluation.report.parts import attribution, representation, robustness, slices

if TYPE_CHECKING:
    from zoo.evaluation.report.predictions import Predictions

_PARTS: dict[str, Callable[[Mapping[str, Any], Predictions | None], dict[str, Any]]] = {
    "robustness": robustness.part,
    "attribution": attribution.part,
    "representation": representation.part,
    "slices": slices.part,
}


def parts_of(report: Mapping[str, Any], predictions: Predictions | None) -> dict[str, dict[str, Any]]:
    """Return what the templates of those parts read that the report has, by name."""
    return {name: part(report, predictions) for name, part in _PARTS.items() if report.get(name) is not None}
