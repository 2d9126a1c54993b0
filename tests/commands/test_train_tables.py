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
    for file in (run / "export").iterdir():  # is given to others
        assert str(path).encode() not in file.read_bytes(), f"{file.name} names a folder of this machine"
    return run, str(run / "export/model.onnx"), json.loads((run / "report.json").read_text())


def answers(zoo, model, *given):
    code, out, err = zoo("predict", model, *given, "--json")
    assert code == 0, err
    return json.loads(out)


@pytest.mark.ci
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
    assert any("labels are separated by ';'" in finding["message"] for finding in report["data"]["findings"])
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


def flights(rows=600, tails=500, seed=0):
    """Return flights that are late in the evening and at weekends; tail numbers tell nothing, and few come again."""
    generator = np.random.default_rng(seed)
    times = pd.Timestamp("2023-11-01") + pd.to_timedelta(generator.integers(0, 60 * 24 * 12, rows) * 5, unit="min")
    places = np.minimum(generator.integers(0, tails, rows), generator.integers(0, tails, rows))
    airports = generator.integers(0, 60, rows)
    late = (times.hour >= 15) ^ (times.dayofweek >= 5) ^ (airports < 15)
    return pd.DataFrame(
        {
            "scheduled": times.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "tail": [f"N{100 + place}UA" for place in places],
            "airport": [f"A{place:02}" for place in airports],
            "late": np.where(late, "yes", "no"),
        }
    )


@pytest.mark.ci
def test_dates_and_many_categories(zoo, tmp_path):
    frame = flights(900)
    frame.to_csv(tmp_path / "t.csv", index=False)
    recipe = """extends: [_base/tabular_classification, _base/adamw_cosine]
data: {source: "csv:t.csv", target: late}
preprocess: [{encode: {embed_above: 40}}, {standardize: {}}]
model: {name: mlp, widths: [32, 32]}
"""
    run, model, report = train(zoo, tmp_path, recipe)
    majority = report["data"]["class_counts"]["test"]
    accuracy = report["metrics"]["test"]["accuracy"]
    assert accuracy > max(majority.values()) / sum(majority.values()) + 0.1
    findings = " ".join(finding["message"] for finding in report["data"]["findings"])
    assert "column 'scheduled' goes into the model as days, month, day, weekday, day of year, hour" in findings
    assert "column 'airport' has 60 categories in the training split" in findings and "'tail'" in findings
    new = flights(40, seed=1)
    new.loc[:3, "airport"], new.loc[4, "tail"] = "unseen", None
    new.to_csv(tmp_path / "new.csv", index=False)
    found = answers(zoo, model, "new.csv")
    days = (pd.to_datetime(new["scheduled"]).dt.tz_localize(None) - pd.Timestamp(0)) / pd.Timedelta("1D")
    columns = {"column_0": days.to_numpy(np.float64)[:, None]}
    import tensorflow as tf

    columns |= {
        f"column_{i}": tf.constant(new[c].fillna("").to_numpy(str)[:, None]) for i, c in [(1, "tail"), (2, "airport")]
    }
    expected = package.load(run).model.predict_on_batch(columns)  # predict() would round float64
    np.testing.assert_allclose([list(a["probabilities"].values()) for a in found], expected, atol=1e-5)


