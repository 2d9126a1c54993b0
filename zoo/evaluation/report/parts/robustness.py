"""Robustness: the metric by strength of each corruption and attack, as plots and as a table."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup

from zoo.evaluation.metrics.names import PERCENT
from zoo.evaluation.report.plots import FIRST, SECOND, new_figure, percent, title_of, to_svg

if TYPE_CHECKING:
    from zoo.evaluation.report.predictions import Predictions


def part(report: Mapping[str, Any], predictions: Predictions | None) -> dict[str, Any]:
    """Return `corruptions` and `attacks`, each with `name`, `unit`, `svg`, and `rows` by strength, the first clean."""
    found = report["robustness"]
    clean, attacked = found["clean"], found["attacked"]
    groups: dict[str, list[dict[str, Any]]] = {"corruptions": [], "attacks": []}
    for kind, first in (("corruptions", clean), ("attacks", attacked)):
        for name, entries in groupby(found[kind], key=lambda entry: entry["name"]):
            rows = [{"baseline": None, **first, "strength": None}, *({"baseline": None, **entry} for entry in entries)]
            unit = attacked["unit"] if kind == "attacks" else rows[1]["unit"]
            svg = Markup(by_strength(rows, name, unit, found["metric"]))
            groups[kind].append({"name": name, "unit": unit, "rows": rows, "svg": svg})
    return {**groups, "of": found}


def by_strength(rows: list[dict[str, Any]], name: str, unit: str, metric: str) -> str:
    """Draw a metric of model and baseline by the strength of a corruption, the examples as they are first."""
    figure, axes = new_figure(height=2.3)
    x = np.arange(len(rows))
    for key, label, color, style in (("baseline", "baseline", SECOND, "--"), ("metric", "model", FIRST, "-")):
        y = np.array([np.nan if row[key] is None else row[key] for row in rows], dtype=np.float64)
        if np.isfinite(y).any():
            axes.plot(x, y, color=color, linestyle=style, marker="o", markersize=3, label=label)
    axes.set_xticks(x, ["none", *(f"{row['strength']:g}" for row in rows[1:])])
    axes.set_xlabel(unit)
    axes.set_ylabel(title_of(metric))
    if metric in PERCENT:
        percent(axes.yaxis)
        axes.set_ylim(0, 1.02)
    axes.legend(loc="best")
    return to_svg(figure, f"robustness-{name}", f"{title_of(metric)} by strength of {name}, for model and baseline")
