"""`dates`: days as people write them, to be rewritten as ISO 8601."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import numpy as np

from zoo.data.builtin.definition import Definition, Splits

_FIRST_DAY = date(1900, 1, 1)
_LAST_DAY = date(2099, 12, 31)
_SIZES = {"train": 20_000, "validation": 1_000, "test": 2_000}
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_ONES = (
    *("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen"),
    *("fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_IRREGULAR = {"one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth"}
_FORMS = (
    "{d} {month} {y}",
    "{month} {d}, {y}",
    "{month} {th}, {y}",
    "the {th} of {month}, {y}",
    "{d} {mon} {y}",
    "{d}-{mon}-{y}",
    "{y} {month} {d}",
    "{dy}, {d} {mon} {y}",
    "{day}, {month} {d}, {y}",
    "{day} the {th} of {month} {y}",
    "the {ordinal} of {month} {y}",
    "{month} the {ordinal}, {y}",
    "{d} {month} {year}",
    "{mon} {th}, {year}",
    "{m}/{d}/{y}",
    "{mm}/{dd}/{y}",
    "{mm}/{dd}/{yy}",
    "{d}.{m}.{y}",
    "{dd}.{mm}.{y}",
    "{y}/{mm}/{dd}",
    "{y}{mm}{dd}",
)
_CASES = (str, str, str.lower, str.upper)


def dates() -> Definition:
    """Define days in many ways of writing, with their ISO 8601 form."""
    import tensorflow_datasets as tfds

    return Definition(
        description=(
            f"Days from 1900 to 2099 in {len(_FORMS)} ways of writing, half of them all lower or all upper case "
            "('Tue, 29 Mar 2016', 'MARCH THE TWENTY-NINTH, 2016'), to be rewritten as ISO 8601 ('2016-03-29'); in the "
            "manner of the machine translation exercise of Ng, Katanforoosh & Mourri 2018. Between points the day "
            "comes first, between slashes the month; two digits of a year stand for 1969 to 2068, as in POSIX. "
            "Weekdays are right. No day occurs twice, in one split or in two."
        ),
        features={"source": tfds.features.Text(), "target": tfds.features.Text()},
        splits=_splits,
        keys=("source", "target"),
    )


def _splits() -> Splits:
    generator = np.random.default_rng(8601)
    days = np.argsort(generator.random(_LAST_DAY.toordinal() - _FIRST_DAY.toordinal() + 1), kind="stable")
    splits, start = {}, 0
    for split, size in _SIZES.items():
        forms, cases = generator.integers(0, len(_FORMS), size), generator.integers(0, len(_CASES), size)
        splits[split] = _examples(days[start : start + size], forms, cases)
        start += size
    return splits


def _examples(days: np.ndarray, forms: np.ndarray, cases: np.ndarray) -> Iterator[dict[str, str]]:
    for offset, form, case in zip(days.tolist(), forms.tolist(), cases.tolist(), strict=True):
        day = date.fromordinal(_FIRST_DAY.toordinal() + offset)
        yield {"source": _CASES[case](_format_day(day, _FORMS[form])), "target": day.isoformat()}


def _format_day(day: date, form: str) -> str:
    """Return the day in this form, with four digits of the year where two would be ambiguous."""
    if not 1969 <= day.year <= 2068:
        form = form.replace("{yy}", "{y}")
    month, weekday = _MONTHS[day.month - 1], _DAYS[day.weekday()]
    return form.format(
        d=day.day,
        dd=f"{day.day:02}",
        th=f"{day.day}{_suffix(day.day)}",
        ordinal=_ordinal(day.day),
        m=day.month,
        mm=f"{day.month:02}",
        mon=month[:3],
        month=month,
        y=day.year,
        yy=f"{day.year % 100:02}",
        year=_spoken_year(day.year),
        dy=weekday[:3],
        day=weekday,
    )


def _suffix(number: int) -> str:
    return "th" if number in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")


def _cardinal(number: int) -> str:
    """Return a number from 1 to 99 in words."""
    if number < 20:
        return _ONES[number - 1]
    tens, ones = divmod(number, 10)
    return _TENS[tens - 2] + (f"-{_ONES[ones - 1]}" if ones else "")


def _ordinal(number: int) -> str:
    """Return the ordinal of a number from 1 to 99 in words."""
    words, hyphen, last = _cardinal(number).rpartition("-")
    if last in _IRREGULAR:
        last = _IRREGULAR[last]
    else:
        last = {"y": f"{last[:-1]}ieth", "e": f"{last[:-2]}fth"}.get(last[-1], f"{last}th")
    return f"{words}{hyphen}{last}"


def _spoken_year(year: int) -> str:
    """Return a year from 1900 to 2099 as it is said: 'nineteen oh one', 'two thousand five', 'twenty sixteen'."""
    century, rest = divmod(year, 100)
    if century == 20 and rest < 10:
        return f"two thousand {_ONES[rest - 1]}" if rest else "two thousand"
    if rest < 10:
        return f"{_cardinal(century)} oh {_ONES[rest - 1]}" if rest else f"{_cardinal(century)} hundred"
    return f"{_cardinal(century)} {_cardinal(rest)}"
