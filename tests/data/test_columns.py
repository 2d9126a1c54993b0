"""The shared table reader: types, gaps, faults, and the same values from CSV and Parquet."""

import numpy as np
import pandas as pd
import pytest

from zoo.data.columns import Column, as_label, take_columns
from zoo.data.tables.file import read_table
from zoo.data.tables.infer import infer_columns
from zoo.data.tables.number_style import NumberStyle
from zoo.errors import ZooError


@pytest.fixture
def csv(tmp_path):
    def write(text):
        (tmp_path / "t.csv").write_text(text, encoding="utf-8")
        return tmp_path / "t.csv"

    return write


def columns_of(path, categorical=()):
    table = read_table(path)
    columns, _ = infer_columns(table, table.columns, categorical)
    return {c.name: c.type for c in columns}, take_columns(table, columns)


def test_types_are_inferred(csv):
    text = "whole,part,word,code,flag\n1,0.5,a,7,True\n2,1e3,b,8,False\n"
    types, values = columns_of(csv(text), categorical=["code"])
    assert types == {"whole": "number", "part": "number", "word": "category", "code": "category", "flag": "number"}
    np.testing.assert_array_equal(values["whole"], [1, 2])
    np.testing.assert_array_equal(values["part"], [0.5, 1000])
    np.testing.assert_array_equal(values["flag"], [1, 0])
    assert values["word"].tolist() == ["a", "b"] and values["code"].tolist() == ["7", "8"]
    assert values["whole"].dtype == np.float32 and values["word"].dtype == object


def test_gaps(csv):
    types, values = columns_of(csv("number,word,flag,empty\n1,,True,\nNA,b,,\n,null,False,\n"))
    assert types == {"number": "number", "word": "category", "flag": "number", "empty": "number"}
    np.testing.assert_array_equal(values["number"], [1, np.nan, np.nan])
    np.testing.assert_array_equal(values["flag"], [1, np.nan, 0])
    assert values["word"].tolist() == ["", "b", "null"] and np.isnan(values["empty"]).all()


def test_whole_numbers_with_gaps_stay_whole(csv):
    _, values = columns_of(csv("code\n1\n\nNA\n2\n"), categorical=["code"])
    assert values["code"].tolist() == ["1", "NA", "2"]  # a text like any other: only the empty field is missing
    assert {as_label(v) for v in (1, 1.0, np.float32(1), np.int8(1), "1", "1.0", "1.00")} == {"1"}
    assert [as_label(v) for v in (1.5, "1.5", "-3.0", "v1.0", "01", True)] == ["1.5", "1.5", "-3", "v1.0", "01", "True"]


def test_categories_are_the_same_whatever_else_the_file_holds(csv):
    """A category must not depend on the other rows of its file: one row served is what it was among many."""
    rows = ["01", "1", "true", "1e2", "2.0"]
    _, together = columns_of(csv("c\nword\n" + "\n".join(rows)), ["c"])
    alone = [columns_of(csv(f"c\n{row}\n"), ["c"])[1]["c"][0] for row in rows]
    assert alone == together["c"][1:].tolist() == ["01", "1", "true", "1e2", "2"]


def test_parquet_equals_csv(tmp_path):
    frame = pd.DataFrame(
        {
            "whole": [1, 2, 3],
            "gap": [1.5, None, 3],
            "word": ["a", None, "ü\nb"],
            "flag": [True, None, False],
            "class": pd.Categorical(["x", "y", "x"]),
            "nullable": pd.array([1, None, 3], dtype="Int64"),
            "code": pd.array([1, None, 3], dtype="Int64"),
            "text": pd.array(["a", None, "b"], dtype="string"),
        }
    )
    frame.to_csv(tmp_path / "t.csv", index=False)
    frame.to_parquet(tmp_path / "t.parquet")
    types, values = columns_of(tmp_path / "t.csv", ["code"])
    other_types, other = columns_of(tmp_path / "t.parquet", ["code"])
    assert types == other_types
    for name in frame:
        np.testing.assert_array_equal(values[name], other[name], name)
    assert values["code"].tolist() == ["1", "", "3"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "a\n1\ntwo\n3\n",
            r"column 'a' holds numbers, but row 2 \(line 3\) has 'two' \(1 such of 3 rows\); correct it, list",
        ),
        ("a\n1\n2\ninf\n", r"column 'a': row 3 \(line 4\) has 'inf', not a finite number"),
        ("a\n1\n1e39\n", r"column 'a': row 2 \(line 3\) has '1e39', not a finite number"),
        ("a,b,a\n1,2,3\n", r"t\.csv: columns named twice: a$"),
        ("a, a\n1,2\n", r"t\.csv: columns named twice: a$"),
        ("", r"t\.csv: not readable as a table \(the file is empty"),
        ("a,b\n", r"t\.csv: the table has no rows"),
        (
            "a,b\n1,2\n1,2,3\n",
            r"t\.csv: 1 of 2 rows have another number of fields than the header's 2 \(1 of 3\): line 3;",
        ),
        ("a,b\n1,2,3\n", r"t\.csv: 1 of 1 rows have another number of fields than the header's 2 \(1 of 3\): line 2;"),
    ],
)
def test_faulty_files(csv, text, message):
    with pytest.raises(ZooError, match=message):
        columns_of(csv(text))


def test_files_that_are_no_tables(tmp_path):
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "text.parquet").write_text("a,b\n1,2\n")
    for name in ("binary.csv", "text.parquet", "gone.csv"):
        with pytest.raises(ZooError, match=f"{name}: not readable as a table"):
            read_table(tmp_path / name)


def test_a_missing_column_names_the_nearest(csv):
    frame = read_table(csv("heigth,width\n1,2\n"))
    with pytest.raises(ZooError, match=r"W: missing columns: height; did you mean 'heigth'\? \(found: heigth, width\)"):
        take_columns(frame, [Column("height", "number"), Column("width", "number")], "W")


def test_text_where_training_saw_numbers(csv):
    frame = read_table(csv("a\n1\nx\ny\n"))
    with pytest.raises(
        ZooError,
        match=r"W: column 'a' holds numbers, but row 2 \(line 3\) has 'x' \(2 such of 3 rows; also row 3 \(line 4\)\)$",
    ):
        take_columns(frame, [Column("a", "number")], "W")


def test_numbers_that_were_read_before_are_taken_as_they_are():
    """Days since 1970, and values of a styled column, come as numbers from a caller that has read the file itself."""
    columns = [
        Column("day", "number", "time", time="iso8601", missing=()),
        Column("price", "number", style=NumberStyle(thousands=",", unit="$"), missing=()),
        Column("on", "number", "boolean", missing=()),
    ]
    taken = take_columns(pd.DataFrame({"day": [19358.5], "price": [1234.5], "on": [1.0]}), columns)
    assert {name: values.tolist() for name, values in taken.items()} == {"day": [19358.5], "price": [1234.5], "on": [1]}
