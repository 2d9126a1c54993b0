"""The report as one HTML page that needs no other file and no network."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.evaluation.metrics.kinds import KINDS as METRICS
from zoo.evaluation.metrics.names import PERCENT, TITLES
from zoo.evaluation.report import plots
from zoo.evaluation.report.parts.table import parts_of
from zoo.evaluation.report.sections.kinds import KINDS as SECTIONS
from zoo.tasks import TASKS, with_metric, words

if TYPE_CHECKING:
    import jinja2

    from zoo.evaluation.report.predictions import Predictions


def render(report: Mapping[str, Any], predictions: Predictions | None = None) -> str:
    """Return the page.

    Args:
        report: what `build_report` returned.
        predictions: test examples and outputs, for pictures and for plots over examples.
    """
    from markupsafe import Markup

    task = with_metric(TASKS[report["task"]], report.get("metric"))
    shown = predictions if predictions is not None and np.isfinite(predictions.output).all() else None
    history, marked = report["history"], _marked_epoch(report)
    curves = {
        "Loss": plots.curves(history, "loss", marked),
        title(task.primary): plots.curves(history, task.primary, marked),
        "Learning rate": plots.learning_rate(history),
    }
    return (
        templates()
        .get_template(f"section_{task.kind}.html.j2")
        .render(
            report=report,
            task=task,
            section=SECTIONS[task.kind](report, shown),
            curves={name: Markup(svg) for name, svg in curves.items() if svg},
            proportion=METRICS[task.kind].proportion,
            titles=TITLES,
            kept=_kept(report),
            optional_parts=parts_of(report, shown),
        )
    )


@cache
def templates() -> jinja2.Environment:
    """Return the templates, which are compiled once."""
    import jinja2

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
    return environment


def _marked_epoch(report: Mapping[str, Any]) -> tuple[str, int] | None:
    """Return what the curves mark: the epoch that was kept, or the best where the report is older than `kept_epoch`."""
    kept, best = report.get("kept_epoch"), report["diagnosis"]["best_epoch"]
    if kept is not None and not 0 < kept <= len(report["history"]):
        kept = None
    if kept is None:
        return None if best is None else ("best", best)
    return ("best" if kept == best else "kept", kept)


def _kept(report: Mapping[str, Any]) -> str:
    """Return a sentence on which epoch is best and which was kept; "" where nothing is known of either."""
    marked, diagnosis, epochs = _marked_epoch(report), report["diagnosis"], len(report["history"])
    best, by = diagnosis["best_epoch"], diagnosis.get("best_by")
    found = (
        "" if best is None else f"Best on validation: epoch {best}{f', by {TITLES.get(by, words(by))}' if by else ''}"
    )
    if marked is None or report.get("kept_epoch") is None:
        return found and f"{found}."
    what, epoch = marked
    if what == "best":
        return f"{found}; it was kept."
    kept = f"epoch {epoch} was kept{', the last' if epoch == epochs else ''}."
    return f"{found}; {kept}" if found else kept[:1].upper() + kept[1:]


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
