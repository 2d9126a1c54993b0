"""Edits of the network, by its builder's own settings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from zoo.evaluation.report.diagnosis.edits.edit import Context, Edit, edit
from zoo.evaluation.report.diagnosis.network import DEPTHS, DROP_RATES, WIDTHS, narrowest
from zoo.recipe.source import dump_line

_MORE_DROPOUT, _MOST_DROPOUT = 0.2, 0.6
_NARROW = 16  # units: narrower layers are widened fourfold
_MIN_WIDTH = 4
_MEMBERS = 3


def scaled_width(context: Context, factor: float) -> dict[str, Any]:
    """Return the changes that widen or narrow the network; none where its builder has no such setting."""
    for name in WIDTHS:
        value = context.settings.get(name)
        if isinstance(value, int) and not isinstance(value, bool):
            return {f"model.{name}": max(_MIN_WIDTH, round(value * factor))}
        if isinstance(value, float):
            return {f"model.{name}": value * factor}
        if isinstance(value, list | tuple) and value:
            return {f"model.{name}": [max(_MIN_WIDTH, round(width * factor)) for width in value]}
        if isinstance(value, list | tuple):
            return {f"model.{name}": [64]} if factor > 1 else {}
    return {}


def wider(context: Context) -> Iterator[Edit]:
    """Yield a wider network, and a deeper one."""
    least = narrowest(context.settings)
    factor = 4 if least is not None and least < _NARROW else 2
    if least is not None and least * factor < _NARROW:
        factor = -(-2 * _NARROW // least)
    changes = scaled_width(context, factor)
    if changes:
        (key, value), *_ = changes.items()
        reason = f"The network does not hold what there is to learn: {key} {dump_line(value)}."
        yield edit("architecture", changes, reason)
    yield from deeper(context)


def deeper(context: Context) -> Iterator[Edit]:
    """Yield one more layer."""
    for name in DEPTHS:
        value = context.settings.get(name)
        if isinstance(value, int) and not isinstance(value, bool):
            yield edit("architecture", {f"model.{name}": value + 1}, f"One more layer: model.{name} {value + 1}.")
            return
    widths = context.settings.get("widths")
    if isinstance(widths, list | tuple) and widths and context.recipe.model.name == "mlp":
        more = [*widths, widths[-1]]
        yield edit("architecture", {"model.widths": more}, f"One more layer: model.widths {dump_line(more)}.")


def more_dropout(context: Context) -> Iterator[Edit]:
    """Yield more dropout, by the first of the builder's settings for it."""
    for name in DROP_RATES:
        value = context.settings.get(name)
        if isinstance(value, int | float) and value + 0.05 <= _MOST_DROPOUT:
            rate = round(min(value + _MORE_DROPOUT, _MOST_DROPOUT), 2)
            yield edit("architecture", {f"model.{name}": rate}, f"Drop more features while training: {name} {rate:g}.")
            return


def less_dropout(context: Context) -> Iterator[Edit]:
    """Yield less dropout, where there is much."""
    changes = {
        f"model.{name}": round(value / 3, 2)
        for name in DROP_RATES
        if isinstance(value := context.settings.get(name), int | float) and value >= 0.3
    }
    if changes:
        yield edit("architecture", changes, "Much is dropped while training: drop less.")


def narrower(context: Context) -> Iterator[Edit]:
    """Yield half the width."""
    changes = scaled_width(context, 0.5)
    if changes:
        yield edit("architecture", changes, "A smaller network cannot learn as much by heart: half the width.")


def ensemble(context: Context) -> Iterator[Edit]:
    """Yield several networks whose mean varies less."""
    if context.recipe.model.ensemble is None:
        yield edit(
            "architecture",
            {"model.ensemble": _MEMBERS},
            f"The mean of {_MEMBERS} networks that begin with other weights varies less than one.",
        )
