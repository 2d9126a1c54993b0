"""A run that lacks something is resumed to its end, and nothing is done twice."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

import zoo
from zoo.errors import ZooError
from zoo.training.run import Run
from zoo.training.stages import held, record_request

ROOT = Path(__file__).resolve().parents[2]
TIMED = ("created", "seconds")


@pytest.fixture
def copied(trained, tmp_path):
    """Return a function that copies a whole run without some of its files."""

    def copy(*removed):
        folder = shutil.copytree(trained("array").run, tmp_path / "run")
        for name in removed:
            path = folder / name
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        return folder

    return copy


def content(folder, name):
    return {k: v for k, v in json.loads((folder / name).read_text()).items() if k not in TIMED}


def files(folder):
    """Return all files but those whose names hold a time, or a checksum of times."""
    paths = [path for path in folder.rglob("*") if "tensorboard" not in path.parts]
    return {str(path.relative_to(folder)) for path in paths if not path.name.startswith("step-")}


def weights(folder):
    return keras.saving.load_model(folder / "model.keras", compile=False).get_weights()


@pytest.mark.parametrize(
    ("removed", "stays"),
    [
        (("export",), ("model.keras", "report.html", "report.json")),
        pytest.param(("export/certificate.json",), ("model.keras", "report.html", "report.json"), marks=pytest.mark.ci),
        pytest.param(("report.json", "export"), ("model.keras", "training.json"), marks=pytest.mark.ci),
        pytest.param(("report.html",), ("model.keras", "training.json"), marks=pytest.mark.ci),
        pytest.param(("training.json", "report.html", "report.json", "export"), (), marks=pytest.mark.ci),
        (("checkpoints", "metrics.csv", "model.keras", "training.json", "report.json", "data.json"), ()),
    ],
)
def test_what_is_missing_is_made_and_nothing_else(trained, copied, removed, stays):
    whole, folder = trained("array").run, copied(*removed)
    (folder / "export").mkdir(exist_ok=True)
    (folder / "export" / ".0a1b2c3d.model.onnx").touch()
    before = {name: (folder / name).stat().st_mtime_ns for name in stays}
    assert zoo.train(None, resume=folder).folder == folder
    assert {name: (folder / name).stat().st_mtime_ns for name in stays} == before
    assert content(folder, "report.json") | {"history": 0} == content(whole, "report.json") | {"history": 0}
    certificate = "export/certificate.json"
    for key in ("max_abs_difference", "label_flips", "samples"):
        assert content(folder, certificate)[key] == content(whole, certificate)[key]
    assert all(np.array_equal(a, b) for a, b in zip(weights(folder), weights(whole), strict=True))
    assert files(folder) == files(whole)


def test_a_run_that_is_whole_and_one_that_was_not_to_be_exported(copied):
    folder = copied()
    with pytest.raises(ZooError, match=r"this run is finished already; `zoo report` makes its report again"):
        zoo.train(None, resume=folder)
    shutil.rmtree(folder / "export")
    record_request(Run(folder), export=False)
    with pytest.raises(ZooError, match="this run is finished already"):
        zoo.train(None, resume=folder)
    zoo.train(None, resume=folder, export=True)
    assert (folder / "export" / "certificate.json").is_file()


def test_the_report_again(copied):
    from zoo.commands.report import report

    folder = copied()
    before, page = content(folder, "report.json"), (folder / "report.html").read_text()
    (folder / "report.html").unlink()
    report(folder)
    assert content(folder, "report.json") == before
    assert len((folder / "report.html").read_text()) == pytest.approx(len(page), rel=0.01)


def test_a_run_in_use_is_left_alone(copied):
    from zoo.commands.report import report

    folder = copied()
    commands = (zoo.export, report, lambda run: zoo.train(None, resume=run))
    with held(Run(folder)):
        for command in commands:
            with pytest.raises(ZooError, match=r"is in use by another process, which must end first: process \d+ on"):
                command(folder)
        assert zoo.evaluate(folder)["samples"] > 0
        (folder / "model.keras").unlink()
        with pytest.raises(ZooError, match=r"did not finish its training; it is in use by process \d+"):
            zoo.evaluate(folder)


def test_what_cannot_be_exported_is_refused_before_training(trained, tmp_path, monkeypatch):
    from zoo.export import convert

    def fail(*arguments, **options):
        raise ZooError("an operation has no ONNX form")

    monkeypatch.setattr(convert, "check_graph", fail)
    monkeypatch.setattr("zoo.export.predictors.check_graph", fail)
    with pytest.raises(
        ZooError, match=r"could not be exported at its end: an operation has no ONNX form; .*--no-export"
    ):
        zoo.train(trained("array").recipe, runs=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_trying_the_export_changes_no_weights(trained, tmp_path):
    run = zoo.train(trained("array").recipe, runs=tmp_path, export=False)
    assert all(np.array_equal(a, b) for a, b in zip(weights(run), weights(trained("array").run), strict=True))


@pytest.mark.slow
def test_killed_at_random_instants(tmp_path):
    command = [sys.executable, str(ROOT / "benchmarks" / "kills.py"), "--kills", "4", "--only", "mlp"]
    done = subprocess.run([*command, "--folder", str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
