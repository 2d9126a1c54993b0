"""The figures of a search's report, drawn as those of a run's."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.evaluation.metrics.names import PERCENT
from zoo.evaluation.report.plots import FIRST, INK, QUIET, SECOND, new_figure, percent, to_svg
from zoo.recipe.source import dump_line
from zoo.search.records import TrialRecord, pareto_front, ranked

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MAX_LABEL = 14  # characters of a value on an axis
_LOG_RATIO = 20  # of the bounds of an axis, above which it is logarithmic
_SMALL_SPREAD = 0.05  # of a metric, below which percentages have a decimal
_COST_LABELS = {
    "latency": "ms for one example",
    "file_size": "KB of the file",
    "parameters": "thousand parameters",
}

Ticks = list[tuple[float, str]]


def over_time(report: Mapping[str, Any], trials: Sequence[TrialRecord]) -> str:
    """Draw the objective of each trial in the order in which they ended, and the best up to there."""
    from matplotlib.ticker import MaxNLocator

    ended = sorted((t for t in trials if t.ended is not None), key=lambda t: t.ended or 0)
    known = [(i, t.objective_value, t.number) for i, t in enumerate(ended, 1) if t.objective_value is not None]
    figure, axes = new_figure(height=3.0, width=8.2)
    x, y = [k[0] for k in known], [k[1] for k in known]
    best = np.maximum.accumulate(y) if report["greater_is_better"] else np.minimum.accumulate(y)
    axes.step(x, best, color=FIRST, where="post", label="best so far")
    axes.plot(x, y, "o", color=QUIET, markersize=4, label="trial")
    _mark_own(axes, [(i, value) for i, value, number in known if number == 0])
    _label_objective(axes, report, y)
    axes.set_xlabel("trials ended")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlim(0.5, max(2, len(ended)) + 0.5)
    axes.legend(loc="best")
    return to_svg(figure, "over_time", "objective of each trial and best so far, in the order in which trials ended")


def coordinates(report: Mapping[str, Any], trials: Sequence[TrialRecord]) -> str | None:
    """Draw a line for each trial through its values and its objective; the best quarter stands out."""
    keys = [key for key in report["keys"] if len({dump_line(t.value_of(key)) for t in trials}) > 1]
    if not keys or len(trials) < 2:
        return None
    figure, axes = new_figure(height=3.6, width=8.2)
    columns = [_axis([t.value_of(key) for t in trials]) for key in keys]
    columns.append(_axis([t.objective_value for t in trials]))
    lines = {t.number: heights for t, heights in zip(trials, np.stack([c[0] for c in columns], axis=1), strict=True)}
    x = np.arange(len(columns))
    order = ranked(trials, greater_is_better=report["greater_is_better"])
    for place, trial in reversed([*enumerate(order)]):  # the best on top
        style: dict[str, Any] = {"color": QUIET, "alpha": 0.3, "linewidth": 1.0}
        if place < max(1, len(trials) // 4):
            style = {"color": FIRST, "alpha": 0.8, "linewidth": 1.4}
        if place == 0:
            style = {"color": FIRST, "alpha": 1.0, "linewidth": 3.0}
        if trial.number == 0:
            style = {"color": SECOND, "alpha": 1.0, "linewidth": 2.0}
        axes.plot(x, lines[trial.number], **style)
    for i, (_, ticks) in enumerate(columns):
        axes.axvline(i, color=INK, linewidth=0.8)
        for height, text in ticks:
            place_of_text: dict[str, Any] = {"xytext": (3, 0), "textcoords": "offset points", "va": "center"}
            axes.annotate(text, (i, height), color=INK, fontsize=8, alpha=0.9, **place_of_text)
    axes.set_xticks(x, [_short_key(key) for key in [*keys, report["objective"]]])
    axes.set_yticks([])
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.grid(False)
    axes.set_xlim(-0.1, len(keys) + 0.5)
    text = "parallel coordinates: a line for each trial through its values and its objective"
    return to_svg(figure, "coordinates", text)


def importances(found: Mapping[str, Any] | None) -> str | None:
    """Draw the importance of each key."""
    if found is None or not any(found["shares"].values()):
        return None
    pairs = sorted(found["shares"].items(), key=lambda pair: pair[1])
    figure, axes = new_figure(height=0.7 + 0.3 * len(pairs), width=5.5)
    axes.barh([_short_key(key) for key, _ in pairs], [fraction for _, fraction in pairs], color=FIRST, height=0.6)
    axes.grid(False)
    axes.set_xlim(0, 1)
    percent(axes.xaxis)
    return to_svg(figure, "importance", "permutation importance of each key for the score")


def against_cost(report: Mapping[str, Any], trials: Sequence[TrialRecord]) -> str | None:
    """Draw the objective against the cost (parameters where none was asked for), with the Pareto front."""
    name = report["cost"]["name"] if report["cost"] else "parameters"
    costs = {t.number: t.cost if report["cost"] else (t.parameters or 0) / 1000 for t in trials}
    known = [t for t in trials if t.objective_value is not None]
    points = {t.number: (costs[t.number], t.objective_value) for t in known}
    if len({cost for cost, _ in points.values()}) < 2:
        return None
    figure, axes = new_figure(height=3.0, width=5.5)
    axes.plot(*zip(*points.values(), strict=True), "o", color=QUIET, markersize=4, label="trial")
    front = [points[t.number] for t in pareto_front(known, costs, greater_is_better=report["greater_is_better"])]
    axes.step(*zip(*front, strict=True), where="post", color=FIRST, marker="o", markersize=5, label="Pareto front")
    _mark_own(axes, [points[0]] if 0 in points else [])
    _label_objective(axes, report, [t.objective_value or 0.0 for t in known])
    axes.set_xlabel(_COST_LABELS[name])
    axes.legend(loc="best")
    return to_svg(figure, "cost", "objective against cost, with the Pareto front")


def _mark_own(axes: Axes, points: Sequence[tuple[Any, Any]]) -> None:
    """Mark the trial with the recipe's own values, if there is one."""
    if points:
        axes.plot(*zip(*points, strict=True), "o", color=SECOND, markersize=7, label="the recipe's own values")


