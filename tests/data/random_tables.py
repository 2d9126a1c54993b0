"""Table and series files from a seed, beside what was written into them."""

from __future__ import annotations

import csv
import datetime
import io
import random
from dataclasses import dataclass, field
from decimal import Decimal

ENCODINGS = ("utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16", "latin-1")
SEPARATORS = (",", ",", ",", ";", "\t", "|")
MISSING = ("", "", "NA", "n/a", "null", "-", "NaN", "?")
WORDS = (
    "red",
    "Blue",
    "café",
    "None",
    "NA",
    "null",
    "x y",
    "1a",
    "true-ish",
    "ünï",
    'say "hi"',
    "a;b",
    "a,b",
    "yes",
    "YES",
)
DATE_FORMS = ("%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y", "%Y-%m-%d %H:%M", "%d %b %Y", "%Y%m%d")
FIRST_DAY = datetime.datetime(2021, 3, 14)
EPOCH = datetime.datetime(1970, 1, 1)


@dataclass
class Written:
    """A file, and what it holds.

    Attributes:
        content: of the file.
        settings: of `data:` that go with it.
        truth: name to what each row has: a number, a text, or None where it is missing.
        faults: what is wrong with it; a file without any has to be accepted.
        unread: columns that need not be inputs, but have to be named if they are none.
    """

    content: bytes = b""
    settings: dict = field(default_factory=dict)
    truth: dict[str, list] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    unread: set[str] = field(default_factory=set)


def _plain(x: Decimal) -> str:
    return str(x)


def _swapped(text: str) -> str:
    return text.translate(str.maketrans(",.", ".,"))


STYLES = (
    _plain,
    _plain,
    lambda x: f"{x:,}",
    lambda x: _swapped(str(x)),
    lambda x: _swapped(f"{x:,}"),
    lambda x: f"{x:,}".replace(",", " "),
    lambda x: f"{x:,}".replace(",", "'"),
    lambda x: f"${x:,}",
    lambda x: f"{x}%",
    lambda x: f"{x} kg",
    lambda x: f"€ {_swapped(f'{x:,}')}",
    lambda x: f" {x} ",
    lambda x: f"+{x}" if x > 0 else str(x),
)


