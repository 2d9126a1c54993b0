"""Columns that read as time: how moments are written, and the step between them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from zoo.data.tables.number_style import unique_texts
from zoo.data.tables.parse_moments import ISO, parse_moments

_ISO = "iso8601"
_QUARTER = "quarter"
_WEEK = "week"
_YEAR = "year"
_UNIX = "unix"
_WHOLE_YEAR = re.compile(r"\d{4}(?:\.0+)?")  # with a decimal, as a column of numbers may be written
_EPOCH_YEARS = (1000, 3000)  # years that a whole number of four digits may be
_UNIX_RANGE = (100_000_000, 5_000_000_000)  # seconds: 1973 to 2128
_UNIX_UNITS = (("unix", 1), ("unix_ms", 1_000), ("unix_us", 1_000_000), ("unix_ns", 1_000_000_000))
_CLOCKS = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p")
_DAYS = ("%Y/%m/%d", "%Y.%m.%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%d.%m.%y", "%d/%m/%y",
         "%m/%d/%y", "%d %b %Y", "%d-%b-%Y", "%d-%b-%y", "%b %d, %Y", "%B %d, %Y", "%d %B %Y", "%b %d %Y")  # fmt: skip
_MONTHS = ("%Y-%m", "%Y/%m", "%m/%Y", "%b %Y", "%B %Y", "%b-%Y", "%b-%y", "%Y-%b", "%Y %b", "%YM%m")
_STRPTIME = tuple(day + clock for day in _DAYS for clock in _CLOCKS) + _MONTHS
_SHAPES: dict[str, re.Pattern[str]] = {
    _ISO: re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?)?(?: ?(?:Z|UTC|[+-]\d\d:?\d\d))?"),
    "%Y%m%d": re.compile(r"(?:1[5-9]|20|21)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"),
    "%Y%m": re.compile(r"(?:1[5-9]|20|21)\d\d(?:0[1-9]|1[0-2])"),
    _QUARTER: re.compile(r"\d{4}[- ]?[Qq][1-4]"),
    _WEEK: re.compile(r"\d{4}-?W\d\d"),
}
_NAMES = re.compile(  # of columns that hold time
    r"(?:^|[_\W])(?:date|datetime|time|timestamp|ds|year|yr|month|day|period|quarter|week|hour|ts|when|moment)s?(?:$|[_\W\d])",
    re.IGNORECASE,
)
_TRIED_TEXTS = 3  # of a column of which most may be moments
_MIN_TIMES = 2  # different moments in a column that reads as time


@dataclass(frozen=True)
class Step:
    """The step between two moments of a series: so many of a unit."""

    unit: str  # "us", "business_day" or "month"
    count: int

    def __str__(self) -> str:
        if self.unit == "month" and self.count % 12 == 0:
            return _counted(self.count // 12, "year")
        if self.unit != "us":
            return _counted(self.count, self.unit.replace("_", " "))
        for name, size in (("day", 86_400_000_000), ("hour", 3_600_000_000), ("minute", 60_000_000), ("second", 10**6)):
            if self.count % size == 0:
                return _counted(self.count // size, name)
        return f"{self.count / 1e6:g} seconds"


def _counted(count: int, name: str) -> str:
    return f"{count} {name}{'s' * (count != 1)}"


def named_as_time(name: str) -> bool:
    """Return whether the name of a column says that it holds time."""
    return _NAMES.search(re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name)) is not None


def read_times(texts: Sequence[str] | np.ndarray, form: str) -> np.ndarray:
    """Return moments, datetime64[us] in UTC, NaT where a text is not written in this form."""
    unique, inverse = unique_texts(np.asarray(texts, dtype=object))
    return _parse(unique, form)[inverse]


def time_forms(texts: Sequence[str] | np.ndarray, *, numbers: bool = False) -> list[str]:
    """Return the forms in which all of some texts are moments; several where day and month can be told in two ways.

    Args:
        texts: none is empty.
        numbers: years and Unix seconds are moments, too.
    """
    candidates = _candidates(texts[0], numbers) if len(texts) else []
    unique = unique_texts(np.asarray(texts, dtype=object))[0] if candidates else []
    if len(unique) < _MIN_TIMES:
        return []
    found = []
    for form in candidates:
        if not np.isnat(_parse(unique[:20], form)).any() and not np.isnat(_parse(unique, form)).any():
            found.append(form)
    return found


def likely_forms(texts: Sequence[str]) -> list[str]:
    """Return the forms in which one of the first texts is a moment."""
    return list(dict.fromkeys(form for text in texts[:_TRIED_TEXTS] for form in _candidates(text, False)))


def column_times(values: np.ndarray) -> np.ndarray | None:
    """Return the moments of a typed column; None where it has another type."""
    import datetime

    if values.dtype.kind == "M":
        return values.astype("datetime64[us]")
    if values.dtype == object and len(values) and all(isinstance(v, datetime.date) or v is None for v in values):
        return np.array([np.datetime64("NaT") if v is None else np.datetime64(_naive(v), "us") for v in values])
    return None


def _naive(value: Any) -> Any:
    import datetime

    zone = getattr(value, "tzinfo", None)
    return value if zone is None else value.astimezone(datetime.UTC).replace(tzinfo=None)


def _candidates(text: str, numbers: bool) -> list[str]:
    forms = [form for form, shape in _SHAPES.items() if shape.fullmatch(text)]
    if text.isdecimal() and not numbers:
        return [form for form in forms if form == "%Y%m%d"]
    if numbers:
        forms += [_YEAR] if _WHOLE_YEAR.fullmatch(text) else []
        forms += [form for form, _ in _UNIX_UNITS] if re.fullmatch(r"\d{9,19}(?:\.\d+)?", text) else []
    if text.isdecimal():
        return forms
    return forms + [form for form in _STRPTIME if not np.isnat(_parse([text], form))[0]]


def _parse(texts: Sequence[str], form: str) -> np.ndarray:
    """Return the moments of different texts."""
    nothing = np.full(len(texts), np.datetime64("NaT", "us"))
    if form == _YEAR:
        fits = [bool(_WHOLE_YEAR.fullmatch(t)) and _EPOCH_YEARS[0] <= int(t[:4]) < _EPOCH_YEARS[1] for t in texts]
        pairs = zip(texts, fits, nothing, strict=True)
        return np.array([np.datetime64(t[:4], "us") if fit else n for t, fit, n in pairs], "datetime64[us]")
    if form.startswith(_UNIX):
        return _unix(texts, dict(_UNIX_UNITS)[form])
    shape = _SHAPES.get(form)
    fit = [shape is None or shape.fullmatch(text) is not None for text in texts]
    if form == _QUARTER:
        texts = [f"{t[:4]}-{3 * int(t[-1]) - 2:02d}-01" if ok else "" for t, ok in zip(texts, fit, strict=True)]
    elif form == _WEEK:
        texts = [f"{t[:4]}-W{t[-2:]}-1" if ok else "" for t, ok in zip(texts, fit, strict=True)]
    else:
        texts = [t.replace(",", ".") if form == _ISO else t for t in texts]
        texts = [t if ok else "" for t, ok in zip(texts, fit, strict=True)]
    return parse_moments(texts, {_ISO: ISO, _QUARTER: "%Y-%m-%d", _WEEK: "%G-W%V-%u"}.get(form, form))


def _unix(texts: Sequence[str], per_second: int) -> np.ndarray:
    found = []
    for text in texts:
        number = float(text) if re.fullmatch(r"\d{9,19}(?:\.\d+)?", text) else np.nan
        fits = _UNIX_RANGE[0] <= number / per_second < _UNIX_RANGE[1]
        found.append(np.datetime64(round(number / per_second * 1e6), "us") if fits else np.datetime64("NaT", "us"))
    return np.array(found, "datetime64[us]")


# === Steps ===


def even_step(times: np.ndarray) -> Step | None:
    """Return the step of moments that rise evenly, in days or less, business days or months; None for all others."""
    for unit, count, places in _grids(times):
        between = np.diff(places)
        if (between == count).all():
            return Step(unit, count)
    return None


def likely_step(times: np.ndarray) -> Step | None:
    """Return the step of rising moments of which some are missing; None where they lie on no even grid."""
    for unit, count, places in _grids(times):
        between = np.diff(places)
        if (between > 0).all() and (between % count == 0).all():
            return Step(unit, count)
    return None


def rises_by(times: np.ndarray, step: Step, *, gaps: bool) -> bool:
    """Return whether moments rise by a step, or by whole multiples of it where steps may be missing."""
    if len(times) < 2:
        return True
    for unit, _, where in _grids(times):
        if unit == step.unit:
            between = np.diff(where)
            return bool(
                (between > 0).all() and (between % step.count == 0).all() if gaps else (between == step.count).all()
            )
    return False


def places(times: np.ndarray, step: Step) -> np.ndarray:
    """Return how many steps each moment lies behind the first."""
    if step.unit == "us":
        return times.astype(np.int64) // step.count - times[0].astype(np.int64) // step.count
    found = _months(times) if step.unit == "month" else _business_days(times)
    return (found - found[0]) // step.count


def _grids(times: np.ndarray) -> list[tuple[str, int, np.ndarray]]:
    """Return unit, usual step and place of each moment, for each unit that the moments may count in."""
    days = times.astype("datetime64[D]")
    clock = times - days
    found = []
    if len(times) > 1 and (clock == clock[0]).all():
        months = days.astype("datetime64[M]")
        day_of_month = days - months.astype("datetime64[D]")
        is_last = (months + 1).astype("datetime64[D]") - 1 == days
        if (day_of_month == day_of_month[0]).all() or is_last.all():
            found.append(_grid("month", _months(times)))
        if np.is_busday(days).all():
            found += [grid for grid in [_grid("business_day", _business_days(times))] if grid[1] == 1]
    even = _grid("us", times.astype(np.int64))
    first = (np.diff(even[2]) == even[1]).all()  # an even step of days is none of business days or months
    return [even, *found] if first else [*found, even]


def _grid(unit: str, where: np.ndarray) -> tuple[str, int, np.ndarray]:
    between = np.diff(where)
    values, counts = np.unique(between[between > 0], return_counts=True)
    return unit, int(values[counts.argmax()]) if len(values) else 1, where


def _months(times: np.ndarray) -> np.ndarray:
    return times.astype("datetime64[M]").astype(np.int64)


def _business_days(times: np.ndarray) -> np.ndarray:
    days = times.astype("datetime64[D]")
    return np.busday_count(np.datetime64("1970-01-01", "D"), days)
