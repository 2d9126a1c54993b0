"""A recipe's search space as keras-tuner's hyperparameters, and back.

keras-tuner knows numbers and text. Values of other kinds, such as lists of widths, stand for it as one line of YAML.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from keras_tuner import HyperParameters
from keras_tuner.engine.hyperparameters import Choice, Float, HyperParameter, Int

from zoo.recipe.source import dump_line, parse_value
from zoo.recipe.space import Dimension
from zoo.search.keras_tuner_internals import Parent

_SIGNIFICANT_DIGITS = 4  # of a number that a tuner draws: short numbers are easier to read
_GRID_POINTS = 5  # values of a range in a grid, where it has no step


def hyperparameters(dimensions: Sequence[Dimension], *, grid: bool = False) -> HyperParameters:
    """Return a space as keras-tuner's `HyperParameters`, whose defaults are the recipe's own values.

    Args:
        dimensions: the space; keys stand before those that depend on them.
        grid: turn ranges into a few values each.
    """
    space = HyperParameters()
    known = {d.key: d for d in dimensions}
    for d in dimensions:
        conditions = [Parent(parent, [_encoded(known[parent], v) for v in allowed]) for parent, allowed in d.when]
        space.merge([_hyperparameter(d, conditions, grid=grid)])
    return space


def _hyperparameter(d: Dimension, conditions: list[Parent], *, grid: bool) -> HyperParameter:
    if d.kind == "choice" or grid:
        options, own = _options(d), _encoded(d, d.own)
        return Choice(d.key, options, default=own if own in options else options[0], conditions=conditions)
    low, high = d.values
    if d.whole:
        step = int(d.step) if d.step else None
        return Int(d.key, low, high, step, d.kind, default=_clipped_own(d), conditions=conditions)
    return Float(d.key, low, high, d.step, d.kind, default=_clipped_own(d), conditions=conditions)


def decoded(dimensions: Sequence[Dimension], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a trial's values as a recipe has them; keys of keras-tuner's own are left out."""
    return {
        d.key: parse_value(values[d.key]) if _is_encoded(d) else values[d.key] for d in dimensions if d.key in values
    }


def rounded(dimensions: Sequence[Dimension], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values with the numbers that a tuner drew from a range rounded, and inside it."""
    found = dict(values)
    for d in dimensions:
        if d.kind != "choice" and d.key in found:
            value = found[d.key] if d.whole else _short(found[d.key])
            found[d.key] = min(max(value, d.values[0]), d.values[1])
    return found


def _options(d: Dimension) -> list[Any]:
    """Return what there is to choose from, the recipe's own value among them."""
    values = [_encoded(d, value) for value in (d.values if d.kind == "choice" else _grid_points(d))]
    return values if d.own is None or _encoded(d, d.own) in values else [_encoded(d, d.own), *values]


def _grid_points(d: Dimension) -> list[Any]:
    low, high = d.values
    if d.kind == "linear" and d.step:
        points = low + d.step * np.arange(int((high - low) / d.step + 1e-9) + 1)  # 1e-9: both bounds are in
    else:
        points = (np.linspace if d.kind == "linear" else np.geomspace)(low, high, _GRID_POINTS)
    return list(dict.fromkeys(round(p) if d.whole else _short(p) for p in points.tolist()))


def _short(number: float) -> float:
    return float(f"{number:.{_SIGNIFICANT_DIGITS}g}")


def _is_encoded(d: Dimension) -> bool:
    """Return whether keras-tuner sees the values of a choice as text: they are not all numbers of one kind."""
    if d.kind != "choice":
        return False
    kinds = {type(v) for v in [*d.values, *([] if d.own is None else [d.own])]}
    return kinds not in ({int}, {float})


def _encoded(d: Dimension, value: Any) -> Any:
    return dump_line(value) if _is_encoded(d) else value


def _clipped_own(d: Dimension) -> Any:
    """Return the recipe's own value, or the bound next to it."""
    low, high = d.values
    if d.own is None or isinstance(d.own, bool) or not isinstance(d.own, int | float):
        return low
    return type(low)(min(max(d.own, low), high))
