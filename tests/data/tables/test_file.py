"""CSV files as text, each row with its line."""

import csv
import io

import numpy as np
import pandas as pd
import pytest

from zoo.data.tables.file import from_arrays, from_frame, read_table
from zoo.data.tables.reading import Reading
from zoo.data.tables.times import column_times
from zoo.errors import ZooError


@pytest.fixture
def csv_file(tmp_path):
    def write(content):
        path = tmp_path / "t.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def test_each_row_has_its_line(csv_file):
    text = 'a,b\n1,"x\ny"\n\n2,z\n3,"w"\n'
    table = read_table(csv_file(text))
    assert table.columns["b"].tolist() == ["x\ny", "z", "w"] and table.lines.tolist() == [2, 5, 6]
    assert table.rows(np.arange(3)) == "row 1 (line 2), row 2 (line 5), row 3 (line 6)"


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_the_separator_is_found_out_and_said(csv_file, separator):
    rows = [["a", "b"], ["1,5", "x, y"], ["2,5", "z"]]
    text = io.StringIO()
    csv.writer(text, delimiter=separator).writerows(rows)
    table = read_table(csv_file(text.getvalue()))
    assert [table.columns["a"].tolist(), table.columns["b"].tolist()] == [["1,5", "2,5"], ["x, y", "z"]]
    assert any("fields are separated by" in note for note in table.notes)


def test_the_target_tells_between_separators(csv_file):
    path = csv_file("a,b;y\n1,2;3\n")
    assert list(read_table(path, target="b;y").columns) == ["a", "b;y"]
    assert list(read_table(path, target="y").columns) == ["a,b", "y"]
    assert list(read_table(path, Reading(separator=";")).columns) == ["a,b", "y"]


def test_encodings(csv_file):
    content = "a,b\nsí,1\n"
    assert read_table(csv_file(b"\xef\xbb\xbf" + content.encode())).columns["a"][0] == "sí"
    assert read_table(csv_file(content.encode("utf-16"))).columns["a"][0] == "sí"
    assert read_table(csv_file(content.encode("latin-1")), Reading(encoding="latin-1")).columns["a"][0] == "sí"
    with pytest.raises(ZooError, match=r"line 2: the byte 0xed is no UTF-8\); name .* data\.encoding: latin-1"):
        read_table(csv_file(content.encode("latin-1")))


def test_rows_of_another_width_are_counted_and_left_out_on_request(csv_file):
    path = csv_file("a,b\n" + "1,2\n" * 20 + "1\n" * 6 + "1,2,3\n")
    message = (
        r"7 of 27 rows have another number of fields than the header's 2 \(6 of 1, 1 of 3\): line 22, .* and 2 more"
    )
    with pytest.raises(ZooError, match=message):
        read_table(path)
    table = read_table(path, Reading(skip=True))
    assert len(table) == 20 and len(table.lines) == 20 and "they are left out" in table.notes[-1]


def test_names(csv_file):
    table = read_table(csv_file(" a ,,b\n1,2,3\n"))
    assert list(table.columns) == ["a", "Unnamed: 1", "b"]


def test_an_index_of_moments_is_a_column(tmp_path):
    index = pd.date_range("2023-01-01", periods=3, name="day")
    pd.DataFrame({"y": [1, 2, 3]}, index=index).to_parquet(tmp_path / "t.parquet")
    table = read_table(tmp_path / "t.parquet")
    assert list(table.columns) == ["day", "y"] and table.columns["day"].dtype.kind == "M"


@pytest.mark.parametrize(
    "values",
    [
        np.array([1, 2], np.int8),
        np.array([1.5, np.nan]),
        np.array([True, False]),
        np.array(["a", ""]),
        np.array(["2020-01-01", "NaT"], "datetime64[us]"),
        np.array(["a", None, float("nan"), pd.NA], object),
        np.array([1, None, 2.5], object),
        np.array([True, None], object),
    ],
    ids=lambda values: f"{values.dtype} {values[-1]}",
)
def test_arrays_are_typed_as_a_data_frame_is(values):
    expected, found = from_frame(pd.DataFrame({"a": values}), "t"), from_arrays({"a": values}, "t")
    assert found.columns["a"].dtype.kind == expected.columns["a"].dtype.kind
    assert [repr(v) for v in found.columns["a"].tolist()] == [repr(v) for v in expected.columns["a"].tolist()]


def test_moments_and_periods_of_a_data_frame_are_read_without_pandas():
    stamps = pd.date_range("2020-01-01", periods=2, tz="Europe/Berlin")
    for series in (pd.Series(stamps), pd.Series(pd.period_range("2020-01", periods=2, freq="M"))):
        expected = column_times(from_frame(pd.DataFrame({"a": series}), "t").columns["a"])
        found = column_times(from_arrays({"a": series.to_numpy(object)}, "t").columns["a"])
        np.testing.assert_array_equal(found, expected)
