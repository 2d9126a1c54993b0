"""The report as one HTML page that needs no other file and no network."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.evaluation.metrics.kinds import KINDS as METRICS
from zoo.evaluation.metrics.names import PERCENT, TITLES
from zoo.evaluation.report import plots
from zoo.evaluation.report.sections.kinds import KINDS as SECTIONS
from zoo.tasks import TASKS, words

if TYPE_CHECKING:
    from zoo.evaluation.report.predictions import Predictions


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
    shown = predictions if predictions is not None and np.isfinite(predictions.output).all() else None
    best, history = report["diagnosis"]["best_epoch"], report["history"]
    curves = {
        "Loss": plots.curves(history, "loss", best),
        title(task.primary): plots.curves(history, task.primary, best),
        "Learning rate": plots.learning_rate(history),
    }
    return environment.get_template(f"section_{task.kind}.html.j2").render(
        report=report,
        task=task,
        section=SECTIONS[task.kind](report, shown),
        curves={name: Markup(svg) for name, svg in curves.items() if svg},
        proportion=METRICS[task.kind].proportion,
        titles=TITLES,
    )


def figure(value: float | None, metric: str) -> str:
    """Write a metric's value as a percentage or with four significant digits."""
    if value is None:
        return "not finite"
    return f"{value:.1%}" if metric in PERCENT else _number(value, "#.4g")


def short(value: Any) -> str:
    """Write a number with at most four significant digits, and anything else unchanged."""
    if isinstance(value, bool) or not isinstance(value, Real):
        return str(value)
    return _number(float(value), ".4g")


def plain(value: Any) -> str:
    """Write a number, a text, or a list or mapping of such, in one line."""
    if isinstance(value, Mapping):
        return ", ".join(f"{words(str(name))} {plain(item)}" for name, item in value.items())
    if isinstance(value, list):
        return ", ".join(map(plain, value)) or "none"
    return short(value)


def title(name: str) -> str:
    """Write a name as words, the first letter a capital."""
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
