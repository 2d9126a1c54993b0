"""Texts from tables: CSV, Parquet and JSON Lines give the same examples, and what is wrong with a file is refused."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from loading import CLASSES, NUMBERS, load, refused

from zoo.data.sources.load import load_dataset
from zoo.recipe import load_recipe
from zoo.tasks import TASKS

TEXT, VALUE = "sequence_classification", "sequence_regression"
ROWS = [
    {"review": f"film {i % 7}, {'good' if i % 2 else 'bad'} one", "mood": "yes" if i % 2 else "no", "stars": i * i % 11}
    for i in range(60)
]
COLUMNS = {"text": "review", "target": "mood"}


def as_lines(rows):
    return "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows)


@pytest.fixture(params=["csv", "parquet", "jsonl"])
def table(request, tmp_path):
    def write(rows=ROWS):
        path, frame = tmp_path / f"t.{request.param}", pd.DataFrame(rows)
        if request.param == "jsonl":
            path.write_text(as_lines(rows), encoding="utf-8")
        else:
            frame.to_csv(path, index=False) if request.param == "csv" else frame.to_parquet(path)
        return f"{request.param}:{path}"

    return write


def test_the_recipe_of_the_page_reads_such_a_file(tmp_path):
    page = (Path(__file__).parents[3] / "docs/data.md").read_text(encoding="utf-8")
    (recipe,) = re.findall(r"```yaml\n(# reviews\.yaml .*?)```", page, re.DOTALL)
    (tmp_path / "reviews.yaml").write_text(recipe)
    pd.DataFrame(ROWS).rename(columns={"mood": "sentiment"}).to_csv(tmp_path / "reviews.csv", index=False)
    loaded = load_recipe(tmp_path / "reviews.yaml").recipe
    dataset = load_dataset(loaded.data, TASKS[loaded.task], loaded.preprocess)
    assert len(dataset.train) + len(dataset.validation) + len(dataset.test) == 60


@pytest.fixture
def lines(tmp_path):
    def write(text):
        (tmp_path / "t.jsonl").write_bytes(text if isinstance(text, bytes) else text.encode())
        return f"jsonl:{tmp_path / 't.jsonl'}"

    return write


def test_texts_and_targets_are_those_of_the_file(table):
    dataset = load(table(), TEXT, **COLUMNS)
    assert dataset.signature.kind == "text" and dataset.signature.labels == ("no", "yes")
    for split in (dataset.train, dataset.validation, dataset.test):
        rows = [ROWS[i] for i in split.indices]
        assert split.take(np.arange(len(split))).tolist() == [row["review"] for row in rows]
        assert [dataset.signature.labels[y] for y in split.targets] == [row["mood"] for row in rows]
    seen = {word for i in dataset.train.indices for word in ROWS[i]["review"].replace(",", " ,").split()}
    assert set(dataset.signature.tokenizer.symbols) == seen
    assert "no inputs, as data.text names 'review': 1 columns: 'stars'" in dataset.notes
    (column,) = dataset.signature.to_json()["columns"]
    assert (column["name"], column["type"]) == ("review", "text")


def test_numbers_are_learned_from_texts(table):
    dataset = load(table(), VALUE, text="review", target="stars")
    assert dataset.signature.labels == () and dataset.train.targets.dtype == np.float32
    assert dataset.train.targets.tolist() == [ROWS[i]["stars"] for i in dataset.train.indices]


def test_three_files_of_one_content_have_one_fingerprint(tmp_path):
    frame = pd.DataFrame(ROWS)
    frame.to_csv(tmp_path / "t.csv", index=False)
    frame.to_parquet(tmp_path / "t.parquet")
    (tmp_path / "t.jsonl").write_text(as_lines(ROWS))
    kinds = ("csv", "parquet", "jsonl")
    assert len({load(f"{kind}:{tmp_path}/t.{kind}", TEXT, **COLUMNS).fingerprint for kind in kinds}) == 1


def test_splits_of_a_column_and_other_columns_are_said(table):
    rows = [{**row, "split": ("train", "val", "test")[i % 3]} for i, row in enumerate(ROWS)]
    dataset = load(table(rows), TEXT, **COLUMNS, split_column="split", ignore=["stars"])
    assert dataset.test.indices.tolist() == list(range(2, 60, 3))
    assert not any("no inputs" in note for note in dataset.notes)
    said = " ".join(load(table(rows), TEXT, **COLUMNS).notes)
    assert "2 columns: 'stars', 'split'" in said and "data.split_column: split splits the rows by it" in said


def test_missing_texts_are_counted_and_left_out_on_request(table):
    rows = [dict(row) for row in ROWS]
    rows[3]["review"], rows[9]["review"], rows[20]["mood"], rows[30]["review"] = None, "n/a", None, " \u2003"
    source = table(rows)
    refused(r"column 'review': 1 of 60 rows have no text: row 4( \(line \d\))? has ", source, TEXT, **COLUMNS)
    refused("column 'review': 2 of 60 rows have no text", source, TEXT, **COLUMNS, missing=["n/a"])
    dataset = load(source, TEXT, **COLUMNS, missing=["n/a"], on_error="skip")
    assert len(dataset.train) + len(dataset.validation) + len(dataset.test) == 57
    said = " ".join(dataset.notes)
    assert "3 of 60 rows cannot be read, because of column 'review' (2), 'mood' (1): row 4" in said
    assert "column 'review': 1 of 58 texts are empty or blank" in said


def test_an_empty_text_is_a_text_where_it_can_be_told_from_a_missing_one(lines, tmp_path):
    rows = [{**row, "review": ""} if i == 5 else row for i, row in enumerate(ROWS)]
    assert "column 'review': 1 of 60 texts are empty or blank" in load(lines(as_lines(rows)), TEXT, **COLUMNS).notes
    pd.DataFrame(rows).to_csv(tmp_path / "t.csv", index=False)
    refused(r"row 6 \(line 7\) has ''; fill them in, or leave", f"csv:{tmp_path}/t.csv", TEXT, **COLUMNS)


def test_json_lines_are_a_table_too(lines, tmp_path):
    rows = [
        {"a": i / 4, "b": None if i == 3 else i % 5, "on": i % 3 == 0, "c": "xy"[i % 2], "y": i % 2} for i in range(60)
    ]
    dataset = load(lines("\ufeff" + as_lines(rows)), CLASSES, target="y")
    pd.DataFrame(rows).astype({"y": str}).to_parquet(tmp_path / "t.parquet")
    other = load(f"parquet:{tmp_path}/t.parquet", CLASSES, target="y")
    assert dataset.signature.columns == other.signature.columns and dataset.fingerprint == other.fingerprint
    assert load(lines(as_lines(rows)), NUMBERS, target="a").train.targets.max() > 13


def test_lines_may_lack_keys_and_end_as_they_like(lines):
    rows = [json.dumps(row if i % 4 else {**row, "more": 1.5}) for i, row in enumerate(ROWS)]
    dataset = load(
        lines("\r\n".join([*rows[:30], "", *rows[30:]]) + "\r\n\r\n"), CLASSES, target="mood", ignore=["review"]
    )
    assert [c.name for c in dataset.signature.columns] == ["stars", "more"]
    assert "without content, and left out: 1 lines: 31" in dataset.notes


GOOD = as_lines(ROWS)
BROKEN = [  # what is put in front of sixty good lines, and what is said
    ('{"review": "a"\n', r"1 of 61 lines are no JSON objects: line 1 \(Expecting ',' delimiter, character 15\)"),
    ('{"review": "a", "review": "b"}\n', r"line 1 \(repeats the key 'review'\)"),
    ('{"review": {"a": 1, "a": 2}}\n', r"line 1 \(repeats the key 'a'\)"),
    ('["a", "yes"]\n', r"line 1 \(a list, not an object\)"),
    ('"a"\n1\ntrue\nnull\n', r"4 of 64 .* \(a text, not an object\), .* \(a number, n.*\(true or false, .*\(null, not"),
    ('{"review": NaN}\n', r"line 1 \(NaN is no JSON\)"),
    ('{"stars": -Infinity}\n', r"line 1 \(-Infinity is no JSON\)"),
    ('{"review": "a"} {"review": "b"}\n', r"line 1 \(Extra data, character 17\)"),
    ("{'review': 'a'}\n", r"line 1 \(Expecting property name enclosed in double quotes, character 2\)"),
    ('{"review": "a",}\n', "line 1 "),
    ('{"review": "\\ud83d"}\n', r"line 1 \(half of a surrogate pair is no character\)"),
    ('{"review": "a\tb"}\n', r"line 1 \(Invalid control character at, character 14\)"),
    (f'{{"review": {"[" * 100_000}\n', r"line 1 \(nested too deeply\)"),
    (f'{{"stars": {"9" * 5000}}}\n', r"line 1 \(Exceeds the limit"),
    (
        '{"review": ["a", "b"], "mood": "no"}\n',
        r"hold lists or objects.*'review' \(1 of 61 rows, the first row 1 \(line 1",
    ),
    ('{"review": "a", "mood": {"b": 1}}\n', r"hold lists or objects, .*: 'mood' \(1 of 61 rows"),
    ('{"review": 12, "mood": "no"}\n', r"column 'review': 1 of 61 rows have no text: row 1 \(line 1\) has 12; fill"),
    (
        '{"review": true, "mood": "no"}\n{"mood": "no"}\n',
        r"2 of 62 rows have no text: row 1 .* has True, row 2 .* None",
    ),
    ('{"review": "a"}\n', r"column 'mood': row 1 \(line 1\) has no label"),
    ('{"Review": "a", "mood": "no"}\n', r"1 of 61 rows have no text: row 1"),
    ('{"review": "a", "mood": "maybe"}\n', "a class has only one example: 'maybe'"),
    (b'{"review": "\xe9"}\n', r"line 1: the byte 0xe9 is no UTF-8\); name the file's encoding"),
]


@pytest.mark.parametrize(("first", "message"), BROKEN, ids=range(len(BROKEN)))
def test_a_broken_line_is_refused_by_its_number(lines, first, message):
    first = first if isinstance(first, bytes) else first.encode()
    refused(f"(?s){message}", lines(first + GOOD.encode()), TEXT, **COLUMNS)


@pytest.mark.parametrize(("first", "message"), BROKEN[:14], ids=range(14))
def test_broken_lines_are_left_out_on_request(lines, first, message):
    dataset = load(lines(first + GOOD), TEXT, **COLUMNS, on_error="skip")
    assert len(dataset.train) + len(dataset.validation) + len(dataset.test) == 60
    assert any(
        "are no JSON objects: line 1 (" in note and note.endswith("; they are left out") for note in dataset.notes
    )


@pytest.mark.parametrize(
    ("content", "settings", "message"),
    [
        ("", {}, "the file is empty"),
        ("\n \n", {}, "the file is empty"),
        ("{}\n" * 30, {}, "the table has no rows"),
        (GOOD, {"text": "Review"}, r"data\.text names the column 'Review', .* did you mean 'review'\?"),
        (GOOD, {"text": "stars"}, "column 'stars' holds numbers, and texts are expected"),
        (GOOD, {"target": "move"}, r"data\.target names the column 'move', .* did you mean 'mood'\?"),
        ("a,b\n1,2\n", {"on_error": "skip"}, "2 of 2 lines are no JSON objects"),
        (
            "".join(json.dumps({f"k{i}": "a"}) + "\n" for i in range(17_000)),
            {},
            "17,000 lines have 17,000 different keys, such as k0, k1",
        ),
        (GOOD.encode("latin-1"), {"encoding": "latin-99"}, "unknown encoding 'latin-99'"),
    ],
)
def test_a_file_that_is_no_table_of_texts_is_refused(lines, content, settings, message):
    refused(f"(?s){message}", lines(content), TEXT, **{**COLUMNS, **settings})


def test_a_table_of_texts_alone_names_the_task_for_them(lines):
    rows = [{"review": f"film number {i} of them", "mood": row["mood"]} for i, row in enumerate(ROWS)]
    refused(
        "to learn from a column of texts, take sequence_classification and data.text",
        lines(as_lines(rows)),
        target="mood",
    )


@pytest.mark.parametrize("table", ["parquet", "jsonl"], indirect=True)
def test_nested_columns_of_a_table_are_refused_or_ignored(table):
    rows = [{**row, "words": row["review"].split()} for row in ROWS]
    refused(r"'words' \(60 of 60 rows, the first row 1", table(rows), target="mood", ignore=["review"])
    load(table(rows), target="mood", ignore=["review", "words"])
    load(table(rows), TEXT, **COLUMNS)  # which reads no other column


def test_mixed_types_are_said(lines):
    rows = [{**row, "code": "7" if i % 2 else 7} for i, row in enumerate(ROWS)]
    said = " ".join(load(lines(as_lines(rows)), target="mood", ignore=["review"]).notes)
    assert "column 'code': values of several types are read as texts: 30 hold a number, 30 hold a text" in said
