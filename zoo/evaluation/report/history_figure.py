"""The curves of a training as a figure that notebooks show."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

from zoo.evaluation.report.plots import INK, curves_of, draw_curves, set_style, title_of

_WIDTH, _HEIGHT = 3.9, 2.8  # inches of the axes of one metric


class HistoryFigure(Figure):
    """A figure that a notebook shows even where matplotlib's own integration has not been loaded."""

    def _repr_png_(self) -> bytes:
        buffer = io.BytesIO()
        self.savefig(buffer, format="png")
        return buffer.getvalue()


def history_figure(history: Sequence[Mapping[str, Any]], names: Sequence[str]) -> HistoryFigure:
    """Draw metrics or losses over the epochs, side by side, for training and validation.

    Args:
        history: one mapping an epoch.
        names: keys in the history; those that it lacks are left out.
    """
    found = {name: series for name in names if (series := curves_of(history, name))}
    figure = HistoryFigure(figsize=(_WIDTH * max(1, len(found)), _HEIGHT), layout="constrained")
    for place, (name, series) in enumerate(found.items(), start=1):
        axes = figure.add_subplot(1, len(found), place)
        set_style(axes)
        draw_curves(axes, series, name)
        axes.set_title(title_of(name), color=INK, fontsize=10)
        axes.legend(loc="best")
    return figure