def number_column(draw: random.Random, count: int) -> tuple[list[str], list]:
    """Return a column of numbers in one style, whose thousands and decimals show in its first value."""
    style = draw.choice(STYLES)
    offset = draw.choice((0, 0, 0, 1_700_000_000))
    values = [Decimal(1234567) / 100 + offset]
    values += [Decimal(draw.randint(-(10**7), 10**7)) / 100 + offset for _ in range(count - 1)]
    texts = [style(x) for x in values]
    truth: list = [float(x) for x in values]
    if draw.random() < 0.4:
        for row in draw.sample(range(1, count), max(1, count // 10)):
            texts[row], truth[row] = draw.choice(MISSING), None
    return texts, truth


def text_column(draw: random.Random, count: int) -> tuple[list[str], list]:
    """Return a column of categories, some with blanks around them, some missing."""
    words = draw.sample(WORDS, draw.randint(2, 6))
    truth: list = [draw.choice(words) for _ in range(count)]
    texts = [word + draw.choice(("", "", " ")) for word in truth]
    for row in draw.sample(range(count), count // 20):
        texts[row], truth[row] = "", None
    return texts, truth


def boolean_column(draw: random.Random, count: int) -> tuple[list[str], list]:
    """Return a column of true and false."""
    names = draw.choice((("True", "False"), ("TRUE", "FALSE"), ("true", "false")))
    values = [draw.random() < 0.5 for _ in range(count - 2)] + [True, False]
    return [names[not value] for value in values], [float(value) for value in values]


def date_column(draw: random.Random, count: int) -> tuple[list[str], list]:
    """Return a column of moments, as days since 1970."""
    form = draw.choice(DATE_FORMS)
    texts = [(FIRST_DAY + datetime.timedelta(hours=draw.randint(0, 30_000))).strftime(form) for _ in range(count)]
    days = [(datetime.datetime.strptime(text, form) - EPOCH).total_seconds() / 86400 for text in texts]
    return texts, days


COLUMNS = (number_column, number_column, number_column, text_column, text_column, boolean_column, date_column)


def table_file(seed: int) -> Written:
    """Return a table of a classifier whose target is `y`."""
    draw = random.Random(seed)
    count = draw.randint(60, 90)
    written = Written(settings={"target": "y"})
    columns: dict[str, list[str]] = {}
    if draw.random() < 0.3:
        columns[""] = [str(i) for i in range(count)]
    for i in range(draw.randint(1, 5)):
        name = draw.choice(("a", "Größe", "x y", "n")) + str(i)
        columns[name], written.truth[name] = draw.choice(COLUMNS)(draw, count)
    if draw.random() < 0.2:
        columns["customer_id"] = [str(10_000 + 7 * i) for i in range(count)]
    if draw.random() < 0.2:
        columns["name"] = [f"person {draw.randint(0, 10**9)}" for _ in range(count)]
    columns["y"] = [draw.choice(("yes", "no", "NA")) for _ in range(count - 9)] + ["yes", "no", "NA"] * 3
    rows = [list(row) for row in zip(*columns.values(), strict=True)]
    _spoil(draw, written, list(columns), rows)
    _encode(draw, written, [list(columns), *rows])
    return written


def series_file(seed: int) -> Written:
    """Return a series whose target is `y`."""
    draw = random.Random(seed)
    count = draw.randint(60, 120)
    step = draw.choice((datetime.timedelta(days=1), datetime.timedelta(hours=1), datetime.timedelta(days=7)))
    form = "%Y-%m-%d %H:%M" if step < datetime.timedelta(days=1) else draw.choice(DATE_FORMS[:4])
    columns = {"when": [(FIRST_DAY + i * step).strftime(form) for i in range(count)]}
    written = Written(settings={"target": "y", "window": {"history": 8, "horizon": 3, "season": 2}})
    values = [Decimal(123456) / 100, *(Decimal(draw.randint(-99999, 99999)) / 100 for _ in range(count - 1))]
    columns["y"], written.truth["y"] = [str(x) for x in values], [float(x) for x in values]
    if draw.random() < 0.5:
        columns["promo"], written.truth["promo"] = boolean_column(draw, count)
    if draw.random() < 0.5:
        columns["weather"] = [draw.choice(("sun", "rain")) for _ in range(count)]
    rows = [list(row) for row in zip(*columns.values(), strict=True)]
    fault = draw.choice(("", "", "", "order", "double", "gap", "stacked", "text"))
    if fault == "order":
        rows.reverse()
    elif fault == "double":
        rows.insert(7, list(rows[6]))
    elif fault == "gap":
        del rows[draw.randint(5, count - 5)]
    elif fault == "stacked":
        rows = [*rows, *map(list, rows)]
    elif fault == "text":
        rows[9][1] = "broken"
    written.faults += [fault] if fault else []
    _encode(draw, written, [list(columns), *rows])
    return written


def _spoil(draw: random.Random, written: Written, names: list[str], rows: list[list[str]]) -> None:
    fault = draw.choice(("", "", "", "", "wide", "short", "text", "label", "single", "infinite"))
    numeric = [name for name, truth in written.truth.items() if isinstance(truth[0], float)]
    row = draw.choice(rows[1:])
    if fault == "wide":
        row.append("more")
    elif fault == "short":
        row.pop()
    elif fault in ("text", "infinite") and numeric:
        row[names.index(draw.choice(numeric))] = "inf" if fault == "infinite" else "broken"
    elif fault == "label":
        row[-1] = ""
    elif fault == "single":
        row[-1] = "rare"
    else:
        fault = ""
    written.faults += [fault] if fault else []


def _encode(draw: random.Random, written: Written, rows: list[list[str]]) -> None:
    text = io.StringIO()
    separator, end = draw.choice(SEPARATORS), draw.choice(("\n", "\r\n"))
    csv.writer(text, delimiter=separator, lineterminator=end).writerows(rows)
    content = text.getvalue()
    encoding = draw.choice(ENCODINGS)
    try:
        written.content = content.encode(encoding)
    except UnicodeEncodeError:
        encoding, written.content = "utf-8", content.encode()
    if encoding == "latin-1":
        written.settings["encoding"] = "latin-1"
