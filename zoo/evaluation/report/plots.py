"""The report's plots as inline SVG: text stays text, colours are CSS variables, and output is reproducible."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.evaluation.metrics.classification import CALIBRATION_BINS, reliability
from zoo.evaluation.metrics.names import PERCENT, TITLES
from zoo.evaluation.report.chart_data import chart_data

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

# Light-mode colours; in the SVG each becomes a CSS variable, so that the page can restyle it in dark mode.
INK = "#1f2430"
QUIET = "#6b7280"
FIRST = "#2563eb"
SECOND = "#d9540b"
_VARIABLES = {INK: "--ink", QUIET: "--quiet", FIRST: "--first", SECOND: "--second"}
MAX_SCATTER_POINTS = 1000  # more cover each other


def curves(history: Sequence[Mapping[str, Any]], name: str, marked: tuple[str, int] | None) -> str | None:
    """Draw a metric or loss over the epochs, for training and validation; None if the history lacks it.

    Args:
        history: one mapping an epoch.
        name: key in the history; `val_` before it is the validation's.
        marked: what is marked, such as "kept", and its epoch, counted from 1.
    """
    series = curves_of(history, name)
    if not series:
        return None
    figure, axes = new_figure()
    draw_curves(axes, series, name)
    if marked is not None and f"val_{name}" in series:
        what, epoch = marked
        axes.axvline(epoch, color=QUIET, linewidth=1, linestyle=(0, (3, 3)))
        value = series[f"val_{name}"][epoch - 1]
        axes.plot([epoch], [value], "o", color=SECOND, markersize=7, label=f"{what} epoch: {epoch}")
    axes.legend(loc="best")
    splits = " and ".join("validation" if key.startswith("val_") else "training" for key in series)
    return to_svg(figure, name, f"{title_of(name)} per epoch for {splits}")


def curves_of(history: Sequence[Mapping[str, Any]], name: str) -> dict[str, np.ndarray]:
    """Return the values of a metric or loss by epoch, for training and validation where they are finite."""
    series = {key: _column(history, key) for key in (name, f"val_{name}")}
    return {key: values for key, values in series.items() if np.isfinite(values).any()}


def draw_curves(axes: Axes, series: Mapping[str, np.ndarray], name: str) -> None:
    """Draw what `curves_of` returns for a metric or loss."""
    for key, values in series.items():
        validation = key.startswith("val_")
        axes.plot(
            np.arange(1, len(values) + 1),
            values,
            color=SECOND if validation else FIRST,
            label="validation" if validation else "training",
            marker="o" if len(values) < 25 else None,
            markersize=3,
        )
    if name in PERCENT:
        percent(axes.yaxis)
    _epochs(axes, len(next(iter(series.values()))))


def title_of(name: str) -> str:
    """Return what the page calls a metric or loss."""
    return TITLES.get(name, name.replace("_", " "))


def learning_rate(history: Sequence[Mapping[str, Any]]) -> str | None:
    """Draw the learning rate over the epochs; None if the history lacks it."""
    values = _column(history, "learning_rate")
    if not np.isfinite(values).any():
        return None
    figure, axes = new_figure()
    axes.plot(np.arange(1, len(values) + 1), values, color=FIRST)
    axes.ticklabel_format(axis="y", style="sci", scilimits=(-2, 3), useMathText=False)
    axes.set_ylim(bottom=0)
    _epochs(axes, len(history))
    return to_svg(figure, "learning_rate", "learning rate per epoch")


def calibration(y: np.ndarray, probabilities: np.ndarray, baseline: np.ndarray | None = None) -> str:
    """Draw the reliability diagram: accuracy against confidence, and below it a histogram of the confidence.

    Args:
        y: class indices, shape `(n,)`.
        probabilities: shape `(n, classes)`.
        baseline: the baseline's probabilities, shape `(n, classes)`, or None.
    """
    figure, (axes, below) = new_figure(rows=2, height=3.7)
    axes.plot([0, 1], [0, 1], color=QUIET, linewidth=1, linestyle=(0, (3, 3)), label="perfect calibration")
    for output, color, label in ((baseline, QUIET, "baseline"), (probabilities, FIRST, "model")):
        if output is not None:
            bins = reliability(y, output)
            used = bins["count"] > 0
            count = bins["count"][used]
            x, height = bins["confidence"][used] / count, bins["correct"][used] / count
            axes.plot(x, height, color=color, label=label, marker="o", markersize=3.5 if label == "model" else 2.5)
    edges = np.arange(CALIBRATION_BINS) / CALIBRATION_BINS
    fraction = reliability(y, probabilities)["count"] / len(y)
    below.bar(edges, fraction, width=1 / CALIBRATION_BINS * 0.9, align="edge", color=FIRST)
    axes.set_ylabel("accuracy")
    below.set_ylabel("examples")
    below.set_xlabel("confidence")
    for axis in (axes.yaxis, below.yaxis, below.xaxis):
        percent(axis)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.02)
    axes.legend(loc="upper left")
    return to_svg(figure, "calibration", "reliability diagram: accuracy against confidence, and fraction of examples")


def scatter(y: np.ndarray, prediction: np.ndarray) -> str:
    """Draw predicted against true values, at most 1000 points.

    Args:
        y: true values, shape `(n,)`.
        prediction: predicted values, shape `(n,)`.
    """
    figure, axes = new_figure()
    chosen = np.random.default_rng(0).permutation(len(y))[:MAX_SCATTER_POINTS]
    low, high = min(y.min(), prediction.min()), max(y.max(), prediction.max())
    axes.plot([low, high], [low, high], color=QUIET, linewidth=1, linestyle=(0, (3, 3)), label="perfect prediction")
    axes.plot(y[chosen], prediction[chosen], "o", color=FIRST, markersize=3, alpha=0.5, markeredgewidth=0)
    axes.set_xlabel("true")
    axes.set_ylabel("predicted")
    axes.legend(loc="upper left")
    return to_svg(figure, "scatter", "predicted against true values on the test split")


def residuals(y: np.ndarray, prediction: np.ndarray, baseline: np.ndarray | None = None) -> str:
    """Draw the histogram of the errors (predicted - true), with the baseline's as an outline.

    Args:
        y: true values, shape `(n,)`.
        prediction: predicted values, shape `(n,)`.
        baseline: the baseline's predictions, shape `(n,)`, or None.
    """
    figure, axes = new_figure()
    errors = [prediction - y] + ([] if baseline is None else [baseline - y])
    bins = np.histogram_bin_edges(np.concatenate(errors), bins=30)
    axes.hist(errors[0], bins=bins, color=FIRST, alpha=0.75, label="model")
    if baseline is not None:
        axes.hist(errors[1], bins=bins, histtype="step", color=QUIET, linewidth=1.2, label="baseline")
        axes.legend(loc="best")
    axes.axvline(0, color=INK, linewidth=1)
    axes.set_xlabel("predicted \N{MINUS SIGN} true")
    axes.set_ylabel("test examples")
    return to_svg(figure, "residuals", "histogram of the residuals on the test split")


def new_figure(rows: int = 1, height: float = 2.5, width: float = 3.9) -> tuple[Figure, Any]:
    """Return a figure, sizes in inches, and its axes: one, or two with the second a third of the first's height."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots(rows, 1, sharex=True, height_ratios=[3, 1][:rows])
    for each in np.atleast_1d(axes):
        set_style(each)
    return figure, axes


