"""A run in a few lines of HTML, as a notebook shows it."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from zoo.evaluation.metrics.names import PERCENT, TITLES
from zoo.tasks import words


def run_html(report: Mapping[str, Any], folder: Path) -> str:
    """Return the metrics of the test split, with interval and the baseline's, and the verdict.

    Args:
        report: what `report.json` holds.
        folder: of the run.
    """
    metrics, intervals = report["metrics"]["test"], report["intervals"]["test"]
    baseline = report.get("baseline") or {}
    theirs = baseline.get("test") or {}
    heading = [""] + [f"{report['model']}, test", "95% interval"] + ([words(baseline["name"])] if theirs else [])
    rows = [_row(heading, "th")]
    for name, value in metrics.items():
        bounds = intervals.get(name)
        interval = "" if not bounds else f"{_number(name, bounds[0])} to {_number(name, bounds[1])}"
        cells = [TITLES.get(name, name), _number(name, value), interval]
        rows.append(_row(cells + ([_number(name, theirs.get(name))] if theirs else []), "td"))
    size = report["examples"]["test"]
    title = f"<b>{escape(str(report['recipe']))}</b>: {escape(str(report['task']))}, {size:,} test examples"
    verdict = escape(str(report["verdict"]))
    page = escape(str(folder / "report.html"))
    return f"<p>{title}</p><table>{''.join(rows)}</table><p>The model is {verdict}.</p><p><code>{page}</code></p>"


def _row(cells: list[str], tag: str) -> str:
    return f"<tr>{''.join(f'<{tag}>{escape(cell)}</{tag}>' for cell in cells)}</tr>"


def _number(name: str, value: float | None) -> str:
    if value is None:
        return "not finite"
    return f"{value:.1%}" if name in PERCENT else f"{value:.4g}"
