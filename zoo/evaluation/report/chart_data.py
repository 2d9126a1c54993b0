"""What a chart's script needs: where its points are in the drawing, and what they say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

POINTS_PER_INCH = 72  # units of an SVG drawing
MAX_POINTS = 500  # of one line; of more, as many are taken at even distances
MAX_TICK_DISTANCE = 0.5  # of what bears the name of a tick; bars of one name stand beside it


def chart_data(figure: Figure) -> list[dict[str, Any]]:
    """Return the labeled lines and bars of a figure that has been drawn.

    Returns:
        For each, `label`, `color`, what its axes are called (`x_label`, `y_label`), the places of its points in the
        drawing (`x`, `y`, from the top left corner), their values as texts (`x_text`, `y_text`), and whether they are
        `scattered`: points that no line joins. Of axes that have labeled ones, those without a label are left out.
    """
    height = figure.get_figheight() * POINTS_PER_INCH
    found = []
    for axes in figure.axes:
        drawn = (*_lines(axes), *_bars(axes))
        if any(label for label, *_ in drawn):
            drawn = tuple(each for each in drawn if each[0])
        for label, color, xy, is_scattered in drawn:
            xy = xy[np.isfinite(xy).all(axis=1)]
            if len(xy) > MAX_POINTS:
                xy = xy[np.linspace(0, len(xy) - 1, MAX_POINTS).round().astype(int)]
            places = axes.transData.transform(xy) * POINTS_PER_INCH / figure.dpi
            found.append(
                {
                    "label": label,
                    "color": color,
                    "x_label": _name(axes, "x"),
                    "y_label": axes.get_ylabel(),
                    "x": places[:, 0].round(1).tolist(),
                    "y": (height - places[:, 1]).round(1).tolist(),
                    "x_text": [_text(axes.xaxis, value) for value in xy[:, 0]],
                    "y_text": [_text(axes.yaxis, value) for value in xy[:, 1]],
                    "scattered": is_scattered,
                }
            )
    return [series for series in found if series["x"]]


def _name(axes: Axes, which: str) -> str:
    """Return what an axis is called: of plots that stand above each other and share it, the lowest says it."""
    own = str(getattr(axes, f"get_{which}label")())
    shared = getattr(axes, f"get_shared_{which}_axes")().get_siblings(axes)
    return own or next(filter(None, (str(getattr(each, f"get_{which}label")()) for each in shared)), "")


def _lines(axes: Axes) -> Iterator[tuple[str, str, np.ndarray, bool]]:
    from matplotlib.colors import to_hex

    for line in axes.lines:
        xy = np.column_stack([np.asarray(line.get_xdata(), float), np.asarray(line.get_ydata(), float)])
        is_guide = line.get_linestyle() not in ("-", "None") and len(xy) == 2  # such as a diagonal
        if line.get_transform() == axes.transData and not is_guide and len(xy):
            is_scattered = line.get_linestyle() == "None" and len(xy) > 1
            yield _label(str(line.get_label())), to_hex(line.get_color()), xy, is_scattered


def _bars(axes: Axes) -> Iterator[tuple[str, str, np.ndarray, bool]]:
    from matplotlib.colors import to_hex
    from matplotlib.container import BarContainer
    from matplotlib.patches import StepPatch

    for bars in axes.containers:
        if isinstance(bars, BarContainer) and len(bars.patches):
            tops = [(bar.get_x() + bar.get_width() / 2, bar.get_y() + bar.get_height()) for bar in bars.patches]
            xy = np.asarray(tops, float)
            yield _label(str(bars.get_label())), to_hex(bars.patches[0].get_facecolor()), xy, False
    for patch in axes.patches:
        if isinstance(patch, StepPatch):
            values, edges, _ = patch.get_data()
            xy = np.column_stack([(edges[1:] + edges[:-1]) / 2, values])
            yield _label(str(patch.get_label())), to_hex(patch.get_facecolor()), xy, False


def _label(text: str) -> str:
    """Return a label; matplotlib begins those that nobody gave with an underscore."""
    return "" if text.startswith("_") else text


def _text(axis: Axis, value: float) -> str:
    """Write a value as the axis does: the name of a tick that stands there, a percentage, or four digits."""
    from matplotlib.ticker import FixedLocator, PercentFormatter

    if isinstance(axis.get_major_formatter(), PercentFormatter):
        return f"{value:.1%}"
    places = np.asarray(axis.get_ticklocs(), float)
    if isinstance(axis.get_major_locator(), FixedLocator) and len(places):  # its ticks have names
        nearest = int(np.abs(places - value).argmin())
        name = str(axis.get_major_formatter().format_ticks(places.tolist())[nearest])
        return name if abs(places[nearest] - value) < MAX_TICK_DISTANCE else f"{value:.4g}"
    return f"{value:.0f}" if float(value).is_integer() and abs(value) < 1e6 else f"{value:.4g}"
