"""Windows in which anomalies are sought: each stands for its last step, and training windows hold no abnormal one."""

import numpy as np
import pandas as pd
import pytest

from zoo.data.sources.load import load_dataset
from zoo.errors import ZooError
from zoo.evaluation.baselines.anomaly import rolling_mean_scores
from zoo.recipe.data_section import Data
from zoo.tasks import TASKS

HISTORY = 5
RANDOM = np.random.default_rng(0)


def frame(days=100, machine="a"):
    """Return a machine with two sensors and some faults."""
    date = pd.date_range("2024-01-01", periods=100).strftime("%Y-%m-%d")
    state = np.full(100, "fine", object)
    state[[20, 21, 70, 90, 95]] = ["worn", "worn", "worn", "broken", "worn"]
    columns = {"day": date, "machine": machine, "heat": RANDOM.normal(size=100), "load": RANDOM.normal(size=100)}
    return pd.DataFrame({**columns, "state": state})[:days]


def load(table, tmp_path, **options):
    table.to_csv(tmp_path / "data.csv", index=False)
    settings = {"source": f"csv:{tmp_path / 'data.csv'}", "window": {"history": HISTORY}, "ignore": ["machine"]}
    settings |= {"target": "state", "abnormal": ["worn", "broken"], "validation": 0.1, "test": 0.2}
    return load_dataset(Data.model_validate({**settings, **options}), TASKS["series_anomaly_detection"])


def test_each_window_stands_for_its_last_step(tmp_path):
    table = frame()
    found = load(table, tmp_path)
    values, bad = np.float32(table[["heat", "load"]]), (table["state"] != "fine").to_numpy()
    parts = {"train": range(HISTORY - 1, 70), "validation": range(70, 80), "test": range(80, 100)}
    for name, last in parts.items():
        split = getattr(found, name)
        kept = [t for t in last if name != "train" or not bad[t - HISTORY + 1 : t + 1].any()]
        expected = np.stack([values[t - HISTORY + 1 : t + 1] for t in kept])
        np.testing.assert_array_equal(split.take(np.arange(len(split))), expected)
        assert split.targets.tolist() == bad[kept].astype(int).tolist()
    assert found.signature.labels == ("normal", "abnormal") and found.signature.shape == (HISTORY, 2)
    assert "6 of 66 training windows hold an abnormal step and are left out" in found.notes


def test_series_are_not_mixed_and_labels_may_be_missing(tmp_path):
    both = pd.concat([frame(), frame(machine="b")], ignore_index=True)
    without = {"target": None, "abnormal": None}
    found = load(both, tmp_path, series="machine", ignore=["state"], **without)
    assert len(found.train) == 2 * 66 and not found.train.targets.any()
    assert "no target: all 200 steps count as normal, and no metric is defined" in found.notes
    alone = [load(part, tmp_path, ignore=["state", "machine"], **without) for _, part in both.groupby("machine")]
    expected = np.concatenate([one.test.take(np.arange(20)) for one in alone])
    np.testing.assert_array_equal(found.test.take(np.arange(40)), expected)


def test_distance_from_the_rolling_mean():
    windows = RANDOM.normal(size=(7, 6, 2))
    frames = [pd.DataFrame(window) for window in windows]
    expected = [(((f.iloc[-1] - f.iloc[:-1].mean()) / f.iloc[:-1].std(ddof=0)) ** 2).mean() for f in frames]
    np.testing.assert_allclose(rolling_mean_scores(windows), expected)


UNLABELED = {"abnormal": None, "target": None, "ignore": ["machine", "state"]}
BAD = {
    "no such class": (frame(), {"abnormal": ["torn"]}, "data.abnormal names the class 'torn'"),
    "every class": (frame(), {"abnormal": ["fine", "worn", "broken"]}, "holds an abnormal step"),
    "no label": (frame().assign(state=frame()["state"].mask(frame().index == 3)), {}, "1 of 100 steps have no 'state'"),
    "a gap": (frame().assign(heat=frame()["heat"].mask(frame().index == 3)), {}, "1 of 100 steps lack a value"),
    "a day is missing": (frame().drop(index=50), {}, "1 gaps, 1 steps missing"),
    "no numbers": (frame().assign(heat="x", load="y"), {}, "no column of numbers is left"),
    "too short": (frame(8), {**UNLABELED, "window": {"history": 7}}, "the train part has no window of 7 steps"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_scanned(name, tmp_path):
    table, options, message = BAD[name]
    with pytest.raises(ZooError, match=message):
        load(table, tmp_path, **options)
