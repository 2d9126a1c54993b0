"""`zoo predict`: a file in place of printing, JSON as it comes, and rows without a finite answer."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from zoo.serving.exported_model import ExportedModel
from zoo.serving.write_predictions import write_predictions

EXPORTED = Path(__file__).resolve().parents[2] / "exported"
WINE = EXPORTED / "mlp/wine/model.onnx"


@pytest.fixture
def rows(tmp_path):
    """Write three wines; the second has numbers that overflow once they are scaled."""
    names = [c.name for c in ExportedModel(WINE).columns]
    lines = [names, *([str(value)] * len(names) for value in (1, 1e38, 2))]
    lines[2][0] = "-1e38"
    path = tmp_path / "rows.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(lines)
    return path


def test_a_row_without_a_finite_answer_is_null_and_noted(zoo, rows):
    code, out, err = zoo("predict", str(WINE), str(rows), "--json")
    answers = json.loads(out, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert code == 0 and len(answers) == 3
    assert answers[1] == {"input": f"{rows}:2", "label": None, "probabilities": None}
    assert answers[0]["label"] and answers[2]["label"]
    assert f"note: {rows}:2 has no finite answer" in err
    code, out, err = zoo("predict", str(WINE), str(rows))
    assert code == 0 and out.splitlines()[1] == f"{rows}:2  no finite answer" and "note: " in err


def test_csv_has_a_header_and_a_line_for_each_input(zoo, rows, tmp_path):
    code, out, _ = zoo("predict", str(WINE), str(rows), "--output", "answers.csv")
    assert code == 0 and out.strip() == "answers.csv"
    written = list(csv.DictReader((tmp_path / "answers.csv").open(newline="")))
    labels = ExportedModel(WINE).labels
    assert list(written[0]) == ["input", "label", *(f"probabilities.{label}" for label in labels)]
    assert [row["input"] for row in written] == [f"{rows}:{n}" for n in (1, 2, 3)]
    _, out, _ = zoo("predict", str(WINE), str(rows), "--json")
    answers = json.loads(out)
    assert float(written[2]["probabilities.class_0"]) == answers[2]["probabilities"]["class_0"]
    assert written[1]["label"] == written[1]["probabilities.class_0"] == ""
    zoo("predict", str(WINE), str(rows), "--output", "answers.jsonl")
    assert [json.loads(line) for line in (tmp_path / "answers.jsonl").read_text().splitlines()] == answers


def test_parquet_has_the_columns_of_csv_and_lists_as_lists(zoo, rows, tmp_path):
    for kind in ("csv", "parquet"):
        assert zoo("predict", str(WINE), str(rows), "--output", f"answers.{kind}")[0] == 0
    table, text = pd.read_parquet(tmp_path / "answers.parquet"), pd.read_csv(tmp_path / "answers.csv")
    pd.testing.assert_frame_equal(table, text, check_dtype=False, rtol=1e-12)
    assert table["probabilities.class_0"].dtype == np.float64 and table["label"].isna().tolist() == [False, True, False]
    write_predictions(tmp_path / "tags.parquet", [{"input": "a", "tags": ["B", "O"]}, {"input": "b", "tags": []}])
    assert [list(row) for row in pd.read_parquet(tmp_path / "tags.parquet")["tags"]] == [["B", "O"], []]


@pytest.mark.parametrize("name", ["answers.txt", "answers", "folder.csv"])
def test_an_output_that_cannot_be_written(zoo, rows, name, tmp_path):
    (tmp_path / "folder.csv").mkdir()
    code, _, err = zoo("predict", str(WINE), str(rows), "--output", name)
    assert code == 2 and f"--output {name}: expected a" in err


def test_nothing_is_written_where_an_input_fails(zoo, rows, tmp_path):
    code, out, err = zoo("predict", str(WINE), str(rows), "gone.csv", "--output", "answers.csv")
    assert code == 2 and "gone.csv does not exist" in err
    assert [path.name for path in tmp_path.iterdir() if "answers" in path.name] == []
    code, out, err = zoo("predict", str(WINE), str(rows), "gone.csv", "--json")
    assert code == 2 and len(json.loads(out)) == 3  # the document is whole


def test_text_with_line_separators_stays_valid_json(zoo, tmp_path, monkeypatch):
    monkeypatch.setattr(
        "zoo.commands.predict.predict_each", lambda *a, **o: iter([{"input": "a\u2028\x85b", "text": "c"}])
    )
    _, out, _ = zoo("predict", str(WINE), "rows.csv", "--json")
    assert json.loads(out) == [{"input": "a\u2028\x85b", "text": "c"}]


def test_embeddings_are_shown(zoo, tmp_path, monkeypatch):
    monkeypatch.setattr(
        "zoo.commands.predict.predict_each", lambda *a, **o: iter([{"input": "a", "embedding": [1.0, 0.25]}])
    )
    _, out, _ = zoo("predict", str(WINE), "rows.csv")
    assert out.split() == ["a", "1", "0.25"]


def test_a_changed_file_is_refused_unless_told_otherwise(zoo, tmp_path):
    for part in ("model.onnx", "certificate.json"):
        shutil.copy(EXPORTED / "cnn/digits" / part, tmp_path / part)
    certificate = json.loads((tmp_path / "certificate.json").read_text())
    (tmp_path / "certificate.json").write_text(json.dumps({**certificate, "sha256": "0" * 64}))
    np.savez(tmp_path / "x.npz", x=np.zeros((1, 8, 8), np.uint8))
    code, _, err = zoo("predict", "model.onnx", "x.npz")
    assert code == 2 and "--no-verify" in err
    code, out, _ = zoo("predict", "model.onnx", "x.npz", "--no-verify")
    assert code == 0 and "x.npz:1" in out


def test_guidance_without_effect_is_refused(zoo, tmp_path):
    code, _, err = zoo("sample", str(EXPORTED / "gan/digits/model.onnx"), "--count", "4", "--guidance", "3")
    assert code == 2 and "takes no guidance, so it would have no effect" in err
    assert not (tmp_path / "samples.png").exists()


@pytest.mark.parametrize("name", ["a.txt", "a.csv", "a.png"])
def test_a_generator_takes_no_input(zoo, tmp_path, name):
    (tmp_path / name).write_text("a")
    code, _, err = zoo("predict", str(EXPORTED / "gan/digits/model.onnx"), name)
    assert code == 2 and "makes images from noise; use sample(), or `zoo sample`" in err
