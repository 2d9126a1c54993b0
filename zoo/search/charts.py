"""The figures of a search's report, drawn as those of a run's."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from zoo.evaluation.metrics.names import PERCENT
from zoo.evaluation.report.plots import FIRST, INK, QUIET, SECOND, new_figure, percent, to_svg
from zoo.recipe.source import dump_line
from zoo.search.records import Record

_LONGEST = 14  # characters of a value on an axis


def over_time(report: Mapping[str, Any], trials: Sequence[Record]) -> str:
    """Draw each trial's figure in the order in which they ended, and the best up to there."""
    from matplotlib.ticker import MaxNLocator

    ended = sorted((t for t in trials if t.ended is not None), key=lambda t: t.ended or 0)
    known = [(i + 1, t.figure, t.number) for i, t in enumerate(ended) if t.figure is not None]
    figure, axes = new_figure(height=3.0, width=8.2)
    x, y = [k[0] for k in known], [k[1] for k in known]
    best = np.maximum.accumulate(y) if report["greater_is_better"] else np.minimum.accumulate(y)
    axes.step(x, best, color=FIRST, where="post", label="best so far")
    axes.plot(x, y, "o", color=QUIET, markersize=4, label="trial")
    own = [(i, value) for i, value, number in known if number == 0]
    if own:
        axes.plot(*zip(*own, strict=True), "o", color=SECOND, markersize=7, label="the recipe's own values")
    _scale(axes, report, y)
    axes.set_xlabel("trials ended")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlim(0.5, max(2, len(ended)) + 0.5)
    axes.legend(loc="best")
    return to_svg(figure, "over_time", "figure of each trial and best so far, in the order in which trials ended")


