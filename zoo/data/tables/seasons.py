"""The steps after which series usually repeat, by the time between two of their rows."""

from __future__ import annotations

from zoo.data.tables.times import Step

_DAY = 86_400_000_000  # microseconds
_SEASONS: dict[tuple[str, int], tuple[int, ...]] = {
    ("us", _DAY): (7, 365),
    ("us", 7 * _DAY): (52,),
    ("business_day", 1): (5, 261),
}
_MIN_SEASONS = 6  # that a series must have of a length for it to be taken as its season


def usual_seasons(step: Step) -> tuple[int, ...]:
    """Return the numbers of steps after which a series with this step usually repeats, the shortest first.

    A day and a week where there are several steps a day, a year for months and quarters; empty where none is usual.
    """
    if (step.unit, step.count) in _SEASONS:
        return _SEASONS[step.unit, step.count]
    if step.unit == "us" and step.count < _DAY and _DAY % step.count == 0:
        return (_DAY // step.count, 7 * _DAY // step.count)
    if step.unit == "month" and step.count < 12 and 12 % step.count == 0:
        return (12 // step.count,)
    return ()


def fitting_seasons(step: Step, steps: int) -> tuple[int, ...]:
    """Return the usual seasons that a series of so many steps shows often enough to be learned."""
    return tuple(season for season in usual_seasons(step) if _MIN_SEASONS * season <= steps)
