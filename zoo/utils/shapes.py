"""Shapes as callers write them."""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Integral


def as_shape(value: object) -> tuple[int | None, ...] | None:
    """Return a shape as a tuple of whole numbers and None; None where it is no list of such, or empty."""
    sizes = tuple(value) if isinstance(value, Iterable) and not isinstance(value, str | bytes) else ()
    if not sizes or any(n is not None and not is_positive(n) for n in sizes):
        return None
    return tuple(None if n is None else int(n) for n in sizes)


def is_positive(number: object) -> bool:
    """Return whether this is a whole number above 0, and no bool."""
    return isinstance(number, Integral) and not isinstance(number, bool) and int(number) > 0
