"""Arrays of what a caller hands over, and how messages show them."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from zoo.errors import ZooError

Shape = tuple[int | None, ...]
_MAX_SHOWN = 40  # characters of a value that a message shows


def as_array(values: Any, where: str, dtype: Any = None) -> np.ndarray:
    """Return an array.

    Raises:
        ZooError: there is none, as of rows of unequal length.
    """
    try:
        array = np.asarray(values, dtype)
    except (ValueError, TypeError, OverflowError, RuntimeError) as error:
        raise ZooError(f"{where}: no array can be made of {shown(values)} ({error})") from error
    if array.dtype == object and dtype is None and array.size:
        kinds = {type(v) for v in array.ravel()[:1000]}
        if kinds <= {int, float, bool} or all(issubclass(kind, np.number) for kind in kinds):
            return as_array(array.tolist(), where)
    return array


def fits(have: Sequence[int], want: Shape) -> bool:
    """Return whether sizes are the wanted ones, where None is any, and none is 0."""
    return len(have) == len(want) and all(w in (None, h) and h > 0 for h, w in zip(have, want, strict=True))


def check_shape(have: Sequence[int], want: Shape, where: str, array: np.ndarray) -> None:
    """Check the sizes of one example.

    Raises:
        ZooError: they are not the wanted ones.
    """
    if not fits(have, want):
        raise ZooError(f"{where}: expected {sizes(want)} each, received {form(array)}")


def sizes(shape: Shape) -> str:
    """Return a shape as text."""
    return ", ".join("any" if n is None else str(n) for n in shape)


def form(array: np.ndarray) -> str:
    """Return type and shape as text."""
    return f"{array.dtype} {array.shape}"


def shown(value: Any) -> str:
    """Return a value's type and its beginning, for a message."""
    text = " ".join(repr(value).split())
    return f"{type(value).__name__} {text if len(text) <= _MAX_SHOWN else text[:_MAX_SHOWN] + '…'}"


def whole_number(value: Any, name: str, *, least: int) -> int:
    """Return a whole number.

    Raises:
        ZooError: it is none, or is below `least`.
    """
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    if number is None or number < least:
        raise ZooError(f"{name}: expected a whole number of at least {least}, received {value!r}")
    return number


def as_floats(raw: Any, shape: Shape, where: str, dtype: Any = np.float32) -> np.ndarray:
    """Return finite float32 or float64 numbers `(examples, *shape)`; one example may come without its axis.

    Raises:
        ZooError: other numbers of axes or sizes, text, or a number that is not finite in 32 bits.
    """
    x = as_array(raw, where)
    if x.shape == (0,):
        return np.zeros((0, *(n or 1 for n in shape)), dtype)
    if x.dtype.kind not in "fiub":
        raise ZooError(f"{where}: expected numbers (examples, {sizes(shape)}), received {form(x)}")
    if x.ndim == len(shape):
        x = x[None]
    if x.ndim != 1 + len(shape):
        raise ZooError(f"{where}: expected (examples, {sizes(shape)}), received {form(x)}")
    check_shape(x.shape[1:], shape, where, x)
    with np.errstate(over="ignore"):
        numbers = x.astype(dtype)
    wrong = np.argwhere(~np.isfinite(numbers))
    if len(wrong):
        axes = ("example", "step", "feature") if len(shape) == 2 else ("example", "feature")
        place = ", ".join(f"{axis} {at + 1}" for axis, at in zip(axes, wrong[0], strict=True))
        examples = len(np.unique(wrong[:, 0]))
        raise ZooError(
            f"{where}: {place} is {x[tuple(wrong[0])]}, not a finite number of "
            f"{8 * np.dtype(dtype).itemsize} bits ({len(wrong)} such in {examples} of {len(x)} examples); fill gaps in"
        )
    return numbers


def as_padded(raw: Any, channels: int, where: str) -> np.ndarray:
    """Return sequences of any length, float32 `(examples, steps, channels)`, padded with NaN behind their last step.

    Args:
        raw: such an array, a list of arrays `(steps, channels)`, or one of them.
        channels: numbers in each step.
        where: what to call it in messages.

    Raises:
        ZooError: other numbers of axes or channels, or a number that is not finite before the last step.
    """
    if isinstance(raw, Sequence) and raw and all(np.ndim(each) == 2 for each in raw):
        each = [as_array(sequence, f"{where}: sequence {i}") for i, sequence in enumerate(raw, start=1)]
        longest = max(map(len, each))
        raw = np.stack(
            [np.pad(as_numbers(x, where), ((0, longest - len(x)), (0, 0)), constant_values=np.nan) for x in each]
        )
    x = as_array(raw, where)
    if x.shape == (0,):
        return np.zeros((0, 1, channels), np.float32)
    x = as_numbers(x[None] if x.ndim == 2 else x, where)
    if x.ndim != 3 or x.shape[2] != channels or not x.shape[1]:
        raise ZooError(f"{where}: expected (examples, steps, {channels}), received {form(x)}")
    with np.errstate(over="ignore"):
        x = x.astype(np.float32)
    given = ~np.isnan(x).all(axis=2)
    length = given.sum(axis=1)
    inside = np.arange(x.shape[1]) < length[:, None]
    wrong = np.argwhere((~np.isfinite(x) & inside[:, :, None]).any(axis=2) | (given & ~inside))
    if len(wrong) or not length.all():
        row, step = wrong[0] if len(wrong) else (int(np.flatnonzero(length == 0)[0]), 0)
        raise ZooError(
            f"{where}: example {row + 1}, step {step + 1} is no finite number of 32 bits ({len(wrong) or 1} such "
            "steps); only steps behind the last one are padded, with NaN"
        )
    return x


def as_numbers(x: np.ndarray, where: str) -> np.ndarray:
    """Return numbers as float64.

    Raises:
        ZooError: they are none.
    """
    if x.dtype.kind not in "fiub":
        raise ZooError(f"{where}: expected numbers, received {form(x)}")
    return x.astype(np.float64)
