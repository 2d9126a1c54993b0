"""What the page's script knows of a chart is what the drawing shows."""

import json
import re

import numpy as np
import pytest

from zoo.evaluation.report import charts, plots

HISTORY = [{"loss": 2.0**-i, "val_loss": 1.5**-i, "learning_rate": 0.1} for i in range(30)]


def data_of(drawn):
    return json.loads(re.search(r'<script type="application/json">(.*?)</script>', drawn, re.DOTALL)[1])


def paths(drawn):
    """Return the polylines of the drawing: the corners of each path without curves."""
    found = [re.findall(r"[ML] (\S+) (\S+)", path) for path in re.findall(r' d="([^"]+)"', drawn)]
    return [np.array(points, float) for points in found]


def test_points_are_where_the_lines_are_drawn():
    drawn = plots.curves(HISTORY, "loss", ("kept", 30))
    lines = data_of(drawn)
    assert [line["label"] for line in lines] == ["training", "validation", "kept epoch: 30"]
    for line in lines[:2]:
        ends = [(line["x"][0], line["y"][0]), (line["x"][-1], line["y"][-1])]
        # matplotlib leaves out points on a straight line, never the first and last
        assert any(np.allclose([path[0], path[-1]], ends, atol=0.06) for path in paths(drawn) if len(path) > 1)
        assert len(line["x"]) == 30 and line["x_text"] == [str(i) for i in range(1, 31)]
    assert lines[0]["y_text"][1] == "0.5" and lines[0]["x_label"] == "epoch"


def test_bars_and_percentages():
    y = np.arange(100) % 2
    probabilities = np.full((100, 2), 0.5) + np.where(np.eye(2)[y] > 0, 0.25, -0.25)
    lines = data_of(plots.calibration(y, probabilities))
    assert [line["label"] for line in lines] == ["model", ""] and lines[1]["y_label"] == "examples"
    at = lines[1]["y_text"].index("100.0%")
    assert lines[1]["x_text"][at].startswith("7") and lines[1]["x_label"] == "confidence"


def test_a_scatter_plot_is_said_to_be_one():
    y = np.arange(40.0)
    (points,) = data_of(plots.scatter(y, y + 1))
    assert points["scattered"] and len(points["x"]) == 40 and "39" in points["x_text"]


def test_names_of_classes_are_those_of_the_ticks():
    lines = data_of(charts.class_rates({"labels": ["cat", "dog"], "shares": [0.3, 0.7], "real_shares": [0.5, 0.5]}))
    assert [line["label"] for line in lines] == ["generated", "real"]
    assert lines[0]["x_text"] == ["cat", "dog"] and lines[0]["y_text"] == ["30.0%", "70.0%"]


def test_a_class_whose_name_ends_a_script_does_not():
    drawn = charts.layout(np.eye(2), np.array([0, 1]), ["</script><b>", "dog"])
    assert drawn.count("</script>") == 1 and data_of(drawn)[0]["label"] == "</script><b>"


@pytest.mark.parametrize("steps", [10, 2000])
def test_of_long_lines_some_points_are_kept(steps):
    drawn = charts.forecasts(np.arange(steps), np.sin(np.arange(steps)), [charts.Forecast(3, np.ones(4))], wide=True)
    assert len(data_of(drawn)[0]["x"]) == min(steps, 500)
