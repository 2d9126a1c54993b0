"""`zoo.Run`: what a trained run gives in Python, against its files."""

import json
import os
import shutil
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import zoo
from zoo.errors import ZooError
from zoo.training.stages import missing_stages


@pytest.fixture(scope="module")
def run(trained):
    return zoo.load(trained("table").run)


def test_it_is_a_path_where_a_path_is_wanted(run, trained):
    folder = trained("table").run
    assert os.fspath(run) == str(run) == str(folder) and Path(run) == run.folder == folder
    assert run / "report.json" == folder / "report.json"
    assert zoo.load(run) == run
    assert run != zoo.Run(folder.parent)
    with open(run / "metrics.csv") as file:
        assert file.readline().startswith("epoch,")


def test_metrics_are_those_of_the_report(run):
    report = json.loads((run.folder / "report.json").read_text())
    assert run.metrics["test"]["accuracy"] == report["metrics"]["test"]["accuracy"]
    assert run.metrics["validation"] == report["metrics"]["validation"]
    assert run.metrics["baseline"]["test"] == report["baseline"]["test"]
    assert run.metrics["baseline"]["name"] == report["baseline"]["name"]
    assert run.report.facts == report


def test_history_is_the_log(run):
    pd.testing.assert_frame_equal(run.history, pd.read_csv(run / "metrics.csv"), rtol=1e-12)


def test_the_report_in_a_notebook_is_the_page(run):
    found = []

    class Frames(HTMLParser):
        def handle_starttag(self, tag, attributes):
            found.append((tag, dict(attributes)))

    Frames().feed(run.report._repr_html_())
    ((tag, attributes),) = found
    page = (run.folder / "report.html").read_text(encoding="utf-8")
    assert tag == "iframe" and attributes["srcdoc"] == page
    assert os.fspath(run.report) == str(run / "report.html")


def test_predictions_are_those_of_the_exported_file(run, trained):
    frame = pd.read_csv(trained("table").data, keep_default_na=False, na_values=[""])
    served = zoo.ExportedModel(run / "export" / "model.onnx").predict(frame)
    found = run.predict(frame)
    assert found.labels == served.labels and np.array_equal(found.probabilities, served.probabilities)
    assert len(found) == len(frame)
    assert len(run.predict(frame[:1])) == 1


def test_the_plot_has_the_curves_of_the_log(run):
    figure = run.plot()
    drawn = {
        (axes.get_title(), line.get_label()): line.get_ydata().tolist() for axes in figure.axes for line in axes.lines
    }
    history = run.history
    assert drawn == {
        ("loss", "training"): history["loss"].tolist(),
        ("loss", "validation"): history["val_loss"].tolist(),
        ("accuracy", "training"): history["accuracy"].tolist(),
        ("accuracy", "validation"): history["val_accuracy"].tolist(),
    }
    assert figure._repr_png_().startswith(b"\x89PNG")


def test_what_a_run_lacks_is_said(trained, tmp_path):
    copied = zoo.load(shutil.copytree(trained("array").run, tmp_path / "run"))
    shutil.rmtree(copied / "export")
    with pytest.raises(ZooError, match=r"model\.onnx is not there, .*run\.export\(\) first"):
        copied.predict(np.zeros((1, 5), np.float32))
    certificate = copied.export()
    assert certificate["path"] == str(copied / "export" / "model.onnx") and missing_stages(copied, export=True) == []
    assert len(copied.predict(np.zeros((2, 5), np.float32))) == 2
    (copied / "report.json").unlink()
    with pytest.raises(ZooError, match=r"has no report\.json: the run is not finished; resume it with"):
        _ = copied.metrics
