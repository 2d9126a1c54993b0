"""Tables in several files: folders, patterns, and files whose names are splits."""

import numpy as np
import pandas as pd
import pytest
from loading import everything, load

from zoo.errors import ZooError


def rows(first, count=30):
    return pd.DataFrame(
        {"a": np.arange(first, first + count), "b": np.arange(count) % 7, "y": ["u", "v"] * (count // 2)}
    )


def write(folder, **files):
    """Write frames or text to files; `__` in a name is a dot, `_in_` a folder."""
    for name, content in files.items():
        path = folder / name.replace("_in_", "/").replace("__", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, str | bytes):
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        elif path.suffix == ".parquet":
            content.to_parquet(path)
        elif path.suffix == ".jsonl":
            content.to_json(path, orient="records", lines=True)
        else:
            content.to_csv(path, index=False, sep="\t" if path.suffix == ".tsv" else ",")
    return folder


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("csv:DIR", ("one__csv", "two__csv")),
        ("csv:DIR/*.csv", ("one__csv", "two__csv")),
        ("csv:DIR/part-?.csv", ("part-1__csv", "part-2__csv")),
        ("csv:DIR/*/rows.csv", ("x_in_rows__csv", "y_in_rows__csv")),
        ("csv:DIR", ("one__csv", "two__tsv")),
        ("parquet:DIR", ("one__parquet", "two__parquet")),
        ("jsonl:DIR", ("one__jsonl", "two__jsonl")),
    ],
)
def test_several_files_are_read_as_one(source, names, tmp_path):
    write(tmp_path, **{names[0]: rows(0), names[1]: rows(100)[["y", "b", "a"]]})
    (tmp_path / "whole").mkdir()
    pd.concat([rows(0), rows(100)]).to_csv(tmp_path / "whole" / "t.csv", index=False)
    dataset = load(source.replace("DIR", str(tmp_path)), target="y")
    whole = load(f"csv:{tmp_path}/whole/t.csv", target="y")
    np.testing.assert_array_equal(everything(dataset), everything(whole))
    assert any(note.startswith("read as one table: 2 files: ") and "(30 rows)" in note for note in dataset.notes)


@pytest.mark.parametrize(
    "names",
    [
        ("train__csv", "validation__csv", "test__csv"),
        ("Train__csv", "VAL__csv", "Testing__csv"),
        ("train-00000-of-00001__csv", "dev_1__csv", "test__0__csv"),
        ("sales_train__csv", "sales-valid__csv", "sales__test__csv"),
        ("train_in_a__csv", "val_in_b__csv", "test_in_c__csv"),
        ("train_in_a__csv", "valid__csv", "TEST_in_c__csv"),
    ],
)
def test_names_of_files_are_splits(names, tmp_path):
    write(tmp_path, **{name: rows(100 * i) for i, name in enumerate(names)})
    dataset = load(f"csv:{tmp_path}", target="y")
    for i, split in enumerate((dataset.train, dataset.validation, dataset.test)):
        np.testing.assert_array_equal(split.take(np.arange(len(split)))["a"], np.arange(100 * i, 100 * i + 30))
    assert any(note.startswith("splits by the names of files: train ") for note in dataset.notes)


def test_what_is_no_table_is_named(tmp_path):
    write(tmp_path, one__csv=rows(0), readme__md="# hello", __hidden__csv="x", more_in_two__csv=rows(5))
    (tmp_path / ".hidden.csv").write_text("x")
    (tmp_path / "..hidden.csv").unlink(missing_ok=True)
    dataset = load(f"csv:{tmp_path}", target="y")
    assert "no part of the table: 2 other files or folders: more, readme.md" in dataset.notes
    assert sum(map(len, (dataset.train, dataset.validation, dataset.test))) == 30


