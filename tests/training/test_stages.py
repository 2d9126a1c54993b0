"""How far a run is, by the files that it has."""

import errno
import json
import math
from pathlib import Path

import pytest

from zoo.errors import ZooError
from zoo.training.fit import Fitted
from zoo.training.run import Run
from zoo.training.run_files import check_unchanged
from zoo.training.stages import (
    held,
    held_by,
    missing_stages,
    read_fitted,
    read_history,
    record_request,
    wants_export,
    write_fitted,
)

OLD = Path(__file__).parents[1] / "old_runs"
TRAINED = ("model.keras", "training.json")
REPORTED = ("report.html", "report.json")
EXPORTED = ("export/model.onnx", "export/certificate.json")


def make_run(folder, *names):
    (folder / "environment.json").write_text('{"recipe": "mlp/wine", "versions": {}, "hardware": "a processor"}')
    for name in names:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("{}")
    return Run(folder)


@pytest.mark.parametrize(
    ("files", "missing"),
    [
        ((), ["training", "report", "export"]),
        (("model.keras",), ["training", "report", "export"]),
        (TRAINED, ["report", "export"]),
        ((*TRAINED, "report.html"), ["report", "export"]),
        ((*TRAINED, "report.json"), ["report", "export"]),
        ((*TRAINED, *REPORTED), ["export"]),
        ((*TRAINED, *REPORTED, "export/model.onnx"), ["export"]),
        ((*TRAINED, *REPORTED, *EXPORTED), []),
        ((*REPORTED, *EXPORTED), ["training", "report", "export"]),
        (("model.keras", *REPORTED), ["export"]),  # an older run
        (("model.keras", "report.json"), ["training", "report", "export"]),  # and one that was killed
    ],
)
def test_what_is_missing(tmp_path, files, missing):
    run = make_run(tmp_path, *files)
    assert missing_stages(run, export=True) == missing
    assert missing_stages(run, export=False) == missing[: max(0, len(missing) - 1)]


def test_the_request_is_kept_and_an_older_run_is_exported(tmp_path):
    run = make_run(tmp_path)
    assert wants_export(run)
    for export in (False, True):
        record_request(run, export=export)
        assert wants_export(run) is export and run.name == "mlp/wine"


def test_what_training_gave_comes_back_to_the_bit(tmp_path):
    run = make_run(tmp_path, "model.keras")
    rows = [{"epoch": 1, "loss": 0.1 + 0.2, "val_loss": math.inf, "seconds": 0.125}, {"epoch": 2, "loss": 1e-300}]
    (tmp_path / "metrics.csv").write_text(f"epoch,loss,val_loss,seconds\n1,{0.1 + 0.2!r},inf,0.125\n")
    write_fitted(run, Fitted(rows[:1], 1, 0.1))
    found = read_fitted(run)
    assert (found.history, found.kept_epoch, found.seconds) == (rows[:1], 1, 0.1)
    assert isinstance(found.history[0]["epoch"], int)


def test_of_an_older_run_the_report_is_asked(tmp_path):
    run = make_run(tmp_path)
    with pytest.raises(ZooError, match=r"is not trained to its end; resume it with zoo train --resume"):
        read_fitted(run)
    (tmp_path / "recipe.yaml").write_text("extends: mlp/wine\ntraining: {select: best}\n")
    report = json.loads((OLD / "wine" / "report.json").read_text(encoding="utf-8"))
    report |= {"diagnosis": {"best_epoch": 3}, "history": [{"epoch": 1}] * 5, "seconds": 2.5}
    (tmp_path / "report.json").write_text(json.dumps(report))
    assert read_fitted(run).kept_epoch == 3 and read_fitted(run).seconds == 2.5
    (tmp_path / "recipe.yaml").write_text("extends: mlp/wine\ntraining: {select: last}\n")
    assert read_fitted(run).kept_epoch == 5
    (tmp_path / "report.json").write_text(json.dumps(report | {"history": []}))
    with pytest.raises(ZooError, match=r"report\.json: damaged: epoch 0 was kept, and the log has 0 epochs"):
        read_fitted(run)


def test_a_stage_whose_last_file_is_damaged_is_missing(tmp_path):
    run = make_run(tmp_path, *TRAINED, *REPORTED, *EXPORTED)
    for name, missing in (("export/certificate.json", 1), ("report.json", 2), ("training.json", 3)):
        (tmp_path / name).write_text("")
        (tmp_path / "report.html").unlink(missing_ok=True)
        if missing == 1:
            (tmp_path / "report.html").touch()
        assert len(missing_stages(run, export=True)) == missing


@pytest.mark.parametrize("name", ["model.keras", "metrics.csv"])
def test_what_training_wrote_is_told_from_what_took_its_place(tmp_path, name):
    run = make_run(tmp_path, "model.keras")
    (tmp_path / "metrics.csv").write_text("epoch,loss\n1,0.5\n2,0.25\n")
    write_fitted(run, Fitted([{"epoch": 1}, {"epoch": 2}], 1, 0.1))
    check_unchanged(run.model_path, "model_sha256")
    assert len(read_fitted(run).history) == 2
    (tmp_path / name).write_text("epoch,loss\n1,0.5\n2,0.2\n")
    with pytest.raises(ZooError, match=rf"{name}: not the file that this run's training wrote.*--resume"):
        check_unchanged(run.model_path, "model_sha256") if name == "model.keras" else read_fitted(run)


@pytest.mark.parametrize("text", ["", "epoch,loss\n1\n", "epoch,loss\none,2\n", "loss\n1\n"])
def test_damaged_metrics(tmp_path, text):
    (tmp_path / "metrics.csv").write_text(text)
    if not text:
        assert read_history(tmp_path / "metrics.csv") == []
        return
    with pytest.raises(ZooError, match=r"metrics\.csv: not readable as the metrics of a run"):
        read_history(tmp_path / "metrics.csv")


def test_a_held_run_is_cleared_of_what_killed_processes_left_and_of_nothing_else(tmp_path):
    left = [".0a1b2c3d.model.onnx", ".0123456789abcdef0123456789abcdef.npz"]
    kept = [".gitignore", ".DS_Store", "report.json"]
    run = make_run(tmp_path)
    for folder in (tmp_path, tmp_path / "export"):
        folder.mkdir(exist_ok=True)
        for name in left + kept:
            (folder / name).touch()
    assert held_by(run) is None
    with held(run):
        assert held_by(run) is not None
        with pytest.raises(ZooError, match=r"is in use by another process.*: process \d+ on"), held(run):
            pass
    found = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    assert found == {*kept, "environment.json"}


def test_a_full_disk_says_how_to_go_on(tmp_path):
    with (
        pytest.raises(ZooError, match=r"No space left on device.*make room.*zoo train --resume"),
        held(make_run(tmp_path)),
    ):
        raise OSError(errno.ENOSPC, "No space left on device")
