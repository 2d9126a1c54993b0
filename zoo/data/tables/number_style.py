"""How numbers are written: decimal mark, thousands, a unit; and what stands for a missing number."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

MISSING_NUMBERS = frozenset(  # casefolded texts that stand for a missing number
    (
        "",
        "-",
        "--",
        ".",
        "?",
        "na",
        "n/a",
        "n.a.",
        "nan",
        "-nan",
        "null",
        "nil",
        "none",
        "<na>",
        "#n/a",
        "#na",
        "#n/a n/a",
    )
)
_INFINITE = frozenset(("inf", "+inf", "-inf", "infinity", "+infinity", "-infinity"))
_CURRENCIES = ("$", "€", "£", "¥", "₹", "₽", "₩", "₺", "₫", "₪", "₴", "฿", "US$", "USD", "EUR", "GBP", "CHF", "JPY")
_MEASURES = ("%", "‰", "°", "°C", "°F", "kg", "mg", "lb", "lbs", "oz", "km", "cm", "mm", "mi", "ft", "ms", "min",
             "km/h", "mph", "kW", "kWh", "Hz", "ml", "GB", "MB", "kB")  # fmt: skip
_LETTERS = ("g", "m", "s", "h", "W", "V", "A", "L", "l")  # units that need a blank before them: 12A may be a room
_FRONT = "|".join(map(re.escape, sorted(_CURRENCIES, key=len, reverse=True)))
_BACK = "|".join(map(re.escape, sorted((*_CURRENCIES, *_MEASURES), key=len, reverse=True)))
_FIND_UNIT = re.compile(
    rf"[+-]?\s*(?P<front>{_FRONT})?\s*[+-]?[0-9.,' \u00a0\u202f’_]*[0-9.,](?:[eE][+-]?[0-9]+)?"
    rf"(?:\s*(?P<back>{_BACK})|\s(?P<letter>{'|'.join(_LETTERS)}))?"
)
_THOUSANDS = {".": (",", "'", "’", " ", "\u00a0", "\u202f", "_"), ",": (".", "'", "’", " ", "\u00a0", "\u202f", "_")}
_PLAIN_CHARACTERS = re.compile(r"[0-9+\-.eE]*")
_BOOLEANS = {"true": 1.0, "false": 0.0}


@dataclass(frozen=True)
class NumberStyle:
    """How the numbers of a column are written.

    Attributes:
        decimal: the decimal mark, "." or ",".
        thousands: what stands between groups of three digits; empty where nothing does.
        unit: a currency or another unit that each value has before or behind it; empty where there is none.
    """

    decimal: str = "."
    thousands: str = ""
    unit: str = ""

    def describe(self) -> str:
        """Return the style in words, empty for the plain one."""
        parts = [f"thousands separated by '{self.thousands}'"] if self.thousands else []
        parts += [f"'{self.decimal}' as the decimal mark"] if self.decimal != "." else []
        parts += [f"the unit '{self.unit}' left out"] if self.unit else []
        return " and ".join(parts)


PLAIN = NumberStyle()


def parse_numbers(texts: Iterable[str], style: NumberStyle = PLAIN, missing: Iterable[str] = ()) -> np.ndarray:
    """Return the numbers in float64, NaN for what is missing or is no number in this style (see `is_missing_number`).

    Args:
        texts: without blanks around them.
        style: how they are written.
        missing: more texts that stand for a missing number.
    """
    if not isinstance(texts, np.ndarray):
        texts = np.array(list(texts), dtype=object)
    skip = frozenset(missing)
    if style == PLAIN and not skip:
        given = texts != ""
        plain = _plain_numbers(texts[given].tolist())
        if plain is not None:
            parsed = np.full(len(texts), np.nan)
            parsed[given] = plain
            return parsed
    unique, inverse = unique_texts(texts)
    parsed = np.array([_number(text, style) if text not in skip else np.nan for text in unique], np.float64)
    return parsed[inverse]


def unique_texts(texts: np.ndarray) -> tuple[list[str], np.ndarray]:
    """Return the different texts, and which of them each one is."""
    index: dict[str, int] = {}
    inverse = np.fromiter((index.setdefault(text, len(index)) for text in texts), np.int64, len(texts))
    return list(index), inverse


def is_missing_number(text: str, missing: Iterable[str] = ()) -> bool:
    """Return whether a text stands for a missing number."""
    return text.casefold() in MISSING_NUMBERS or text in missing


def parse_booleans(texts: Iterable[str]) -> np.ndarray:
    """Return 1 for true, 0 for false, in any case of letters, and NaN for all else."""
    return np.array([_BOOLEANS.get(text.casefold(), np.nan) for text in texts], np.float64)


def find_style(
    texts: Sequence[str], *, decimal: str | None = None, thousands: str | None = None, likely_decimal: str = "."
) -> tuple[NumberStyle | None, bool]:
    """Find the style in which all of some texts are numbers.

    Args:
        texts: different texts, none of which stands for a missing number.
        decimal: the mark, where the recipe names it.
        thousands: what separates thousands, where the recipe names it.
        likely_decimal: the mark of the other columns of the file.

    Returns:
        The style, None where there is none, and whether the other decimal mark would give other numbers.
    """
    first = decimal or likely_decimal
    if first == "." and not thousands and _plain_numbers(texts) is not None:
        return PLAIN, False
    units = {_unit(text) for text in texts}
    if len(units) > 1 or None in units:
        return None, False
    unit = str(units.pop() if units else "")
    marks = (first,) if decimal else (first, "," if first == "." else ".")
    fitting = []
    for mark in marks:
        groups = ("",) if mark == thousands else (thousands,) if thousands else ("", *_THOUSANDS[mark])
        style = next((s for s in (NumberStyle(mark, g, unit) for g in groups) if _all_fit(texts, s)), None)
        if style is not None:
            fitting.append(style)
    if not fitting:
        return None, False
    values = [parse_numbers(texts, style) for style in fitting]
    other = len(values) > 1 and not np.array_equal(values[0], values[1])
    return fitting[0], other


def _plain_numbers(texts: Sequence[str]) -> np.ndarray | None:
    """Return the numbers where all texts are plain ones, at the speed of NumPy; None where one is not."""
    if _PLAIN_CHARACTERS.fullmatch("".join(texts)) is None:
        return None
    try:
        return np.array(texts, dtype=np.float64)
    except ValueError:
        return None


def fraction_of_numbers(texts: Sequence[str], style: NumberStyle = PLAIN) -> np.ndarray:
    """Return which of some different texts are numbers in a style."""
    pattern = _pattern(style)
    return np.array([pattern.fullmatch(text) is not None or text.casefold() in _INFINITE for text in texts], bool)


def _all_fit(texts: Sequence[str], style: NumberStyle) -> bool:
    pattern = _pattern(style)
    return all(pattern.fullmatch(text) is not None or text.casefold() in _INFINITE for text in texts)


def _unit(text: str) -> str | None:
    """Return the unit of a number, empty where it has none, None where the text is no number with at most one unit."""
    match = _FIND_UNIT.fullmatch(text.replace("−", "-"))
    if match is None:
        return "" if text.casefold() in _INFINITE else None
    front, back = match["front"] or "", match["back"] or match["letter"] or ""
    return None if front and back else front or back


@cache
def _pattern(style: NumberStyle) -> re.Pattern[str]:
    """Return what a number of a style looks like; its digits are in the groups `sign`, `whole`, `part`, `power`."""
    whole = r"[0-9]+"
    if style.thousands:
        group = re.escape(style.thousands)
        whole = rf"[0-9]{{1,3}}(?:{group}[0-9]{{3}})+|[0-9]+"
    mark = re.escape(style.decimal)
    number = rf"(?P<whole>{whole})?(?:{mark}(?P<part>[0-9]*))?(?P<power>[eE][+-]?[0-9]+)?"
    sign = r"(?P<sign>[+\-−])?"
    if not style.unit:
        return re.compile(rf"(?=.*[0-9]){sign}{number}")
    unit = re.escape(style.unit)
    return re.compile(rf"(?=.*[0-9]){sign}\s*(?:{unit}\s*(?P<inner>[+\-−])?)?{number}\s*(?:{unit})?")


def _number(text: str, style: NumberStyle) -> float:
    if style == PLAIN:
        match: Any = _pattern(style).fullmatch(text)
        if match is not None:
            return float(text.replace("−", "-"))
    else:
        match = _pattern(style).fullmatch(text)
        if match is not None:
            found = match.groupdict()
            sign = "-" if {found["sign"], found.get("inner")} & {"-", "−"} else ""
            whole = (found["whole"] or "0").replace(style.thousands, "") if style.thousands else found["whole"] or "0"
            return float(f"{sign}{whole}.{found['part'] or '0'}{found['power'] or ''}")
    if text.casefold() in _INFINITE:
        return float(text)
    return np.nan


def looks_like_number(text: str) -> bool:
    """Return whether a text alone is a number in any style."""
    return _unit(text) is not None and find_style([text])[0] is not None