BAD = {
    "empty folder": ({}, "no .csv or .tsv file in the folder"),
    "other files alone": ({"a__txt": "x"}, r"no .csv or .tsv file in the folder \(1 other files: a.txt\)"),
    "lacks a column": ({"a__csv": rows(0), "b__csv": rows(0)[["a", "y"]]}, "b.csv lacks the column 'b'"),
    "has another column": (
        {"a__csv": rows(0), "b__csv": rows(0).assign(c=1)},
        "b.csv has the column 'c', which .*a.csv lacks",
    ),
    "several differences": (
        {"a__csv": rows(0), "b__csv": rows(0)[["a", "y"]], "c__csv": rows(0).assign(d=1)},
        r"b.csv lacks the column 'b', .*c.csv has the column 'd'.*\(2 differences\)",
    ),
    "test without a target": (
        {"train__csv": rows(0), "test__csv": rows(0)[["a", "b"]]},
        "test.csv has|.*test.csv lacks the column 'y'|lacks",
    ),
    "no training split": ({"val__csv": rows(0), "test__csv": rows(0)}, "no file is named as the training split"),
    "a file that is no split": (
        {"train__csv": rows(0), "sample__csv": rows(0)},
        "1 files: train.csv are named as splits, and 1 files: sample.csv are not",
    ),
    "labels beside": ({"train__csv": rows(0), "train_labels__csv": rows(0)}, "train_labels.csv are not"),
    "an empty file": ({"a__csv": rows(0), "b__csv": ""}, "b.csv: not readable as a table"),
    "no rows": ({"a__csv": rows(0), "b__csv": "a,b,y\n"}, "b.csv: the table has no rows"),
    "another separator": ({"a__csv": rows(0), "b__csv": "a;b;y\n1;2;u\n"}, ""),
    "a broken row": ({"a__csv": rows(0), "b__csv": "a,b,y\n1,2,u\n1,2\n"}, "b.csv: 1 of 2 rows have another number"),
    "bytes": ({"a__csv": rows(0), "b__csv": b"\xff\xfe\x00\x01"}, "b.csv"),
    "a column twice": ({"a__csv": rows(0), "b__csv": "a,a,y\n1,2,u\n"}, "b.csv: columns named twice"),
    "text in a column of numbers": (
        {"a__csv": rows(0), "b__csv": "a,b,y\n1,2,u\nx,2,v\n"},
        r"column 'a' holds numbers, but row 2 of b.csv \(line 3\) has 'x'",
    ),
    "a missing label": ({"a__csv": rows(0), "b__csv": "a,b,y\n1,2,\n"}, r"row 1 of b.csv \(line 2\) has no label"),
    "a class that training lacks": (
        {"train__csv": rows(0), "test__csv": "a,b,y\n1,2,w\n"},
        r"row 1 of test.csv \(line 2\) has the class 'w'",
    ),
    "another case of a name": (
        {"a__csv": rows(0), "b__csv": rows(0).rename(columns={"b": "B"})},
        "lacks the column 'b'",
    ),
    "a folder called like a file": ({"a__csv_in_x__txt": "x"}, "no .csv or .tsv file in the folder"),
}


@pytest.mark.parametrize("case", BAD)
def test_folders_that_are_refused(case, tmp_path):
    files, message = BAD[case]
    write(tmp_path, **files)
    if not message:
        assert sum(len(s) for s in (load(f"csv:{tmp_path}", target="y").train,)) > 0
        return
    with pytest.raises(ZooError, match=message):
        load(f"csv:{tmp_path}", target="y")


@pytest.mark.parametrize(
    ("files", "source", "settings", "message"),
    [
        ({}, "csv:DIR/*.csv", {}, "no file fits the pattern"),
        (
            {"a__parquet": rows(0), "b__parquet": rows(0).assign(b="x")},
            "parquet:DIR",
            {},
            "column 'b' holds numbers in",
        ),
        ({"train__csv": rows(0), "test__csv": rows(0)}, "csv:DIR", {"split_column": "b"}, "the names of the files say"),
    ],
)
def test_other_sources_that_are_refused(files, source, settings, message, tmp_path):
    write(tmp_path, **files)
    with pytest.raises(ZooError, match=message):
        load(source.replace("DIR", str(tmp_path)), target="y", **settings)


def test_series_in_files_that_are_splits_are_refused(tmp_path):
    write(tmp_path, train__csv=rows(0), test__csv=rows(100))
    with pytest.raises(ZooError, match="series are split by time"):
        load(f"csv:{tmp_path}", "forecasting", target="a", window={"history": 5, "horizon": 2})
