"""Anomalies of a series: trained, exported, and each step of a new table scored."""

import json
from pathlib import Path

import numpy as np
import onnxruntime
import pandas as pd
import pytest

from zoo.training.saved_model import load_file

HISTORY = 12
RECIPE = """
extends: _base/series_anomaly_detection
model: {name: window_autoencoder, widths: [16], code: 4}
optimizer: {name: adamw, learning_rate: 1e-2}
training: {batch_size: 32, epochs: 12}
data: {source: "csv:pump.csv", window: {history: 12}, target: state, abnormal: [broken], validation: 0.2, test: 0.3}
"""


def pump(hours=600, seed=0):
    """Return two sensors that swing together; where the pump is broken, the second one does not follow."""
    generator = np.random.default_rng(seed)
    swing = np.sin(np.arange(hours) / 3)
    broken = generator.random(hours) < 0.03
    second = np.where(broken, -swing + 0.5, swing) + generator.normal(0, 0.05, hours)
    hour = pd.date_range("2024-01-01", periods=hours, freq="h").strftime("%Y-%m-%d %H:%M")
    columns = {"hour": hour, "first": swing + generator.normal(0, 0.05, hours), "second": second}
    return pd.DataFrame({**columns, "state": np.where(broken, "broken", "fine")})


@pytest.mark.ci
def test_steps_of_a_series(zoo, tmp_path):
    pump().to_csv(tmp_path / "pump.csv", index=False)
    (tmp_path / "short.yaml").write_text(RECIPE)
    code, out, err = zoo("train", "short.yaml", "--json")
    assert code == 0, err
    run = Path(json.loads(out)["run"])
    report = json.loads((run / "report.json").read_text())
    tried = {entry["name"]: entry["auroc"] for entry in report["baseline"]["tried"]}
    assert tried.keys() == {"rolling_mean", "pca_error", "isolation_forest"}
    assert report["metrics"]["test"]["auroc"] > 0.8

    # === Each step of a new table with a window before it ===
    new = pump(60, seed=1)
    new.drop(columns="state").to_csv(tmp_path / "new.csv", index=False)
    code, out, err = zoo("predict", str(run / "export/model.onnx"), "new.csv", "--json")
    assert code == 0, err
    found = json.loads(out)
    assert [each["input"] for each in found] == [f"new.csv: row {row}" for row in range(HISTORY, 61)]
    values = new[["first", "second"]].to_numpy(np.float32)
    windows = np.stack([values[t - HISTORY + 1 : t + 1] for t in range(HISTORY - 1, 60)])
    parts = load_file(run / "model.keras").predict(windows, verbose=0)
    scores = np.array([each["score"] for each in found])
    expected = ((parts["reconstruction"][:, -1] - parts["image"][:, -1]) ** 2).mean(axis=1)
    np.testing.assert_allclose(scores, expected, rtol=1e-3, atol=1e-5)
    session = onnxruntime.InferenceSession(run / "export/model.onnx")
    np.testing.assert_allclose(session.run(["score"], {"array": windows})[0], scores, rtol=1e-4, atol=1e-6)
    threshold = report["threshold"]["threshold"]
    assert [each["label"] for each in found] == ["abnormal" if s > threshold else "normal" for s in scores]


def test_keys_that_do_not_fit(zoo, tmp_path):
    pump(60).to_csv(tmp_path / "pump.csv", index=False)
    (tmp_path / "short.yaml").write_text(RECIPE)
    for change, message in (
        ("data.window={history: 12, horizon: 3}", "is for forecasting, and the task is series_anomaly_detection"),
        ("data.window=null", "data.window: required, and missing: for example {history: 48}"),
        ("data.fill=linear", "data.fill: is for forecasting, not series_anomaly_detection"),
        ("data.group=state", "series are split by time"),
    ):
        code, _, err = zoo("check", "short.yaml", change)
        assert code == 2 and message in " ".join(err.split()), err
    code, _, err = zoo("check", "mlp/shop_sales", "data.window.horizon=null")
    assert code == 2 and "horizon is required, and missing" in " ".join(err.split())
