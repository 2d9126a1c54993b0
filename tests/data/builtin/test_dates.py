"""Dates in words and figures, read by other code than writes them."""

import contextlib
import re
from datetime import date, datetime

from builtin_examples import examples, sizes

NUMBERS = re.findall(
    "[a-z]+",
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty",
)
ORDINALS = re.findall(
    "[a-z-]+",
    "zeroth first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth "
    "fifteenth sixteenth seventeenth eighteenth nineteenth twentieth twenty-first twenty-second twenty-third "
    "twenty-fourth twenty-fifth twenty-sixth twenty-seventh twenty-eighth twenty-ninth thirtieth thirty-first",
)
TENS = {"twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90}
MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
WEEKDAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
IN_FIGURES = ("%Y%m%d", "%Y/%m/%d", "%m/%d/%Y", "%m/%d/%y", "%d.%m.%Y")


def understand(source):
    """Read a date: return it, and the weekday that is said of it or None."""
    for form in IN_FIGURES:
        with contextlib.suppress(ValueError):
            return datetime.strptime(source, form).date(), None
    words = []
    for word in re.split("[ ,]+", source.lower()):
        words += [word] if word.partition("-")[0] in TENS else word.split("-")
    words = [word for word in words if word not in ("the", "of", "oh")]
    weekday = WEEKDAYS.index(words.pop(0)[:3]) if re.match("(mon|sun|tue|wed|thu|fri|sat)", words[0]) else None
    position = next(i for i, word in enumerate(words[:2]) if word[:3] in MONTHS)
    if re.fullmatch(r"\d{4}", words[0]):
        return date(int(words[0]), MONTHS.index(words[1][:3]) + 1, int(words[2])), weekday
    month = MONTHS.index(words.pop(position)[:3]) + 1
    day = ORDINALS.index(words[0]) if words[0] in ORDINALS else int(re.match(r"\d+", words[0]).group())
    return date(year_of(words[1:]), month, day), weekday


def year_of(words):
    if words[0].isdigit():
        return int(words[0])
    century = 2000 if words[1:2] == ["thousand"] else 100 * below_hundred(words[0])
    return century + sum(below_hundred(word) for word in words[1:] if word not in ("thousand", "hundred"))


def below_hundred(word):
    tens, _, ones = word.partition("-")
    return TENS[tens] + NUMBERS.index(ones or "zero") if tens in TENS else NUMBERS.index(word)


def test_dates():
    assert sizes("dates") == {"train": 20_000, "validation": 1_000, "test": 2_000}
    targets, sources, forms, cases, weekdays = [], [], set(), set(), 0
    for split in sizes("dates"):
        columns = examples("dates", split)
        for source, target in zip(columns["source"].tolist(), columns["target"].tolist(), strict=True):
            day, weekday = understand(source)
            assert day.isoformat() == target, source
            assert weekday in (None, day.weekday()), source
            assert 1900 <= day.year <= 2099 and len(source) <= 45
            forms.add(re.sub(r"\d", "9", re.sub(r"[a-z]+(-[a-z]+)?", "a", source.lower())))
            cases.add((source.islower(), source.isupper()))
            weekdays += weekday is not None
            targets.append(target)
            sources.append(source)
    assert len(set(targets)) == len(set(sources)) == len(targets) == 23_000
    assert len(forms) >= 20 and len(cases) == 3 and 0.1 < weekdays / len(targets) < 0.2
