"""A curve as text: columns of blocks, as wide as the terminal."""

from __future__ import annotations

from collections.abc import Sequence

_BLOCKS = " ▁▂▃▄▅▆▇█"  # from empty to full
_ASCII_BLOCKS = " #"
_DEFAULT_ROWS = 10
_MAX_COLUMNS = 200


def text_plot(
    values: Sequence[float], left: str, right: str, *, width: int = 80, rows: int = _DEFAULT_ROWS, plain: bool = False
) -> str:
    """Return lines of text that show a curve between its smallest and its largest value.

    Args:
        values: heights, evenly spaced.
        left: label below the first value.
        right: label below the last value.
        width: number of columns of the text at most.
        rows: number of lines of the curve.
        plain: use ASCII only.
    """
    low, high = min(values), max(values)
    labels = [f"{high:.3g}", *[""] * (rows - 2), f"{low:.3g}"]
    margin = max(map(len, labels)) + 1
    columns = max(8, min(width - margin, _MAX_COLUMNS))
    blocks = _ASCII_BLOCKS if plain else _BLOCKS
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
    """Return one value for each column: of those in it, the one furthest from the value of the column before."""
    found: list[float] = []
    for column in range(columns):
        start = column * len(values) // columns
        part = values[start : max(start + 1, (column + 1) * len(values) // columns)]
        found.append(max(part, key=lambda value: abs(value - (found[-1] if found else part[0]))))
    return found


def _level(value: float, low: float, high: float, levels: int) -> int:
    """Return how many levels a value fills; the smallest fills one."""
    return 1 + round((value - low) / (high - low) * (levels - 1)) if high > low else levels // 2