def coordinates(report: Mapping[str, Any], trials: Sequence[Record]) -> str | None:
    """Draw a line for each trial through its values and its figure; the best quarter stands out."""
    keys = [key for key in report["keys"] if len({dump_line(_value(t, key)) for t in trials}) > 1]
    if not keys or len(trials) < 2:
        return None
    figure, axes = new_figure(height=3.6, width=8.2)
    columns = [_axis([_value(t, key) for t in trials]) for key in keys]
    scores = _axis([t.figure for t in trials])
    heights = np.stack([c[0] for c in [*columns, scores]], axis=1)
    sign = -1 if report["greater_is_better"] else 1
    order = sorted(range(len(trials)), key=lambda i: sign * (trials[i].score or 0.0))
    leading = set(order[: max(1, len(trials) // 4)])
    x = np.arange(len(keys) + 1)
    for i in reversed(order):
        color, alpha, width = (FIRST, 0.8, 1.4) if i in leading else (QUIET, 0.3, 1.0)
        if i == order[0]:
            alpha, width = 1.0, 3.0
        if trials[i].number == 0:
            color, alpha, width = SECOND, 1.0, 2.0
        axes.plot(x, heights[i], color=color, alpha=alpha, linewidth=width)
    for i, (_, ticks) in enumerate([*columns, scores]):
        axes.axvline(i, color=INK, linewidth=0.8)
        for at, text in ticks:
            axes.annotate(
                text, (i, at), (3, 0), textcoords="offset points", color=INK, fontsize=8, va="center", alpha=0.9
            )
    axes.set_xticks(x, [_short_key(key) for key in [*keys, report["objective"]]])
    axes.set_yticks([])
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.grid(False)
    axes.set_xlim(-0.1, len(keys) + 0.5)
    return to_svg(
        figure, "coordinates", "parallel coordinates: a line for each trial through its values and its figure"
    )


def importances(found: Mapping[str, Any] | None) -> str | None:
    """Draw each key's share."""
    if found is None or not any(found["shares"].values()):
        return None
    pairs = sorted(found["shares"].items(), key=lambda pair: pair[1])
    figure, axes = new_figure(height=0.7 + 0.3 * len(pairs), width=5.5)
    axes.barh([_short_key(key) for key, _ in pairs], [share for _, share in pairs], color=FIRST, height=0.6)
    axes.grid(False)
    axes.set_xlim(0, 1)
    percent(axes.xaxis)
    return to_svg(figure, "importance", "share of each key in what a forest says of the score")


def against_cost(report: Mapping[str, Any], trials: Sequence[Record]) -> str | None:
    """Draw figure against cost, or against parameters where no cost was asked for; what nothing beats is joined."""
    cost = report["cost"]
    known = [(t, t.cost if cost else (t.parameters or 0) / 1000) for t in trials if t.figure is not None]
    if len(known) < 2 or len({c for _, c in known}) < 2:
        return None
    figure, axes = new_figure(height=3.0, width=5.5)
    axes.plot([c for _, c in known], [t.figure for t, _ in known], "o", color=QUIET, markersize=4, label="trial")
    sign = -1 if report["greater_is_better"] else 1
    front: list[tuple[float, float]] = []
    for t, c in sorted(known, key=lambda pair: (pair[1], sign * (pair[0].figure or 0.0))):
        if not front or sign * (t.figure or 0.0) < sign * front[-1][1]:
            front.append((c or 0.0, t.figure or 0.0))
    axes.step(*zip(*front, strict=True), where="post", color=FIRST, marker="o", markersize=5, label="Pareto front")
    own = [(c, t.figure) for t, c in known if t.number == 0]
    if own:
        axes.plot(*zip(*own, strict=True), "o", color=SECOND, markersize=7, label="the recipe's own values")
    _scale(axes, report, [t.figure or 0.0 for t, _ in known])
    unit = {"latency": "ms for one example", "file_size": "KB of the file"}
    axes.set_xlabel(unit.get(cost["name"] if cost else "", "thousand parameters"))
    axes.legend(loc="best")
    return to_svg(figure, "cost", "figure against cost, with the Pareto front")


def _scale(axes: Any, report: Mapping[str, Any], values: Sequence[float]) -> None:
    if report["objective"].removeprefix("val_") in PERCENT:
        from matplotlib.ticker import PercentFormatter

        spread = max(values) - min(values)
        axes.yaxis.set_major_formatter(PercentFormatter(xmax=1, decimals=1 if spread < 0.05 else 0))
    axes.set_ylabel(report["objective"].replace("_", " "))


def _value(trial: Record, key: str) -> Any:
    return trial.values.get(key, trial.proposed.get(key))


def _axis(values: Sequence[Any]) -> tuple[np.ndarray, list[tuple[float, str]]]:
    """Return heights in [0, 1], NaN where there is no value, and what stands beside the axis."""
    numbers = [v for v in values if isinstance(v, int | float) and not isinstance(v, bool)]
    if len(numbers) == sum(v is not None for v in values) and len(set(numbers)) > 3:
        low, high = min(numbers), max(numbers)
        wide = low > 0 and high / low > 20
        scale = (lambda v: math.log(v / low) / math.log(high / low)) if wide else (lambda v: (v - low) / (high - low))
        heights = np.array([np.nan if v is None else scale(v) for v in values])
        return heights, [(0.0, f"{low:.3g}"), (1.0, f"{high:.3g}")]
    texts = [None if v is None else v if isinstance(v, str) else dump_line(v) for v in values]
    known = sorted({t for t in texts if t is not None}, key=lambda t: (len(t), t))
    place = {t: (i / (len(known) - 1) if len(known) > 1 else 0.5) for i, t in enumerate(known)}
    heights = np.array([np.nan if t is None else place[t] for t in texts])
    return heights, [(h, t if len(t) <= _LONGEST else f"{t[:_LONGEST]}…") for t, h in place.items()]


def _short_key(key: str) -> str:
    """Return the last parts of a key, which tell it from others."""
    parts = [part for part in key.split(".") if not part.isdigit()]
    return "\n".join(parts[-2:]) if len(parts) > 1 else key
