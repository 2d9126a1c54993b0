"""`zoo predict` and `zoo evaluate` on texts from tables and folders, with a model that was trained on a CSV file."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from zoo.data.sources.text_folder import load_text_folder
from zoo.errors import ZooError
from zoo.recipe.data_section import Data
from zoo.serving.exported_model import ExportedModel
from zoo.serving.inputs import read_inputs
from zoo.tasks import TASKS

FRAME = pd.DataFrame({"mood": ["good", "bad", "good"], "review": ["a good film", "the bad film!", "a gööd film"]})


@pytest.fixture(scope="module")
def file(trained):
    return trained("text").run / "export" / "model.onnx"


@pytest.fixture(scope="module")
def expected(file):
    """Return the answers to the texts themselves."""
    return ExportedModel(file).predict(FRAME["review"].tolist()).probabilities


def test_the_file_knows_its_column(file):
    assert [(column.name, column.type) for column in ExportedModel(file).columns] == [("review", "text")]


@pytest.mark.parametrize("kind", ["csv", "parquet", "jsonl", "ndjson"])
def test_the_column_is_taken_by_its_name(zoo, tmp_path, file, expected, kind):
    path = tmp_path / f"new.{kind}"
    if kind == "parquet":
        FRAME.to_parquet(path)
    elif kind == "csv":
        FRAME.to_csv(path, index=False)
    else:
        FRAME.to_json(path, orient="records", lines=True)
    code, _, err = zoo("predict", str(file), str(path), "--output", "answers.jsonl")
    assert code == 0 and f"{path} (1 rows: 3): 1 of 10 words are unknown to the vocabulary: 'gööd'" in err
    answers = [json.loads(line) for line in (tmp_path / "answers.jsonl").read_text().splitlines()]
    assert [answer["input"] for answer in answers] == [f"{path}:{row}" for row in (1, 2, 3)]
    np.testing.assert_array_equal([[a["probabilities"][n] for n in ("bad", "good")] for a in answers], expected)


def test_a_folder_of_texts_and_lines_of_a_file(zoo, tmp_path, file, expected):
    (tmp_path / "new/sub").mkdir(parents=True)
    for name, text in zip(("a.txt", "b.TXT", "sub/c.txt"), FRAME["review"], strict=True):
        (tmp_path / "new" / name).write_text(text)
    (tmp_path / "new/notes.md").write_text("no text")
    (tmp_path / "lines.txt").write_text("\n".join(FRAME["review"]))
    for given in ("new", "lines.txt"):
        code, out, err = zoo("predict", str(file), given, "--json")
        assert code == 0, err
        np.testing.assert_array_equal(
            [[a["probabilities"][n] for n in ("bad", "good")] for a in json.loads(out)], expected
        )
        assert ("left out, no .txt files or hidden: 1 files: .md (1)" in err) == (given == "new")


def test_python_takes_frames_and_dicts_by_the_name_of_the_column(file, expected):
    model = ExportedModel(file)
    np.testing.assert_array_equal(model.predict(FRAME).probabilities, expected)
    np.testing.assert_array_equal(model.predict({"review": FRAME["review"]}).probabilities, expected)
    with pytest.raises(ZooError, match=r"missing column: review; did you mean 'reviews'\? \(received: reviews\)"):
        model.predict({"reviews": ["a"]})


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "mood,reviews\ngood,a\n", r"missing columns: review; did you mean 'reviews'\?"),
        ("a.csv", "mood,review\ngood,\nbad,b\ngood,\n", r"2 of 3 rows have no text: row 1 \(line 2\) has '', row 3"),
        ("a.jsonl", '{"review": 3}\n{"review": "b"}\n', r"1 of 2 rows have no text: row 1 \(line 1\) has 3"),
        ("a.jsonl", '{"review": "b"}\n{"review": "b"\n', r"1 of 2 lines are no JSON objects: line 2"),
        ("d/a.txt", b"\xff", r"1 files cannot be read: a\.txt \(not readable as UTF-8"),
        ("d/a.md", "a", r"expected \.txt files, found none"),
        ("a.npz", "", r"a\.npz"),
    ],
)
def test_what_holds_no_texts_is_refused(zoo, tmp_path, file, name, content, message):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ZooError, match=message):
        list(read_inputs(ExportedModel(file), [tmp_path / name.partition("/")[0]], []))


def test_new_labelled_texts_are_evaluated(zoo, trained, tmp_path):
    frame = FRAME.assign(review=["a good film", "the bad film!", "the good film!!"])
    frame.to_csv(tmp_path / "new.csv", index=False)
    for row in frame.itertuples():
        (tmp_path / "new" / row.mood).mkdir(parents=True, exist_ok=True)
        (tmp_path / "new" / row.mood / f"{row.Index}.txt").write_text(row.review)
    run = str(trained("text").run)
    answers = {}
    for given in ("new.csv", "new"):
        code, out, err = zoo("evaluate", run, given, "--json")
        assert code == 0, err
        answers[given] = json.loads(out)["metrics"]
    assert answers["new.csv"] == pytest.approx(answers["new"])


def test_a_model_of_whole_files_takes_a_file_as_one_text(tmp_path, file, monkeypatch):
    for label in ("good", "bad"):
        (tmp_path / "data" / label).mkdir(parents=True)
        (tmp_path / "data" / label / "a.txt").write_text(f"{label}\nfilm")
    source = load_text_folder(str(tmp_path / "data"), Data(source="folder:x"), TASKS["sequence_classification"])
    model = ExportedModel(file)
    (name, text), *others = [
        pair
        for names, texts in read_inputs(model, [tmp_path / "data/bad/a.txt"], [])
        for pair in zip(names, texts, strict=True)
    ]
    assert (name, text) == (f"{tmp_path}/data/bad/a.txt:1", "bad") and len(others) == 1
    monkeypatch.setattr(model, "signature", replace(model.signature, reading=source.signature.reading))
    ((names, texts),) = read_inputs(model, [tmp_path / "data/bad/a.txt"], [])
    assert names == [f"{tmp_path}/data/bad/a.txt"] and list(texts) == ["bad\nfilm"]


def test_a_shipped_model_of_text_to_text_takes_tables_of_one_column(tmp_path):
    model = ExportedModel(Path(__file__).resolve().parents[2] / "exported/lstm/dates/model.onnx")
    texts = ["2 May 1999", "3 June 2001"]
    (tmp_path / "t.jsonl").write_text("".join(json.dumps({"said": text}) + "\n" for text in texts))
    ((_, given),) = read_inputs(model, [tmp_path / "t.jsonl"], [])
    assert list(given) == texts and model.predict(given).texts == model.predict(texts).texts


def test_a_model_of_no_table_takes_the_only_column(tmp_path, file):
    model = ExportedModel(file)
    model.columns = []
    FRAME[["review"]].to_csv(tmp_path / "one.csv", index=False)
    ((_, texts),) = read_inputs(model, [tmp_path / "one.csv"], [])
    assert list(texts) == FRAME["review"].tolist()
    FRAME.to_csv(tmp_path / "two.csv", index=False)
    with pytest.raises(ZooError, match=r"give it a file with this column alone \(found: mood, review\)"):
        list(read_inputs(model, [tmp_path / "two.csv"], []))