@pytest.mark.ci
def test_free_text_beside_numbers_and_categories(zoo, tmp_path):
    generator = np.random.default_rng(0)
    words = np.array(["ash", "bay", "elm", "fir", "oak", "yew", "box", "fig"])
    chosen, size, place = (
        generator.integers(0, 8, (300, 5)),
        generator.normal(size=300).round(3),
        generator.integers(0, 3, 300),
    )
    note = [f"{' '.join(words[row])}, no. {i}." for i, row in enumerate(chosen)]
    price = 3.0 * (chosen == 2).sum(1) + 2 * size + place
    frame = pd.DataFrame({"note": note, "size": size, "place": np.array(["x", "y", "z"])[place], "price": price})
    frame.loc[7, "note"] = None
    frame.to_csv(tmp_path / "t.csv", index=False)
    recipe = """extends: [_base/tabular_regression, _base/adamw_cosine]
data: {source: "csv:t.csv", target: price, texts: [note]}
model: {name: mlp, widths: [32]}
"""
    run, model, report = train(zoo, tmp_path, recipe)
    assert report["metrics"]["test"]["r2"] > 0.8
    findings = " ".join(finding["message"] for finding in report["data"]["findings"])
    assert "column 'note' goes into the model as text" in findings and "1 of 300 texts are missing or empty" in findings
    found = answers(zoo, model, "t.csv")
    assert 1 - np.mean((np.array([a["value"] for a in found]) - price) ** 2) / price.var() > 0.8
    exported = package.ExportedModel(model)
    tokenizer = next(column.tokenizer for column in exported.columns if column.name == "note")
    texts = frame["note"].fillna("")
    ids = np.pad(tokenizer.encode(texts), ((0, 0), (0, tokenizer.length)))[:, : tokenizer.length]
    assert tokenizer.encode(["Ash bay"])[0].tolist() == [tokenizer.symbols.index(word) + 4 for word in ("ash", "bay")]
    import tensorflow as tf

    given = {
        "column_0": ids,
        "column_1": size[:, None].astype(np.float32),
        "column_2": tf.constant(frame["place"].to_numpy(str)[:, None]),
    }
    keras_values = package.load(run).model.predict_on_batch(given)
    np.testing.assert_allclose([a["value"] for a in found], keras_values[:, 0], atol=1e-4)
    one = exported.predict({"note": "elm elm elm", "size": 0.0, "place": "x"})
    none = exported.predict([{"note": None, "size": 0.0, "place": "x"}])
    assert one.values[0] > none.values[0]


@pytest.mark.ci
def test_several_numbers_of_a_table(zoo, tmp_path):
    x = np.random.default_rng(0).normal(size=(240, 3)).round(3)
    frame = pd.DataFrame({"p": x[:, 0], "q": x[:, 1], "r": x[:, 2]})
    frame["heat"], frame["cost"] = 20 + 3 * x[:, 0] - x[:, 1], 1e4 * (x[:, 2] + x[:, 0])
    frame.to_csv(tmp_path / "t.csv", index=False)
    recipe = """extends: [_base/tabular_regression, _base/adamw_cosine]
data: {source: "csv:t.csv", target: [heat, cost]}
model: {name: mlp, widths: [32]}
"""
    run, model, report = train(zoo, tmp_path, recipe)
    assert [row["target"] for row in report["per_target"]] == ["heat", "cost"]
    assert all(row["r2"] > 0.9 for row in report["per_target"])
    assert report["metrics"]["test"]["mae"] == pytest.approx(np.mean([row["mae"] for row in report["per_target"]]))
    assert any(
        "errors that are means over the targets are mostly those of 'cost'" in f["message"]
        for f in report["data"]["findings"]
    )
    found = answers(zoo, model, "t.csv")
    values = np.array([[a["value"]["heat"], a["value"]["cost"]] for a in found])
    inputs = {f"column_{i}": x[:, i : i + 1].astype(np.float32) for i in range(3)}
    np.testing.assert_allclose(values, package.load(run).model.predict_on_batch(inputs), rtol=1e-4, atol=1e-3)
    code, out, err = zoo("evaluate", str(run), "t.csv", "--json")
    assert code == 0, err
    assert json.loads(out)["metrics"]["r2"] == pytest.approx(
        np.mean(
            [1 - ((values[:, i] - frame[n]) ** 2).mean() / frame[n].var(ddof=0) for i, n in enumerate(["heat", "cost"])]
        )
    )
    code, _, err = zoo("predict", model, "t.csv", "--output", "answers.csv")
    assert code == 0, err
    assert {"value.heat", "value.cost"} <= set(pd.read_csv(tmp_path / "answers.csv").columns)


