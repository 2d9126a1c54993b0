"""Series from tables: trained, exported, and predicted on, against windows that pandas makes."""

import json
from pathlib import Path

import keras
import numpy as np
import onnxruntime
import pandas as pd
import pytest
import yaml

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


@pytest.mark.ci
@pytest.mark.parametrize("targets", ["sold", "[sold, visits]"])
def test_intervals_are_outputs_of_the_file(zoo, tmp_path, targets):
    table = panel().assign(visits=lambda t: t["sold"] * 2 + 1)
    table.to_csv(tmp_path / "stores.csv", index=False)
    asked = ("evaluation.intervals=0.8", "evaluation.baselines=[]", f"data.target={targets}")
    run = train(zoo, tmp_path, SHORT, "data.source=csv:stores.csv", "data.series=store", *asked)
    report = json.loads((run / "report.json").read_text())
    found = report["prediction_intervals"]
    names = yaml.safe_load(f"[{targets.strip('[]')}]")
    assert found["by_window"] and found["shape"] == ([HORIZON, 2] if len(names) == 2 else [HORIZON])
    assert report["metrics"]["test"]["interval_coverage"] == found["coverage"] > 0.5
    assert "Prediction intervals of 80%" in (run / "report.html").read_text()
    certificate = json.loads((run / "export/certificate.json").read_text())
    assert {name.partition(" of ")[0] for name in certificate["outputs"]} >= {"lower", "upper"}

    # === The file's bounds are the forecast and the half-widths times the deviation of the window ===
    columns = [*names, *(["visits"] if len(names) == 1 else [])]
    windows = np.stack([g[columns].to_numpy(np.float32)[-HISTORY:] for _, g in table.groupby("store")])
    session = onnxruntime.InferenceSession(run / "export/model.onnx")
    assert [output.name for output in session.get_outputs()] == ["forecast", "lower", "upper"]
    forecast, lower, upper = session.run(None, {"array": windows})
    spread = windows[:, :, : len(names)].std(axis=1, keepdims=True)
    widths = np.reshape(found["half_widths"], found["shape"]) * (spread if len(names) == 2 else spread[..., 0])
    np.testing.assert_allclose(forecast - lower, widths, rtol=1e-3)
    np.testing.assert_allclose(upper - forecast, widths, rtol=1e-3)
    answer = answers(zoo, run, tmp_path / "stores.csv")[1]
    bound = answer["upper"] if len(names) == 1 else answer["upper"]["sold"]
    np.testing.assert_allclose(bound, upper[1] if len(names) == 1 else upper[1, :, 0], rtol=1e-4)
    assert "80% prediction intervals" in (run / "export/card.md").read_text()


def shops(days=60):
    """Return three shops of two regions, whose sales follow a promotion that is known in advance."""
    generator = np.random.default_rng(1)
    dates = pd.date_range("2024-03-01", periods=days).strftime("%Y-%m-%d")
    parts = []
    for shop, region, size in (("a", "north", 1.0), ("b", "south", 3.0), ("c", "north", 2.0)):
        promotion = (generator.random(days) < 0.3).astype(int)
        price = generator.normal(300, 20, days).round(2)
        sold = (50 * size * (1 + promotion) + generator.normal(0, 1, days)).round(3)
        columns = {"day": dates, "shop": shop, "region": region, "size": size, "promotion": promotion, "price": price}
        parts.append(pd.DataFrame({**columns, "sold": sold, "clerk": "x"}))
    return pd.concat(parts, ignore_index=True)


COVARIATES = "\n  known_covariates: [promotion]\n  static_covariates: [region, size]\n  series: shop\n"


