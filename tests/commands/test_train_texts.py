"""Texts from files through the whole chain: trained, exported, and the exported file asked about the same files."""

import json
import sys

import numpy as np
import pandas as pd
import pytest

SHARED = "training: {batch_size: 16, epochs: 30}\noptimizer: {learning_rate: {peak: 2e-2}, weight_decay: 0.0}\n"
WORDS = ["ash", "bay", "elm", "fir", "oak", "yew"]


def train(zoo, path, recipe):
    (path / "mine.yaml").write_text(recipe + SHARED)
    code, out, err = zoo("train", "mine.yaml", "--json")
    assert code == 0, err
    run = json.loads(out)["run"]
    certificate = json.loads((path / run / "export/certificate.json").read_text())
    assert certificate["max_abs_difference"] <= certificate["tolerance"]
    return f"{run}/export/model.onnx", json.loads((path / run / "report.json").read_text())


def answers(zoo, model, *given):
    code, out, err = zoo("predict", model, *given, "--json")
    assert code == 0, err
    return json.loads(out)


@pytest.mark.ci
def test_numbers_from_texts_of_a_parquet_file(zoo, tmp_path):
    chosen = np.random.default_rng(0).integers(0, 6, (160, 3))
    frame = pd.DataFrame(
        {"note": [" ".join(WORDS[i] for i in row) for row in chosen], "cost": 10.0 * (chosen == 2).sum(1)}
    )
    frame.to_parquet(tmp_path / "t.parquet")
    recipe = """extends: [_base/sequence_regression, _base/adamw_cosine]
data: {source: "parquet:t.parquet", text: note, target: cost}
model: {name: lstm, embedding: 8, units: 16, pool: mean}
"""
    model, report = train(zoo, tmp_path, recipe)
    assert report["metrics"]["test"]["mse"] < 0.2 * frame["cost"].var()
    values = [answer["value"] for answer in answers(zoo, model, "t.parquet")]
    assert np.mean((np.array(values) - frame["cost"]) ** 2) < 0.2 * frame["cost"].var()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["bpe", "wordpiece"])
def test_pieces_of_words_travel_in_the_file(zoo, tmp_path, kind, monkeypatch):
    pytest.importorskip("tokenizers")
    chosen = np.random.default_rng(0).integers(0, 6, (160, 3))
    notes = [" ".join(WORDS[i] for i in row) for row in chosen]
    pd.DataFrame({"note": notes, "kind": np.where((chosen == 2).any(axis=1), "b", "a")}).to_csv("t.csv", index=False)
    recipe = f"""extends: [_base/sequence_classification, _base/adamw_cosine]
data: {{source: "csv:t.csv", text: note, target: kind}}
preprocess: [{{tokenize: {{level: subword, kind: {kind}, vocabulary: 290}}}}]
model: {{name: fasttext, buckets: 500, width: 8}}
"""
    model, report = train(zoo, tmp_path, recipe)
    assert report["metrics"]["test"]["accuracy"] > 0.9
    found = answers(zoo, model, "t.csv")
    assert np.mean([(a["label"] == "b") == (2 in row) for a, row in zip(found, chosen, strict=True)]) > 0.95
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    code, _, err = zoo("predict", model, "t.csv")
    assert code == 2 and "a tokenizer of subwords needs tokenizers, which is not installed" in " ".join(err.split())


@pytest.mark.slow
def test_classes_of_a_folder_of_texts(zoo, tmp_path):
    chosen = np.random.default_rng(0).integers(0, 6, (120, 4))
    for i, row in enumerate(chosen):
        folder = tmp_path / "texts" / ("green" if 5 in row else "grey")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{i}.txt").write_text("\n".join(WORDS[j] for j in row))
    recipe = """extends: [_base/sequence_classification, _base/adamw_cosine]
data: {source: "folder:texts"}
model: {name: lstm, embedding: 8, units: 16, pool: max}
"""
    model, report = train(zoo, tmp_path, recipe)
    assert report["metrics"]["test"]["accuracy"] > 0.9
    found = answers(zoo, model, "texts")
    assert len(found) == 120 and np.mean([a["label"] == a["input"].split("/")[1] for a in found]) > 0.95
    one = found[0]
    assert answers(zoo, model, one["input"]) == [one]  # a file is one text, as in training


@pytest.mark.slow
def test_text_to_text_of_a_csv_file(zoo, tmp_path):
    chosen = np.random.default_rng(0).integers(0, 6, (200, 2))
    frame = pd.DataFrame(
        {
            "say": [f"{WORDS[a]} {WORDS[b]}" for a, b in chosen],
            "write": [f"{WORDS[a][0]}{WORDS[b][0]}" for a, b in chosen],
        }
    )
    frame.to_csv(tmp_path / "t.csv", index=False)
    recipe = """extends: [_base/sequence_to_sequence, _base/adamw_cosine]
data: {source: "csv:t.csv", text: say, target: write}
model: {name: seq2seq_lstm, embedding: 16, units: 32}
"""
    model, report = train(zoo, tmp_path, recipe)
    assert report["metrics"]["test"]["exact_match"] > 0.8
    texts = [answer["text"] for answer in answers(zoo, model, "t.csv")]
    assert np.mean([text == wanted for text, wanted in zip(texts, frame["write"], strict=True)]) > 0.8
