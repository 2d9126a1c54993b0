"""The comparison of runs as one HTML page that needs no other file and no network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zoo.evaluation.metrics.names import TITLES
from zoo.evaluation.report.page import templates


def render_comparison(found: Mapping[str, Any]) -> str:
    """Return the page.

    Args:
        found: what `zoo.commands.compare.compare` returned.
    """
    metrics = list(dict.fromkeys(name for run in found["runs"] for name in run["metrics"]))
    return templates().get_template("comparison.html.j2").render(found=found, metrics=metrics, titles=TITLES)