def set_style(axes: Axes) -> None:
    """Draw axes as the page does: no frame, quiet ticks, horizontal lines."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(QUIET)
    axes.tick_params(colors=QUIET, labelsize=9)
    axes.xaxis.label.set_color(INK)
    axes.yaxis.label.set_color(INK)
    axes.grid(axis="y", color=QUIET, alpha=0.2, linewidth=0.8)
    axes.set_axisbelow(True)


def to_svg(figure: Figure, name: str, alt: str) -> str:
    """Write the figure as an SVG element for use inline in a page, followed by what the page's script needs."""
    from html import escape

    import matplotlib
    from matplotlib.colors import to_hex
    from matplotlib.text import Text

    for axes in figure.axes:
        legend = axes.get_legend()
        if legend:
            legend.get_frame().set(facecolor="none", edgecolor="none")
            for text in legend.get_texts():
                text.set(color=INK, fontsize=9)
    for text in figure.findobj(Text):
        text.set_parse_math(False)  # a `$` in the name of a class is a dollar
    buffer = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": name, "text.parse_math": False}):
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>|<defs>\s*<style.*?</style>\s*</defs>", "", svg, flags=re.DOTALL)
    for color, variable in _VARIABLES.items():
        svg = svg.replace(to_hex(color), f"var({variable}, {color})")
    svg = re.sub(r' transform="rotate\(-0 [^)]*\)"| ?font-family: [^;"]*;?', "", svg)
    used = set(re.findall(r"#([\w-]+)", svg))
    svg = re.sub(r' id="([^"]+)"', lambda found: found[0] if found[1] in used else "", svg)
    svg = svg.replace("<svg ", f'<svg role="img" aria-label="{escape(alt)}" ', 1)
    return svg + _pointer_data(figure)


def _pointer_data(figure: Figure) -> str:
    """Return the elements by which `report.js` answers to pointer and keyboard; none where nothing has a point."""
    import json

    lines = chart_data(figure)
    if not lines:
        return ""
    names = {color: f"var({name}, {color})" for color, name in _VARIABLES.items()}
    for line in lines:
        line["color"] = names.get(line["color"], line["color"])
    data = json.dumps(lines, separators=(",", ":")).replace("<", "\\u003c")
    return f'<script type="application/json">{data}</script><p class="readout" aria-live="polite"></p>'


def _column(history: Sequence[Mapping[str, Any]], name: str) -> np.ndarray:
    return np.array([np.nan if row.get(name) is None else row[name] for row in history], dtype=np.float64)


def _epochs(axes: Axes, epochs: int) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=10, min_n_ticks=1))
    axes.set_xlim(0.5, max(epochs, 2) + 0.5)


def percent(axis: Axis) -> None:
    """Write an axis' values as percentages."""
    from matplotlib.ticker import PercentFormatter

    axis.set_major_formatter(PercentFormatter(xmax=1, decimals=None))
