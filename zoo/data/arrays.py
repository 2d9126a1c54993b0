"""Arrays as a model takes them: each value is looked at in its own type before it is narrowed."""

from __future__ import annotations

import numpy as np

from zoo.errors import ZooError

MAX_IDS = 1 << 24  # some twenty times the largest vocabularies; an embedding of more takes gigabytes
MAX_ROUNDING = 1e-4  # of a feature's standard deviation, by which float32 may round its values
_ROWS = 65_536  # of an array that may be mapped from a file, looked at in one go
_LARGEST = float(np.finfo(np.float32).max)


def refuse(x: np.ndarray, wrong: np.ndarray, where: str, rule: str, first_row: int = 0) -> None:
    """Refuse values that break a rule, with their count and the place of the first.

    Args:
        x: the values `(examples, …)`.
        wrong: which of them break the rule.
        where: the source, for messages.
        rule: what the values must be.
        first_row: number of examples before `x`.

    Raises:
        ZooError: there is one.
    """
    if not wrong.any():
        return
    example, *rest = (int(i) for i in np.argwhere(wrong)[0])
    value = x[(example, *rest)]
    place = f"example {first_row + example + 1}{f' at {rest}' if rest else ''}"
    raise ZooError(f"{where}: {rule}, and {place} has {value} ({int(wrong.sum()):,} such of {x.size:,} values)")


def as_pixels(x: np.ndarray, where: str) -> np.ndarray:
    """Return images as uint8: as they are, or from whole numbers that all lie in 0 to 255.

    Raises:
        ZooError: the numbers are not whole, or some lie outside.
    """
    if x.dtype == np.uint8:
        return x
    if x.dtype.kind not in "iu":
        advice = "; save them as (x * 255).round().astype('uint8')" if x.dtype.kind == "f" else ""
        raise ZooError(f"{where}: images must be uint8, 0 to 255, received {x.dtype} {x.shape}{advice}")
    refuse(x, (x < 0) | (x > 255), where, "pixels must be 0 to 255")
    return x.astype(np.uint8)


def as_ids(x: np.ndarray, where: str, what: str = "token ids", limit: int = MAX_IDS) -> np.ndarray:
    """Return whole numbers from 0 to below `limit` as int32.

    Raises:
        ZooError: some are not whole, negative, or too large.
    """
    if x.dtype.kind not in "iuf":
        raise ZooError(f"{where}: {what} must be whole numbers, received {x.dtype} {x.shape}")
    if x.dtype.kind == "f":
        refuse(x, ~(x == np.floor(x)), where, f"{what} must be whole numbers")
    refuse(x, x < 0, where, f"{what} must not be negative")
    refuse(x, x >= limit, where, f"{what} must be below {limit:,}")
    return x.astype(np.int32)


def as_features(x: np.ndarray, where: str) -> np.ndarray:
    """Return numbers `(examples,)` or `(examples, …, features)` as float32. What is not finite stays.

    Raises:
        ZooError: float32 does not hold a number, or rounds it so that it loses what differs between examples.
    """
    if x.dtype == np.float32:
        return x
    rounding = Rounding(where)
    for start in range(0, len(x), _ROWS):
        rounding.add(x[start : start + _ROWS])
    rounding.check()
    return x.astype(np.float32)


def finite_examples(x: np.ndarray) -> np.ndarray:
    """Return which examples are finite: bool `(examples,)`."""
    axes = tuple(range(1, x.ndim))
    parts = [np.isfinite(x[start : start + _ROWS]).all(axis=axes) for start in range(0, len(x), _ROWS)]
    return np.concatenate(parts) if parts else np.ones(0, bool)


class Rounding:
    """How float32 rounds the features of an array that is seen part by part.

    Unix seconds show what it is for: float32 rounds them to 128 seconds.
    """

    def __init__(self, where: str) -> None:
        self._where = where
        self._count = 0
        self._moments: list[np.ndarray] = []  # sum, sum of squares and largest rounding of each feature
        self._shift = np.zeros(0)
        self._rows = 0

    def add(self, x: np.ndarray) -> None:
        """Look at some examples `(examples,)` or `(examples, …, features)`.

        Raises:
            ZooError: float32 does not hold a number.
        """
        if not x.size:
            return
        values = np.asarray(x, np.float64)
        refuse(
            x, np.isfinite(values) & (np.abs(values) > _LARGEST), self._where, "float32 must hold numbers", self._rows
        )
        self._rows += len(x)
        values = values.reshape(-1, x.shape[-1]) if x.ndim > 1 else values[:, None]
        finite = np.isfinite(values)
        values = np.where(finite, values, 0.0)
        errors = np.abs(values - values.astype(np.float32))
        if not self._moments:
            self._shift = values[0]
            self._moments = [np.zeros(len(self._shift)) for _ in range(3)]
        centred = np.where(finite, values - self._shift, 0.0)
        self._count += len(values)
        self._moments[0] += centred.sum(axis=0)
        self._moments[1] += (centred**2).sum(axis=0)
        self._moments[2] = np.maximum(self._moments[2], errors.max(axis=0))

    def check(self) -> None:
        """Refuse features that float32 rounds by too much of their spread.

        Raises:
            ZooError: there are some.
        """
        if not self._count:
            return
        total, squares, errors = self._moments
        spread = np.sqrt(np.maximum(squares / self._count - (total / self._count) ** 2, 0))
        lost = np.flatnonzero((errors > MAX_ROUNDING * spread) & (spread > 0))
        if len(lost):
            first = int(lost[0])
            raise ZooError(
                f"{self._where}: float32, which models take, rounds {len(lost)} of {len(spread)} features by more than "
                f"a ten-thousandth of their spread; the first is feature {first + 1}, with values such as "
                f"{self._shift[first]:.12g}, rounded by {errors[first]:.3g}; subtract an offset from it"
            )
