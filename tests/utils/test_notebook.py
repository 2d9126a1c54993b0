"""Progress in a notebook: one output, in which an epoch takes the place of the one before; and a run as it is shown."""

import json
import pydoc
from types import SimpleNamespace

import pytest

import zoo
from zoo.evaluation.report.summary import run_html
from zoo.utils import notebook


class Cell:
    """IPython's `display`, and the handle that it returns: every state of each output is kept."""

    def __init__(self):
        self.outputs = []

    def display(self, data, *, raw, display_id):
        assert raw and display_id
        states = [data]
        self.outputs.append(states)
        return SimpleNamespace(update=lambda changed, raw: states.append(changed))


@pytest.fixture
def cell(monkeypatch):
    monkeypatch.setattr(notebook, "_SECONDS", 0)
    return Cell()


def test_a_long_training_leaves_one_short_output(cell):
    console = notebook.notebook_console(cell.display)
    console.print("wine: a table")
    console.print("Training in [runs]")
    for epoch in range(1, 101):
        console.print(f"  epoch {epoch:>3}/100  loss {1 / epoch:.4f}  9 steps/s  0:01 left")
    console.print("Test <accuracy>: 0.9 " + "x" * 200)
    (states,) = cell.outputs
    assert states[-1]["text/plain"].splitlines() == [
        "wine: a table",
        "Training in [runs]",
        "  epoch 100/100  loss 0.0100  9 steps/s  0:01 left",
        "Test <accuracy>: 0.9 " + "x" * 200,
    ]
    assert "Test &lt;accuracy&gt;" in states[-1]["text/html"]
    assert "  epoch  50/100" in states[51]["text/plain"] and "epoch  49" not in states[51]["text/plain"]


def test_epochs_are_not_shown_more_often_than_they_can_be_read(cell, monkeypatch):
    monkeypatch.setattr(notebook, "_SECONDS", 3600)
    console = notebook.notebook_console(cell.display)
    for epoch in range(1, 1001):
        console.print(f"  epoch {epoch}/1000  loss 0.1")
    console.print("Done")
    (states,) = cell.outputs
    assert len(states) <= 3 and states[-1]["text/plain"] == "  epoch 1000/1000  loss 0.1\nDone"


def test_only_the_kernel_of_a_notebook_shows_progress(monkeypatch, capfd):
    assert not notebook.in_notebook()
    notebook.default_console().print("nothing")
    assert capfd.readouterr() == ("", "")
    for name, expected in (("ZMQInteractiveShell", True), ("TerminalInteractiveShell", False)):
        shell = type(name, (), {})()
        monkeypatch.setitem(notebook.sys.modules, "IPython", SimpleNamespace(get_ipython=lambda shell=shell: shell))
        assert notebook.in_notebook() is expected


def report(**changed):
    return {
        "recipe": "a<b",
        "task": "tabular_classification",
        "model": "mlp",
        "examples": {"test": 1200},
        "metrics": {"test": {"accuracy": 0.912, "log_loss": None}},
        "intervals": {"test": {"accuracy": [0.9, 0.95]}},
        "baseline": {"name": "logistic_regression", "test": {"accuracy": 0.8, "log_loss": 0.5}},
        "verdict": "better than logistic regression",
        "diagnosis": {"state": "good", "evidence": [], "edits": [], "best_epoch": 1},
        "history": [],
        "data": {"source": "csv:a.csv", "fingerprint": "0" * 64, "splits": {"test": 1200}, "findings": []},
        "seed": 0,
        "seconds": 1.0,
        "parameters": 1,
        "versions": {},
        **changed,
    }


def test_a_run_shows_its_metrics_beside_the_baseline(tmp_path):
    page = run_html(report(), tmp_path)
    assert "<b>a&lt;b</b>: tabular_classification, 1,200 test examples" in page
    assert "<td>accuracy</td><td>91.2%</td><td>90.0% to 95.0%</td><td>80.0%</td>" in page
    assert "<td>log loss</td><td>not finite</td><td></td><td>0.5</td>" in page
    assert "The model is better than logistic regression." in page
    assert "80.0%" not in run_html(report(baseline=None), tmp_path)
    run = zoo.Run(tmp_path)
    assert "not finished" in run._repr_html_()
    (tmp_path / "report.json").write_text(json.dumps(report()))
    assert run._repr_html_() == page


def test_help_and_completion_show_what_there_is():
    assert {"train", "init", "load", "predict", "evaluate", "check", "tune", "Run", "sklearn", "build"} <= set(dir(zoo))
    text = pydoc.plain(pydoc.render_doc(zoo))
    for name in ("train(", "init(", "load(", "predict(", "evaluate(", "class Run", "class ExportedModel"):
        assert name in text, name
    assert "Train a recipe, evaluate it once on the test split" in text
