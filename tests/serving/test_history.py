"""The window of a forecaster from a table: columns by name, moments that fit."""

from dataclasses import replace

import numpy as np
import pytest

from zoo.data.columns import Column
from zoo.data.tables.file import Table
from zoo.data.tables.time_order import TimeColumn
from zoo.data.tables.times import Step
from zoo.errors import ZooError
from zoo.serving.history import last_steps, say_unused
from zoo.serving.metadata import FileSignature

DAYS = np.arange(np.datetime64("2024-02-20"), np.datetime64("2024-03-10")).astype(str)
COUNT = len(DAYS)
VALUES = {"y": np.arange(COUNT) * 1.5, "price": 1000.0 + np.arange(COUNT), "date": DAYS}
SIGNATURE = FileSignature(
    task="forecasting",
    kind="array",
    target="y",
    shape=(5, 2),
    columns=(Column("y", "number", missing=()), Column("price", "number", missing=())),
    inputs={},
    labels=(),
    vocabulary=None,
    tokenizer=None,
    threshold=None,
    steps=1,
    guidance=1.0,
    time=TimeColumn(name="date", form="iso8601", step=Step("us", 86_400_000_000), last="2024-02-19"),
)
EXPECTED = np.stack([VALUES["y"], VALUES["price"]], 1)[-5:]


def table(rows=slice(None), **changes):
    columns = {**VALUES, **changes}
    texts = {n: np.array([str(v) for v in np.asarray(c)[rows]], object) for n, c in columns.items() if c is not None}
    return Table("new.csv", texts)


def test_columns_are_taken_by_name_and_others_said():
    notes = []
    swapped = Table("new.csv", dict(reversed(table(extra=VALUES["y"]).columns.items())))
    np.testing.assert_array_equal(last_steps(swapped, SIGNATURE), np.float32(EXPECTED))
    say_unused(swapped, SIGNATURE, notes.append)
    assert notes == ["new.csv: the model does not take 1 columns: 'extra'"]
    double = replace(SIGNATURE, double=True)
    assert last_steps(table(), double).dtype == np.float64


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (table(price=None), r"lacks the column 'price' \(columns: y, date\)"),
        (table(date=None), "lacks the column 'date'"),
        (table(slice(4)), "takes 5 steps, and the file has 4"),
        (table(slice(None, None, -1)), r"row 2 has 2024-03-08, before the row above"),
        (table(slice(None, None, 7)), "has a row every 7 days, and the model was trained on a row every 1 day"),
        (table(price=["x", *VALUES["price"][1:]]), "holds numbers, but row 1 has 'x'"),
        (table(price=[*VALUES["price"][:-1], "NA"]), "1 of the last 5 steps of price, y lack a value"),
    ],
)
def test_what_does_not_fit_is_refused(given, message):
    with pytest.raises(ZooError, match=message):
        last_steps(given, SIGNATURE)


def test_what_the_recipe_allowed_is_done_and_said():
    notes = []
    lenient = replace(SIGNATURE, time=replace(SIGNATURE.time, sort=True, fill="previous"))
    gap = np.delete(np.arange(COUNT)[::-1], 2)
    found = last_steps(table(gap), lenient, notes.append)
    expected = EXPECTED.copy()
    expected[2] = expected[1]
    np.testing.assert_array_equal(found, np.float32(expected))
    assert "rows are sorted" in notes[0] and "1 steps were added and 0 missing values filled" in notes[1]


def test_an_older_file_without_names_says_what_it_takes():
    notes = []
    old = replace(SIGNATURE, columns=(), time=None)
    np.testing.assert_array_equal(last_steps(table(date=None), old, notes.append), np.float32(EXPECTED))
    assert "does not name its columns, which are taken in this order: y, price" in notes[0]
