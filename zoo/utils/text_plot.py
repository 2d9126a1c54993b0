"""A curve as text: columns of blocks, as wide as the terminal."""

from __future__ import annotations

from collections.abc import Sequence

_BLOCKS, _PLAIN = " ▁▂▃▄▅▆▇█", " #"
_ROWS = 10


def text_plot(
    values: Sequence[float], left: str, right: str, *, width: int = 80, rows: int = _ROWS, plain: bool = False
) -> str:
    """Return lines of text that show a curve from the least of its values to the largest.

    Args:
        values: heights, evenly spaced.
        left: what stands below the first.
        right: what stands below the last.
        width: columns of the text, at most.
        rows: lines of the curve.
        plain: ASCII alone.
    """
    low, high = min(values), max(values)
    labels = [f"{high:.3g}", *[""] * (rows - 2), f"{low:.3g}"]
    margin = max(map(len, labels)) + 1
    columns = max(8, min(width - margin, 200))
    blocks = _PLAIN if plain else _BLOCKS
    full = len(blocks) - 1
    levels = [_level(value, low, high, rows * full) for value in _spread(values, columns)]
    lines = []
    for row, label in enumerate(labels):
        base = (rows - 1 - row) * full
        line = "".join(blocks[min(max(level - base, 0), full)] for level in levels)
        lines.append(f"{label:>{margin - 1}} {line}".rstrip())
    gap = max(1, columns - len(left) - len(right))
    return "\n".join([*lines, " " * margin + left + " " * gap + right])


def _spread(values: Sequence[float], columns: int) -> list[float]:
    """Return one value for each column: of those that fall into it, the one furthest from the column before it."""
    found: list[float] = []
    for column in range(columns):
        start = column * len(values) // columns
        part = values[start : max(start + 1, (column + 1) * len(values) // columns)]
        found.append(max(part, key=lambda value: abs(value - (found[-1] if found else part[0]))))
    return found


def _level(value: float, low: float, high: float, levels: int) -> int:
    """Return how many of the levels a value fills, the least of all one of them."""
    return 1 + round((value - low) / (high - low) * (levels - 1)) if high > low else levels // 2