@pytest.mark.ci
def test_several_numbers_of_texts(zoo, tmp_path):
    words = ["ash", "bay", "elm", "fir", "oak", "yew"]
    chosen = np.random.default_rng(0).integers(0, 6, (160, 3))
    frame = pd.DataFrame({"note": [" ".join(words[i] for i in row) for row in chosen]})
    frame["p"], frame["q"] = 10.0 * (chosen == 2).sum(1), (chosen > 3).sum(1)
    frame.to_parquet(tmp_path / "t.parquet")
    recipe = """extends: [_base/sequence_regression, _base/adamw_cosine]
data: {source: "parquet:t.parquet", text: note, target: [p, q]}
model: {name: lstm, embedding: 8, units: 16, pool: mean}
"""
    _, model, report = train(zoo, tmp_path, recipe)
    assert all(row["r2"] > 0.7 for row in report["per_target"])
    assert set(answers(zoo, model, "t.parquet")[0]["value"]) == {"p", "q"}


def rows_with_faults(count=500, faulty=40, seed=0):
    """Return rows whose third number follows from the others and from the place; in faulty ones it does not."""
    generator = np.random.default_rng(seed)
    a, b, place = generator.normal(size=count), generator.normal(size=count), generator.integers(0, 3, count)
    frame = pd.DataFrame({"a": a, "b": b, "c": a + b + place, "place": np.array(["x", "y", "z"])[place]})
    frame["state"] = "fine"
    frame.loc[frame.index[:faulty], ["c", "state"]] = [[value, "faulty"] for value in generator.normal(0, 2, faulty)]
    return frame.sample(frac=1, random_state=seed).round(4)


ANOMALIES = """extends: [_base/tabular_anomaly_detection, _base/adamw_cosine]
data: {source: "csv:t.csv", TARGET}
model: {name: row_autoencoder, widths: [32], code: 4}
"""


@pytest.mark.ci
def test_anomalies_of_a_table(zoo, tmp_path):
    frame = rows_with_faults()
    frame.to_csv(tmp_path / "t.csv", index=False)
    run, model, report = train(zoo, tmp_path, ANOMALIES.replace("TARGET", "target: state, abnormal: [faulty]"))
    assert report["metrics"]["test"]["auroc"] > 0.85 and report["threshold"]["recall"] > 0.5
    assert {entry["name"] for entry in report["baseline"]["tried"]} == {"isolation_forest", "pca_error"}
    assert not (run / "export" / "decoder.onnx").exists()
    found = answers(zoo, model, "t.csv")
    labels = np.array([a["label"] for a in found])
    assert np.mean(labels[frame["state"] == "faulty"] == "abnormal") > 0.5
    assert np.mean(labels[frame["state"] == "fine"] == "normal") > 0.8
    import tensorflow as tf

    given = {f"column_{i}": frame[[n]].to_numpy(np.float32) for i, n in enumerate("abc")}
    output = package.load(run).model.predict_on_batch(given | {"column_3": tf.constant(frame[["place"]].to_numpy(str))})
    np.testing.assert_allclose([a["score"] for a in found], output["score"], rtol=1e-3, atol=1e-5)
    columns = frame[["a", "b", "c"]].to_numpy()
    assert output["reconstruction"].shape == (len(frame), 6) and columns.shape[1] == 3


@pytest.mark.ci
def test_anomalies_of_a_table_without_labels(zoo, tmp_path):
    frame = rows_with_faults().drop(columns="state")
    frame.to_csv(tmp_path / "t.csv", index=False)
    _, model, report = train(zoo, tmp_path, ANOMALIES.replace(", TARGET", ""))
    assert report["metrics"]["test"]["auroc"] is None and report["threshold"]["recall"] is None
    notes = [finding["message"] for finding in report["data"]["findings"] if finding["name"] == "source_note"]
    assert notes[0].startswith("no target: all 500 rows count as normal")
    labels = [a["label"] for a in answers(zoo, model, "t.csv")]
    assert 0.01 < np.mean([label == "abnormal" for label in labels]) < 0.2
