"""A recipe's search space as keras-tuner's hyperparameters, and back.

keras-tuner knows numbers, and choices among numbers or texts. Values of other kinds, such as lists of widths, stand for
it as one line of YAML.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from zoo.recipe.source import dump_line, parse_value
from zoo.recipe.space import Dimension

_DIGITS = 4  # of a number that a tuner draws: fewer are easier to read, and make no difference
_GRID_POINTS = 5  # values of a range in a grid, where it has no step


def hyperparameters(dimensions: Sequence[Dimension], *, grid: bool = False) -> Any:
    """Return a space as keras-tuner's `HyperParameters`, whose defaults are the recipe's own values.

    Args:
        dimensions: the space; keys stand before those that depend on them.
        grid: turn ranges into a few values each.
    """
    from keras_tuner.engine import hyperparameters as kinds
    from keras_tuner.src.engine.conditions import Parent

    space = kinds.HyperParameters()
    known = {d.key: d for d in dimensions}
    for d in dimensions:
        conditions = [Parent(parent, [_plain(known[parent], value) for value in allowed]) for parent, allowed in d.when]
        made: Any
        if d.kind == "choice" or grid:
            options = _options(d)
            own = _plain(d, d.own)
            made = kinds.Choice(d.key, options, default=own if own in options else options[0], conditions=conditions)
        elif d.whole:
            step = int(d.step) if d.step else None
            made = kinds.Int(d.key, *d.values, step, d.kind, default=_inside(d), conditions=conditions)
        else:
            made = kinds.Float(d.key, *d.values, d.step, d.kind, default=_inside(d), conditions=conditions)
        space.merge([made])
    return space


def decoded(dimensions: Sequence[Dimension], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a trial's values as a recipe has them; what the tuner keeps for itself is left out."""
    found = {}
    for d in dimensions:
        if d.key in values:
            value = values[d.key]
            found[d.key] = parse_value(value) if _coded(d) else value
    return found


def rounded(dimensions: Sequence[Dimension], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values with the numbers that a tuner drew from a range rounded, and inside it."""
    found = dict(values)
    for d in dimensions:
        if d.kind != "choice" and d.key in found:
            value = found[d.key] if d.whole else float(f"{found[d.key]:.{_DIGITS}g}")
            found[d.key] = min(max(value, d.values[0]), d.values[1])
    return found


def _options(d: Dimension) -> list[Any]:
    """Return what there is to choose from, the recipe's own value among them."""
    values = [_plain(d, value) for value in (d.values if d.kind == "choice" else _points(d))]
    return values if d.own is None or _plain(d, d.own) in values else [_plain(d, d.own), *values]


def _points(d: Dimension) -> list[Any]:
    low, high = d.values
    if d.kind == "linear" and d.step:
        count = int((high - low) / d.step + 1e-9) + 1
        points = [low + i * d.step for i in range(count)]
    elif d.kind == "linear":
        points = [low + (high - low) * i / (_GRID_POINTS - 1) for i in range(_GRID_POINTS)]
    else:
        points = [low * (high / low) ** (i / (_GRID_POINTS - 1)) for i in range(_GRID_POINTS)]
    points = [round(p) for p in points] if d.whole else [float(f"{p:.{_DIGITS}g}") for p in points]
    return list(dict.fromkeys(points))


def _coded(d: Dimension) -> bool:
    """Whether the values of a choice stand for keras-tuner as text: they are not all numbers of one kind."""
    if d.kind != "choice":
        return False
    kinds = {type(v) for v in [*d.values, *([] if d.own is None else [d.own])]}
    return kinds not in ({int}, {float})


def _plain(d: Dimension, value: Any) -> Any:
    return dump_line(value) if _coded(d) else value


def _inside(d: Dimension) -> Any:
    """Return the recipe's own value, or the bound next to it."""
    low, high = d.values
    if d.own is None or isinstance(d.own, bool) or not isinstance(d.own, int | float):
        return low
    return type(low)(min(max(d.own, low), high))
