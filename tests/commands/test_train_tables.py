"""Tables through the whole chain: trained, exported, and the exported file asked about the same files."""

import json

import numpy as np
import pandas as pd
import pytest

import zoo as package

SHARED = "training: {batch_size: 16, epochs: 30}\noptimizer: {learning_rate: {peak: 2e-2}, weight_decay: 0.0}\n"


def train(zoo, path, recipe):
    """Train a recipe; return the run's folder, the exported file and the report."""
    (path / "mine.yaml").write_text(recipe + SHARED)
    code, out, err = zoo("train", "mine.yaml", "--json")
    assert code == 0, err
    run = path / json.loads(out)["run"]
    certificate = json.loads((run / "export/certificate.json").read_text())
    assert certificate["max_abs_difference"] <= certificate["tolerance"]
    return run, str(run / "export/model.onnx"), json.loads((run / "report.json").read_text())


def answers(zoo, model, *given):
    code, out, err = zoo("predict", model, *given, "--json")
    assert code == 0, err
    return json.loads(out)


def test_several_labels_of_a_table(zoo, tmp_path):
    x = np.random.default_rng(0).normal(size=(200, 3)).round(3)
    names = ["red", "green", "blue"]
    tags = ["; ".join(name for name, value in zip(names, row, strict=True) if value > 0) for row in x]
    pd.DataFrame({"p": x[:, 0], "q": x[:, 1], "r": x[:, 2], "tags": tags}).to_csv(tmp_path / "t.csv", index=False)
    recipe = """extends: [_base/tabular_multi_label_classification, _base/adamw_cosine]
data: {source: "csv:t.csv", target: tags}
model: {name: mlp, widths: [16]}
"""
    run, model, report = train(zoo, tmp_path, recipe)
    assert report["metrics"]["test"]["mean_average_precision"] > 0.95 and report["baseline"] is not None
    assert report["labels"] == ["blue", "green", "red"]
    assert any("labels are separated by ';'" in finding for finding in report["data"]["findings"])
    found = answers(zoo, model, "t.csv")
    wanted = [set(filter(None, text.split("; "))) for text in tags]
    assert np.mean([set(a["labels"]) == w for a, w in zip(found, wanted, strict=True)]) > 0.85
    keras_output = package.load(run).model.predict({f"column_{i}": x[:, i].astype(np.float32) for i in range(3)})
    given = [[a["probabilities"][name] for name in report["labels"]] for a in found]
    np.testing.assert_allclose(given, keras_output, atol=1e-5)


@pytest.mark.ci
def test_several_labels_of_texts(zoo, tmp_path):
    words = ["ash", "bay", "elm", "fir", "oak", "yew"]
    chosen = np.random.default_rng(0).integers(0, 6, (160, 3))
    rows = [
        {
            "note": " ".join(words[i] for i in row),
            "kinds": sorted({"tree"} & {"tree" for i in row if i > 2} | {words[row[0]]}),
        }
        for row in chosen
    ]
    (tmp_path / "t.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    recipe = """extends: [_base/sequence_multi_label_classification, _base/adamw_cosine]
data: {source: "jsonl:t.jsonl", text: note, target: kinds}
model: {name: lstm, embedding: 8, units: 16, pool: max}
"""
    _, model, report = train(zoo, tmp_path, recipe)
    assert report["labels"] == sorted({"tree", *words})
    assert report["metrics"]["test"]["mean_average_precision"] > 0.8
    assert len(answers(zoo, model, "t.jsonl")) == 160