def _label_objective(axes: Axes, report: Mapping[str, Any], values: Sequence[float]) -> None:
    if report["objective"].removeprefix("val_") in PERCENT:
        from matplotlib.ticker import PercentFormatter

        is_small = max(values) - min(values) < _SMALL_SPREAD
        axes.yaxis.set_major_formatter(PercentFormatter(xmax=1, decimals=1 if is_small else 0))
    axes.set_ylabel(report["objective"].replace("_", " "))


def _axis(values: Sequence[Any]) -> tuple[np.ndarray, Ticks]:
    """Return heights in [0, 1], NaN where there is no value, and the labels of the axis."""
    numbers = [v for v in values if isinstance(v, int | float) and not isinstance(v, bool)]
    if len(numbers) == sum(v is not None for v in values) and len(set(numbers)) > 3:
        return _number_axis(values, min(numbers), max(numbers))
    texts = [None if v is None else v if isinstance(v, str) else dump_line(v) for v in values]
    known = sorted({t for t in texts if t is not None}, key=lambda t: (len(t), t))
    height_of = {t: (i / (len(known) - 1) if len(known) > 1 else 0.5) for i, t in enumerate(known)}
    heights = np.array([np.nan if t is None else height_of[t] for t in texts])
    return heights, [(h, t if len(t) <= _MAX_LABEL else f"{t[:_MAX_LABEL]}…") for t, h in height_of.items()]


def _number_axis(values: Sequence[float | None], low: float, high: float) -> tuple[np.ndarray, Ticks]:
    scale = math.log if low > 0 and high / low > _LOG_RATIO else float
    bottom, top = scale(low), scale(high)
    heights = np.array([np.nan if v is None else (scale(v) - bottom) / (top - bottom) for v in values])
    return heights, [(0.0, f"{low:.3g}"), (1.0, f"{high:.3g}")]


def _short_key(key: str) -> str:
    """Return the last parts of a key, which tell it from others."""
    parts = [part for part in key.split(".") if not part.isdigit()]
    return "\n".join(parts[-2:]) if len(parts) > 1 else key
