"""Series from tables: trained, exported, and predicted on, against windows that pandas makes."""

import json
from pathlib import Path

import numpy as np
import onnxruntime
import pandas as pd
import pytest

from zoo.training.saved_model import load_file

HISTORY, HORIZON = 8, 3
SHORT = """
extends: _base/forecasting
optimizer: {name: adamw, learning_rate: 1e-2}
model: {name: mlp, widths: [8]}
training: {batch_size: 16, epochs: 1}
evaluation: {baseline: seasonal_naive, baselines: [ridge]}
data:
  target: sold
  window: {history: 8, horizon: 3, season: 7}
  validation: 0.2
"""


def panel(days=60):
    """Return two stores, days mixed, at levels that differ."""
    generator = np.random.default_rng(0)
    week = np.array([0, 1, 2, 3, 2, 6, 8])
    parts = []
    for store, level in ((7, 20.0), (12, 500.0)):
        sold = level * (1 + 0.1 * week[np.arange(days) % 7]) + generator.normal(0, level / 50, days)
        dates = pd.date_range("2024-03-01", periods=days).strftime("%Y-%m-%d")
        parts.append(pd.DataFrame({"day": dates, "store": store, "sold": sold.round(3)}))
    return pd.concat(parts).sort_values("day", kind="stable").reset_index(drop=True)


def train(zoo, tmp_path, recipe, *arguments):
    """Train, and return the run's folder."""
    (tmp_path / "short.yaml").write_text(recipe)
    code, out, err = zoo("train", "short.yaml", *arguments, "--json")
    assert code == 0, err
    return Path(json.loads(out)["run"])


def answers(zoo, run, path):
    code, out, err = zoo("predict", str(run / "export/model.onnx"), str(path), "--json")
    assert code == 0, err
    return json.loads(out)


def test_a_panel(zoo, tmp_path):
    table = panel()
    table.to_csv(tmp_path / "stores.csv", index=False)
    run = train(zoo, tmp_path, SHORT, "data.source=csv:stores.csv", "data.series=store")

    # === Report: each series, scaled by its own naive error ===
    report = json.loads((run / "report.json").read_text())
    rows = {row["series"]: row for row in report["by_series"]}
    assert rows.keys() == {"7", "12"} and rows["12"]["mae"] > 5 * rows["7"]["mae"]
    total = sum(row["windows"] * row["mase"] for row in rows.values()) / sum(row["windows"] for row in rows.values())
    assert report["metrics"]["test"]["mase"] == pytest.approx(total, rel=1e-6)
    assert report["baseline"]["test"]["mase"] == pytest.approx(np.mean([r["baseline_mase"] for r in rows.values()]))
    page = (run / "report.html").read_text()
    assert "<h3>Series</h3>" in page and "The end of the test split: 12" in page

    # === One forecast for each series of a new table ===
    new = panel(75)
    new[new["day"] >= "2024-04-20"].to_parquet(tmp_path / "new.parquet")
    found = answers(zoo, run, tmp_path / "new.parquet")
    windows = np.stack([group["sold"].to_numpy()[-HISTORY:] for _, group in new.groupby("store")])
    windows = windows.astype(np.float32)[..., None]
    assert [answer["series"] for answer in found] == ["7", "12"]
    forecasts = np.array([answer["forecast"] for answer in found])
    expected = load_file(run / "model.keras").predict(windows, verbose=0)
    np.testing.assert_allclose(forecasts, expected, rtol=1e-4)
    session = onnxruntime.InferenceSession(run / "export/model.onnx")
    np.testing.assert_allclose(session.run(None, {"array": windows})[0], forecasts, rtol=1e-6)
    code, _, _ = zoo("predict", str(run / "export/model.onnx"), "new.parquet", "--output", "out.csv")
    assert code == 0 and pd.read_csv("out.csv")["series"].tolist() == [7, 12]
    new[(new["store"] == 7) | (new["day"] > "2024-05-12")].to_csv(tmp_path / "short.csv", index=False)
    code, _, err = zoo("predict", str(run / "export/model.onnx"), "short.csv")
    assert code == 2 and "1 of 2 series have fewer: '12' (2)" in " ".join(err.split())
