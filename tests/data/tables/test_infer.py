"""What the columns of a table are: read, left out, refused, and what is said of them."""

import unicodedata

import numpy as np
import pytest

from zoo.data.columns import take_columns
from zoo.data.split_names import split_of_text
from zoo.data.tables.file import Table
from zoo.data.tables.infer import infer_columns
from zoo.data.tables.reading import Reading
from zoo.data.tables.texts import without_names
from zoo.errors import ZooError


def infer(values, name="x", categorical=(), **reading):
    table = Table("t.csv", {name: np.array([str(v) for v in values], dtype=object)}, None, Reading(**reading))
    columns, notes = infer_columns(table, [name], categorical)
    columns, more = without_names(table, columns, categorical)
    return (columns[0] if columns else None), [*notes, *more], table


@pytest.mark.parametrize(
    ("values", "form", "said", "expected"),
    [
        (["1,234", "12", "5,678,901"], "number", "thousands separated by ','", [1234, 12, 5678901]),
        (["$5", "$1,000.50"], "number", "the unit '$' left out", [5, 1000.5]),
        (["12.5%", "3%"], "number", "the unit '%' left out", [12.5, 3]),
        (["0,5", "1.234,25"], "number", "',' as the decimal mark", [0.5, 1234.25]),
        (["2023-01-01", "1969-12-31 12:00"], "time", "days since 1970", [19358, -0.5]),
        (["20230101", "20230102"], "time", "days since 1970", [19358, 19359]),
        (["1", "NA", "n/a", "NA"], "number", "'NA' (2), 'n/a' (1) count as missing", [1, np.nan, np.nan, np.nan]),
        (["007", "010"], "number", "2 values such as '007' begin with a zero", [7, 10]),
    ],
)
def test_numbers_are_read_as_they_are_written_and_that_is_said(values, form, said, expected):
    column, notes, table = infer(values)
    assert column.type == "number" and column.form == form and any(said in note for note in notes)
    np.testing.assert_array_equal(take_columns(table, [column])["x"], np.float32(expected))


def test_what_says_missing_is_text_where_it_names_something():
    column, notes, table = infer(["None", "", "Brick", "NA", "Brick"])
    assert column.type == "category"
    assert take_columns(table, [column])["x"].tolist() == ["None", "", "Brick", "NA", "Brick"]
    assert any("'NA' (1), 'None' (1) is a category like any other" in note for note in notes)
    column, _, table = infer(["None", "", "Brick"], missing=("None",))
    assert take_columns(table, [column])["x"].tolist() == ["", "", "Brick"]


def test_spellings():
    nfd = unicodedata.normalize("NFD", "café")
    column, notes, table = infer(["yes", "yes ", "YES", "no", nfd, "café", "café", "yes"])
    assert take_columns(table, [column])["x"].tolist() == ["yes", "yes", "YES", "no", "café", "café", "café", "yes"]
    assert any("blanks around 1 values" in note for note in notes) and any("accents of 1 values" in n for n in notes)
    assert any("'yes' (3), 'YES' (1) differ only in case" in note for note in notes)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["1", "2", "x", "3"], r"holds numbers, but row 3 has 'x' \(1 such of 4 rows\); correct it"),
        (["$5", "$7", "$6", "8"], r"written in more than one way, such as '\$5' \(1\), .*'8' \(1\)"),
        (["True", "false", "maybe", "True"], r"holds true and false, but row 3 has 'maybe'"),
        (["2023-01-01", "2023-01-02", "soon"], r"holds moments written as iso8601, but row 3 has 'soon'"),
        (["3.5", "3,5", "2,5", "1,5"], "written in more than one way"),
        ([2**60 + i for i in range(20)], "beyond 2\\^53: 20 different ones would become"),
    ],
)
def test_numbers_that_are_refused(values, message):
    with pytest.raises(ZooError, match=message):
        infer(values)


def test_what_the_recipe_lists_as_categories_is_used():
    column, notes, _ = infer([f"C-{i:04d}" for i in range(40)], categorical=["x"])
    assert column.type == "category" and not notes


def test_texts_that_all_differ_are_left_out_with_a_note():
    column, notes, _ = infer([f"C-{i:04d}" for i in range(40)], "customer")
    assert column is None and "is left out: 40 of its 40 texts occur once" in notes[0] and len(notes) == 1


def test_names_of_splits():
    assert [split_of_text(text) for text in ("Training", "val", "TEST", "dev", "other")] == [
        "train", "validation", "test", "validation", None]  # fmt: skip
