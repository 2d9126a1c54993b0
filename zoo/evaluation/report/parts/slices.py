"""The part of the page on slices of the test split."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zoo.evaluation.report.predictions import Predictions


def part(report: Mapping[str, Any], predictions: Predictions | None) -> dict[str, Any]:
    """Return `slices`, the worst ones, and `search`, what was looked at."""
    return {"slices": report["slices"], "search": report["slice_search"]}