@pytest.mark.parametrize(
    "model", ["{name: mlp, widths: [8]}", pytest.param("{name: lstm, units: 8}", marks=pytest.mark.ci)]
)
@pytest.mark.ci
def test_covariates_are_inputs_by_name(zoo, tmp_path, model):
    table = shops()
    table.to_csv(tmp_path / "shops.csv", index=False)
    run = train(zoo, tmp_path, SHORT + COVARIATES, "data.source=csv:shops.csv", f"model={model}")

    # === The table of what is to come: the target is empty ===
    new = shops(75).query("day >= '2024-04-20'").reset_index(drop=True)
    ahead = new["day"] > sorted(new["day"].unique())[-HORIZON - 1]
    new.loc[ahead, ["sold", "price"]] = np.nan
    new.to_csv(tmp_path / "new.csv", index=False)
    found = answers(zoo, run, tmp_path / "new.csv")
    past, future = new[~ahead], new[ahead]
    groups = [(shop, past[past["shop"] == shop], future[future["shop"] == shop]) for shop in "abc"]
    feeds = {
        "array": np.stack([p[["sold", "price", "promotion"]].to_numpy(np.float32)[-HISTORY:] for _, p, _ in groups]),
        "known_covariates": np.stack([f[["promotion"]].to_numpy(np.float32) for _, _, f in groups]),
        "region": np.array([[p["region"].iloc[0]] for _, p, _ in groups], object),
        "size": np.array([[p["size"].iloc[0]] for _, p, _ in groups], np.float32),
    }
    session = onnxruntime.InferenceSession(run / "export/model.onnx")
    assert {each.name for each in session.get_inputs()} == feeds.keys()
    forecasts = np.array([answer["forecast"] for answer in found])
    np.testing.assert_allclose(session.run(None, feeds)[0], forecasts, rtol=1e-6)
    saved = load_file(run / "model.keras")
    named = dict(zip(["array", "known_covariates", "static_0", "static_1"], feeds.values(), strict=True))
    expected = saved({name: keras.ops.convert_to_tensor(values) for name, values in named.items()}).numpy()
    np.testing.assert_allclose(forecasts, expected, rtol=1e-4)
    assert not np.allclose(session.run(None, feeds | {"region": feeds["region"][::-1, :1] * 0 + "south"})[0], forecasts)
    spoiled = session.run(None, feeds | {"known_covariates": feeds["known_covariates"] * np.nan})[0]
    assert np.isnan(spoiled).all()
    assert session.run(None, {name: values[:0] for name, values in feeds.items()})[0].shape == (0, HORIZON)

    # === What is lacking is said ===
    for change, message in (
        (lambda t: t[t["sold"].notna()], "needs promotion for the 3 steps that it forecasts: add rows in which 'sold'"),
        (lambda t: t.assign(promotion=t["promotion"].mask(ahead)), "3 of the 3 steps to forecast of promotion lack"),
        (
            lambda t: t.assign(region=["east", *t["region"][1:]]),
            "one value in each series, and of 3 series 1 have several",
        ),
        (lambda t: t.drop(columns="size"), "lacks the column 'size'"),
    ):
        change(new).to_csv(tmp_path / "bad.csv", index=False)
        code, _, err = zoo("predict", str(run / "export/model.onnx"), "bad.csv")
        assert code == 2 and message in " ".join(err.split())


@pytest.mark.ci
def test_a_network_learns_from_what_is_known_in_advance(zoo, tmp_path):
    """Half of the variance of the sales is due to the promotion, which the seasonal naive forecast does not see."""
    shops(200).to_csv(tmp_path / "shops.csv", index=False)
    run = train(
        zoo, tmp_path, SHORT + COVARIATES, "data.source=csv:shops.csv", "training.epochs=15", "evaluation.baselines=[]"
    )
    report = json.loads((run / "report.json").read_text())
    assert report["metrics"]["test"]["mase"] < 0.5 * report["baseline"]["test"]["mase"]


@pytest.mark.ci
def test_several_targets_are_forecast_together(zoo, tmp_path):
    table = shops().assign(visits=lambda t: (t["sold"] / 10 + t["price"]).round(3))
    table.to_csv(tmp_path / "shops.csv", index=False)
    data = ("data.source=csv:shops.csv", "data.series=shop", "data.past_covariates=[price]")
    run = train(zoo, tmp_path, SHORT, "data.target=[sold, visits]", *data)

    # === Each target has its own errors, and the metric is their mean ===
    report = json.loads((run / "report.json").read_text())
    each = {row["target"]: row for row in report["by_target"]}
    assert each.keys() == {"sold", "visits"}
    assert report["metrics"]["test"]["mase"] == pytest.approx(np.mean([row["mase"] for row in each.values()]))
    assert report["baseline"]["test"]["mase"] == pytest.approx(np.mean([r["baseline_mase"] for r in each.values()]))
    assert "<h3>Targets</h3>" in (run / "report.html").read_text()

    # === A forecast of each ===
    found = answers(zoo, run, tmp_path / "shops.csv")
    columns = ["sold", "visits", "price"]
    windows = np.stack([g[columns].to_numpy(np.float32)[-HISTORY:] for _, g in table.groupby("shop")])
    expected = load_file(run / "model.keras").predict(windows, verbose=0)
    assert expected.shape == (3, HORIZON, 2)
    for i, name in enumerate(("sold", "visits")):
        forecasts = np.array([answer["forecast"][name] for answer in found])
        np.testing.assert_allclose(forecasts, expected[..., i], rtol=1e-4)
    session = onnxruntime.InferenceSession(run / "export/model.onnx")
    np.testing.assert_allclose(session.run(None, {"array": windows})[0], expected, rtol=1e-4)
    code, _, _ = zoo("predict", str(run / "export/model.onnx"), "shops.csv", "--output", "out.csv")
    assert code == 0 and pd.read_csv("out.csv").columns.tolist()[1:4] == [
        "series",
        "forecast.sold.1",
        "forecast.sold.2",
    ]
    code, _, err = zoo("check", "short.yaml", *data, "data.target=[sold, visits]", "model={name: tide}")
    assert code == 2 and "tide forecasts the first channel of a window" in " ".join(err.split())
