"""The report as one HTML page that needs no other file and no network."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.evaluation.metrics.names import PERCENT, TITLES
from zoo.evaluation.report import plots
from zoo.evaluation.report.pictures import picture
from zoo.evaluation.report.sections.kinds import SECTIONS
from zoo.tasks import TASKS, words

if TYPE_CHECKING:
    from zoo.evaluation.report.predictions import Predictions

LARGEST_TABLE = 30
LONGEST_TEXT = 300  # characters of an example


def render(report: Mapping[str, Any], predictions: Predictions | None = None) -> str:
    """Return the page.

    Args:
        report: what `build_report` returned.
        predictions: test examples and outputs, for pictures and for plots over examples.
    """
    import jinja2
    from markupsafe import Markup

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters.update(
        figure=figure, short=short, words=words, duration=duration, count=count, title=title, plain=plain
    )
    task = TASKS[report["task"]]
    section = None
    figures = {name: Markup(svg) for name, svg in _plots(report, predictions).items() if svg}
    if task.kind in SECTIONS:
        shown = predictions if predictions is not None and np.isfinite(predictions.output).all() else None
        section = SECTIONS[task.kind](report, shown)
    return environment.get_template("report.html.j2").render(
        report=report,
        task=task,
        section=section,
        plots=figures,
        matrix=_matrix(report),
        worst=_worst(report, predictions),
        titles=TITLES,
        more_points=predictions is not None and len(predictions.y_true) > plots.MOST_POINTS,
    )


def figure(value: float | None, metric: str) -> str:
    """Write a metric's value: a percentage where it is one, else four significant digits."""
    if value is None:
        return "not finite"
    return f"{value:.1%}" if metric in PERCENT else _number(value, "#.4g")


def short(value: Any) -> str:
    """Write a number with up to four significant digits, and anything else as it is."""
    if isinstance(value, bool) or not isinstance(value, Real):
        return str(value)
    return _number(float(value), ".4g")


def plain(value: Any) -> str:
    """Write a number, a text, a list or a mapping of them in one line."""
    if isinstance(value, Mapping):
        return ", ".join(f"{words(str(name))} {plain(item)}" for name, item in value.items())
    if isinstance(value, list):
        return ", ".join(map(plain, value)) or "none"
    return short(value)


def title(name: str) -> str:
    """Write a name as words with a capital in front."""
    text = TITLES.get(name, words(name))
    return text[:1].upper() + text[1:]


def duration(seconds: float | None) -> str:
    """Write a time, for example "3 min 20 s"."""
    if seconds is None:
        return "unknown"
    if seconds < 1:
        return "under 1 s"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def count(number: int) -> str:
    """Write a whole number with separators."""
    return f"{number:,}"


def _number(value: float, small: str) -> str:
    return format(value, ",.0f" if abs(value) >= 1000 else small).replace("-", "\N{MINUS SIGN}")


def _plots(report: Mapping[str, Any], predictions: Predictions | None) -> dict[str, str | None]:
    task, best, history = TASKS[report["task"]], report["diagnosis"]["best_epoch"], report["history"]
    found = {
        "Loss": plots.curves(history, "loss", best),
        title(task.primary): plots.curves(history, task.primary, best),
        "Learning rate": plots.learning_rate(history),
    }
    if predictions is not None and np.isfinite(predictions.output).all():
        y, output, baseline = predictions.y_true, predictions.output, predictions.baseline_output
        if task.scored == "classification":
            found["calibration"] = plots.calibration(y, output, baseline)
        elif task.kind == "regression":
            found["scatter"] = plots.scatter(y, output)
            found["residuals"] = plots.residuals(y, output, baseline)
    return found


def _matrix(report: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """Return the rows of the confusion matrix with each cell's share of its row, or None if it is too large to show."""
    matrix = report["confusion_matrix"]
    if matrix is None or len(matrix) > LARGEST_TABLE:
        return None
    return [
        {"label": label, "cells": [{"count": n, "share": n / max(1, sum(row))} for n in row]}
        for label, row in zip(report["labels"], matrix, strict=True)
    ]


def _worst(report: Mapping[str, Any], predictions: Predictions | None) -> dict[str, Any]:
    """Return the worst examples as `pictures` (with a data URI) or as `rows` (with the values of `columns`)."""
    pictures: list[dict[str, Any]] = []
    rows: list[dict[str, Any]] = []
    columns: list[str] = []
    for entry in report["worst"] if TASKS[report["task"]].scored not in SECTIONS else ():
        example = predictions.example(entry["index"]) if predictions is not None and predictions.example else {}
        if isinstance(example, str):
            example = {"text": example if len(example) <= LONGEST_TEXT else f"{example[:LONGEST_TEXT]} …"}
        if isinstance(example, Mapping):
            columns = columns or list(example)
            rows.append({**entry, "values": [example.get(name) for name in columns]})
        else:
            pictures.append({**entry, **picture(np.asarray(example))})
    return {"pictures": pictures, "rows": rows, "columns": columns}
