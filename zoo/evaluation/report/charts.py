"""Plots of single kinds of task, as inline SVG like those of `plots`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from zoo.evaluation.report.plots import FIRST, INK, QUIET, SECOND, new_figure, percent, to_svg

_DASHED = (0, (3, 2))


@dataclass(frozen=True)
class Forecast:
    """One forecast, and where it begins.

    Attributes:
        start: step of its first value, on the axis of the plot.
        model: shape `(horizon,)`.
        baseline: shape `(horizon,)`, or None.
    """

    start: int
    model: np.ndarray
    baseline: np.ndarray | None = None


def forecasts(steps: np.ndarray, truth: np.ndarray, windows: Sequence[Forecast], *, wide: bool = False) -> str:
    """Draw a series with forecasts of it.

    Args:
        steps: where the true values stand, shape `(time,)`.
        truth: the true values, shape `(time,)`.
        windows: the forecasts, in the order of time.
        wide: whether the plot fills the page's width.
    """
    figure, axes = new_figure(height=2.7 if wide else 2.3, width=8.2 if wide else 3.9)
    axes.plot(steps, truth, color=INK, linewidth=1.1, label="truth")
    for i, window in enumerate(windows):
        x = window.start + np.arange(len(window.model))
        if i == 0 or not wide:
            axes.axvline(window.start - 0.5, color=QUIET, linewidth=1, linestyle=(0, (3, 3)))
        if window.baseline is not None:
            label = "baseline" if i == 0 else None
            axes.plot(x, window.baseline, color=SECOND, linewidth=1.2, linestyle=_DASHED, label=label)
        label = "model" if i == 0 else None
        axes.plot(x, window.model, color=FIRST, linewidth=1.6, label=label, marker="o", markersize=2.5)
        if wide:
            axes.axvspan(x[0] - 0.5, x[-1] + 0.5, color=QUIET, alpha=0.09 if i % 2 else 0.0, linewidth=0)
    axes.set_xlabel("steps from the first forecast" if wide else "steps ahead")
    axes.margins(x=0.01)
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0, ncols=3)
    return to_svg(
        figure, f"forecast-{windows[0].start}-{len(windows)}-{truth.sum():.6g}", "forecasts against the truth"
    )


def step_errors(model: Sequence[float], baseline: Sequence[float] | None) -> str:
    """Draw the scaled error by step ahead."""
    figure, axes = new_figure()
    steps = np.arange(1, len(model) + 1)
    few = "o" if len(steps) < 25 else None
    if baseline is not None:
        axes.plot(steps, baseline, color=SECOND, linestyle=_DASHED, label="baseline", marker=few, markersize=3)
    axes.plot(steps, model, color=FIRST, label="model", marker=few, markersize=3)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("steps ahead")
    axes.set_ylabel("scaled error")
    axes.legend(loc="best")
    return to_svg(figure, "step_errors", "mean scaled error by step ahead, for model and baseline")


def positions(model: Sequence[float | None], baseline: Sequence[float | None] | None) -> str | None:
    """Draw bits per token by position in the window; None if fewer than two positions count."""
    figure, axes = new_figure()
    for values, color, style, label in ((baseline, SECOND, _DASHED, "baseline"), (model, FIRST, "-", "model")):
        if values is None:
            continue
        y = np.array([np.nan if v is None else v for v in values], dtype=np.float64)
        if np.isfinite(y).sum() < 2:
            return None
        x = np.flatnonzero(np.isfinite(y))
        few = "o" if len(x) < 25 else None
        axes.plot(x + 1, y[x], color=color, linestyle=style, label=label, linewidth=1.2, marker=few, markersize=3)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("position in the window")
    axes.set_ylabel("bits per token")
    axes.legend(loc="best")
    return to_svg(figure, "positions", "bits per token by position in the window")


def by_length(rows: Sequence[Mapping[str, Any]]) -> str:
    """Draw exact match and error rate by length of the target, and below the number of examples."""
    figure, (axes, below) = new_figure(rows=2, height=3.5)
    x = np.arange(len(rows))
    few = "o" if len(rows) < 25 else None
    axes.plot(x, [row["exact_match"] for row in rows], color=FIRST, label="exact match", marker=few, markersize=4)
    error = np.array([np.nan if row["error_rate"] is None else row["error_rate"] for row in rows], dtype=np.float64)
    axes.plot(x, error, color=SECOND, label="error rate", marker=few, markersize=4, linestyle=_DASHED)
    below.bar(x, [row["examples"] for row in rows], width=0.8, color=QUIET)
    names = [str(r["low"]) if r["low"] == r["high"] else f"{r['low']}–{r['high']}" for r in rows]
    below.set_xticks(x, names, rotation=45 if len(rows) > 7 and max(map(len, names)) > 2 else 0)
    below.set_xlabel("symbols in the target")
    below.set_ylabel("examples")
    axes.set_ylim(-0.02, max(1.02, 1.05 * np.nanmax(np.append(error, 0))))
    percent(axes.yaxis)
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0, ncols=2)
    return to_svg(figure, "by_length", "exact matches and error rate by length of the target")


def precision_recall(recall: Sequence[float], mean: Sequence[float], classes: Mapping[str, Sequence[float]]) -> str:
    """Draw precision against recall: the mean over the classes, and each class as a thin line if there are few."""
    figure, axes = new_figure(height=3.0)
    for values in classes.values() if len(classes) <= 20 else ():
        axes.plot(recall, values, color=QUIET, linewidth=0.7, alpha=0.7)
    axes.plot(recall, mean, color=FIRST, linewidth=1.8, label="mean over the classes")
    if 1 < len(classes) <= 20:
        axes.plot([], [], color=QUIET, linewidth=0.7, label="each class")
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.02)
    axes.set_xlabel("recall")
    axes.set_ylabel("precision")
    for axis in (axes.xaxis, axes.yaxis):
        percent(axis)
    axes.legend(loc="lower left")
    return to_svg(figure, "precision_recall", "precision against recall at an intersection over union of 0.5")


def roc_curves(curves: Mapping[str, Mapping[str, Any] | None]) -> str | None:
    """Draw the true against the false positive rate; None without a curve of the model.

    Args:
        curves: `model` and `baseline`, each with `false_positive_rate` and `true_positive_rate`, or None.
    """
    if curves["model"] is None:
        return None
    figure, axes = new_figure()
    axes.plot([0, 1], [0, 1], color=QUIET, linewidth=1, linestyle=(0, (3, 3)), label="chance")
    for name, color in (("baseline", SECOND), ("model", FIRST)):
        curve = curves[name]
        if curve is not None:
            axes.plot(curve["false_positive_rate"], curve["true_positive_rate"], color=color, label=name)
    axes.set_xlabel("normal examples called abnormal")
    axes.set_ylabel("abnormal examples found")
    for axis in (axes.xaxis, axes.yaxis):
        percent(axis)
    axes.legend(loc="lower right")
    return to_svg(figure, "roc", "receiver operating characteristic of model and baseline")


def score_histogram(histogram: Mapping[str, Any], threshold: float | None) -> str:
    """Draw histograms of the scores of normal and of abnormal examples.

    Args:
        histogram: `edges` of the bins, and the number of `normal` and `abnormal` examples in each.
        threshold: score above which an example is called abnormal, or None.
    """
    figure, axes = new_figure()
    edges = np.asarray(histogram["edges"], dtype=np.float64)
    for name, color in (("normal", FIRST), ("abnormal", SECOND)):
        counts = np.asarray(histogram[name], dtype=np.float64)
        axes.stairs(counts / max(1.0, counts.sum()), edges, fill=True, alpha=0.5, color=color, label=name)
    if threshold is not None:
        axes.axvline(threshold, color=INK, linewidth=1, linestyle=(0, (3, 3)), label="threshold")
    axes.set_xlabel("score")
    axes.set_ylabel("fraction of examples")
    percent(axes.yaxis)
    axes.legend(loc="upper right")
    return to_svg(figure, "scores", "histogram of the scores of normal and abnormal test examples")


def class_rates(classes: Mapping[str, Any]) -> str:
    """Draw how often a classifier finds each class among generated and among real images.

    Args:
        classes: `labels`, and their rates: `shares` among the generated images, `real_shares` among the real ones.
    """
    figure, axes = new_figure()
    places = np.arange(len(classes["labels"]))
    axes.bar(places - 0.2, classes["shares"], 0.4, color=FIRST, label="generated")
    axes.bar(places + 0.2, classes["real_shares"], 0.4, color=QUIET, label="real")
    if len(places) <= 20:
        axes.set_xticks(places, classes["labels"], rotation=0 if max(map(len, classes["labels"])) < 3 else 90)
    percent(axes.yaxis)
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0, ncols=2)
    return to_svg(figure, "classes", "rate of each class among generated and real images")


def gan_losses(history: Sequence[Mapping[str, Any]]) -> str | None:
    """Draw the losses of generator and discriminator over the epochs; None if the history has none."""
    if not history or "generator_loss" not in history[0]:
        return None
    figure, axes = new_figure()
    epochs = np.arange(1, len(history) + 1)
    for name, color in (("generator", FIRST), ("discriminator", SECOND)):
        axes.plot(epochs, [row[f"{name}_loss"] for row in history], color=color, label=name)
    axes.set_xlabel("epoch")
    axes.set_ylabel("loss")
    axes.legend(loc="best")
    return to_svg(figure, "gan_losses", "loss of generator and discriminator per epoch")


def layout(points: np.ndarray, labels: np.ndarray, names: Sequence[str]) -> str:
    """Draw points of the plane, coloured by class, with the name of each class at the median of its points.

    Args:
        points: shape `(n, 2)`.
        labels: class of each, shape `(n,)`.
        names: names of the classes.
    """
    from matplotlib import colormaps

    figure, axes = new_figure(height=5.2, width=6.4)
    shades = 10 if len(names) <= 10 else 20
    colors = colormaps[f"tab{shades}"](np.arange(shades))
    for label in np.unique(labels):
        own = points[labels == label]
        axes.plot(
            *own.T, ".", label=names[label], color=colors[label % shades], markersize=8, alpha=0.7, markeredgewidth=0
        )
    if len(names) <= shades:
        for label in np.unique(labels):
            x, y = np.median(points[labels == label], axis=0)
            axes.text(x, y, names[label], color=INK, ha="center", va="center", fontsize=9, fontweight="bold")
    axes.grid(False)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[["left", "bottom"]].set_visible(False)
    return to_svg(figure, f"layout-{len(points)}", "test embeddings in the plane, coloured by class")
