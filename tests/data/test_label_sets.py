"""Several labels an example, as tables write them."""

import numpy as np
import pytest
from loading import load
from sklearn.preprocessing import MultiLabelBinarizer

from zoo.data.label_sets import label_names, multi_hot, sets_of_cells, sets_of_columns
from zoo.errors import ZooError

TASK = "tabular_multi_label_classification"


def test_cells_become_marks_as_scikit_learns_binarizer_makes_them():
    cells = ["red; blue", "", "blue", "green;red", None, " green ;blue;red"]
    sets, notes = sets_of_cells(cells, "where")
    binarizer = MultiLabelBinarizer()
    expected = binarizer.fit_transform([{p.strip() for p in (cell or "").split(";") if p.strip()} for cell in cells])
    assert label_names(sets, "where") == tuple(binarizer.classes_)
    np.testing.assert_array_equal(multi_hot(sets, binarizer.classes_, "where"), expected)
    assert notes == ["labels are separated by ';'", "2 of 6 examples have no label"]


@pytest.mark.parametrize(
    ("cells", "separator", "expected"),
    [
        (["a|b", "b"], None, [("a", "b"), ("b",)]),
        (["a,b", "b"], None, [("a", "b"), ("b",)]),
        (["a b", "b"], None, [("a b",), ("b",)]),
        (["a b", "b"], " ", [("a", "b"), ("b",)]),
        (["a;b, c", "d"], ";", [("a", "b, c"), ("d",)]),
        ([["a", "b"], ["b"]], None, [("a", "b"), ("b",)]),
        ([["a", "b"], ["c", "b"]], None, [("a", "b"), ("c", "b")]),
        ([np.array(["a"]), np.array([]), None], None, [("a",), (), ()]),
        ([1, 2, 2.0], None, [("1",), ("2",), ("2",)]),
        (["a;a", "e\u0301"], None, [("a",), ("\u00e9",)]),
    ],
)
def test_cells(cells, separator, expected):
    assert sets_of_cells(cells, "where", separator)[0].tolist() == expected


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (["a;b", "a,b"], "may be separated by ';' (in 1 of 2) and ',' (in 1 of 2); name it: data.label_separator"),
        (["a;;b", "c;"], "2 of 2 rows have an empty label in their list"),
        ([["a", None]], "1 of 1 rows have an empty label"),
    ],
)
def test_cells_that_are_refused(cells, message):
    with pytest.raises(ZooError, match=r".*") as caught:
        sets_of_cells(cells, "where")
    assert message in str(caught.value)


def test_columns_of_marks():
    columns = {"a": ["1", "0", "yes"], "b": [True, False, 1.0], "c": np.array([0, 1, 0])}
    sets, faults = sets_of_columns(columns)
    assert sets.tolist() == [("a", "b"), ("c",), ("a", "b")] and not faults


ROWS = "x,a,b\n" + "".join(f"{i},{i % 2},{i % 3 == 0:d}\n" for i in range(30))


def test_a_table_with_a_column_a_label(tmp_path):
    (tmp_path / "t.csv").write_text(ROWS)
    dataset = load(f"csv:{tmp_path}/t.csv", TASK, target=["a", "b"])
    assert dataset.signature.labels == ("a", "b") and dataset.signature.target == "a, b"
    every = np.concatenate([s.targets for s in (dataset.train, dataset.validation, dataset.test)])
    x = np.concatenate([s.take(np.arange(len(s)))["x"] for s in (dataset.train, dataset.validation, dataset.test)])
    np.testing.assert_array_equal(every[:, 0], x % 2)
    np.testing.assert_array_equal(every[:, 1], x % 3 == 0)


@pytest.mark.parametrize(
    ("text", "target", "message"),
    [
        (
            ROWS.replace("\n5,1,0", "\n5,2,0"),
            ["a", "b"],
            "1 of 30 rows hold no 0 or 1: row 6 (line 7) has '2'",
        ),
        (ROWS.replace("\n5,1,0", "\n5,,0"), ["a", "b"], "has nothing"),
        (ROWS, ["a", "d"], "names the column 'd', which the table lacks"),
        (
            "x,s,t\n" + "1,train,a;b\n" * 9 + "1,test,c\n",
            "t",
            "no training example has: 'c' (1); the first is in row 10",
        ),
        ("x,t\n" + "1,one\n" * 30, "t", "need at least two labels, found one"),
    ],
)
def test_tables_that_are_refused(text, target, message, tmp_path):
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(ZooError) as caught:
        load(f"csv:{tmp_path}/t.csv", TASK, target=target, split_column="s" if ",s," in text else None)
    assert message in str(caught.value)


def test_rows_that_cannot_be_read_are_left_out(tmp_path):
    (tmp_path / "t.csv").write_text(ROWS.replace("\n5,1,0", "\n5,maybe,0"))
    dataset = load(f"csv:{tmp_path}/t.csv", TASK, target=["a", "b"], on_error="skip")
    assert sum(len(s) for s in (dataset.train, dataset.validation, dataset.test)) == 29
    assert any("1 of 30 rows cannot be read, because of column 'a' (1)" in note for note in dataset.notes)
