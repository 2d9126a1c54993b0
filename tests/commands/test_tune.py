"""Searches with real trainings: the best is what its trial was, bit for bit, however and wherever it was trained."""

import csv
import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import yaml
from rich.console import Console

from zoo.commands.train import train
from zoo.commands.tune import tune, work
from zoo.errors import ZooError
from zoo.utils.files import read_json

MLP = """\
extends: mlp/digits
model: {widths: [16]}
training: {epochs: 3}
search:
  tuner: random
  max_trials: 2
  space:
    optimizer.weight_decay: null
    training.batch_size: null
    optimizer.learning_rate.peak: {log: [1e-3, 1e-1]}
    model.widths: [[16], [32]]
    model.dropout: {linear: [0.0, 0.5]}
"""
CNN = """\
extends: cnn/digits
model: {widths: [4, 8], depth: 1}
training: {epochs: 2, select: best}
search:
  max_trials: 3
  space:
    model.widths: [[4, 8], [8, 8]]
    augment.0.random_translation.height: {linear: [0.0, 0.2]}
"""
LSTM = """\
extends: lstm/digits
model: {units: 8}
training: {epochs: 2}
search: {max_trials: 3, space: {model.units: {log: [4, 16]}}}
"""


@pytest.fixture
def write(tmp_path):
    def write(text, name="mine.yaml"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def rows(run):
    """Return a run's log, without times."""
    with open(Path(run) / "metrics.csv", newline="") as file:
        return [{key: value for key, value in row.items() if key != "seconds"} for row in csv.DictReader(file)]


def trials(folder):
    records = (read_json(path) for path in sorted(folder.glob("trials/*/trial.json")))
    return [(r["number"], r["values"], r["figure"], r["curve"], r["stopped_after"]) for r in records]


@pytest.mark.ci
def test_the_best_trained_again_is_its_trial(write, tmp_path):
    said = io.StringIO()
    folder = tmp_path / "search"
    report = tune(write(MLP), folder=folder, console=Console(file=said, width=200))
    best = report["best"]
    assert report["own"]["values"] == {}
    assert best["figure"] == min(t["figure"] for t in report["trials"])
    assert len(report["trials"]) == 2
    run = train(report["best_recipe"], runs=tmp_path / "runs", export=False)
    trial = folder / "trials" / f"{best['number']:04}" / "seed-0"
    assert rows(run) == rows(trial)
    assert float(rows(run)[best["kept_epoch"] - 1]["val_loss"]) == best["figure"]
    assert best["curve"] == [float(row["val_loss"]) for row in rows(run)]
    lines = [line for line in said.getvalue().splitlines() if line.startswith("  trial ")]
    assert len(lines) == 2
    assert "the recipe's own values" in lines[0]

    # its own run can be finished without training again: evaluation, report
    finished = train(None, resume=trial, export=False)
    assert rows(finished) == rows(run)
    theirs, ours = (read_json(Path(r) / "report.json")["metrics"] for r in (finished, run))
    assert theirs == ours

    # asked again, it is there already
    said.truncate(0)
    assert tune(write(MLP), folder=folder, console=Console(file=said, width=200))["best"] == best
    assert "2 of 2 trials have ended" in said.getvalue()


@pytest.mark.slow
def test_trials_that_share_this_process_are_the_same(write, tmp_path):
    found = [tune(write(MLP), folder=tmp_path / str(shared), in_process=shared) for shared in (False, True)]
    assert trials(tmp_path / "True") == trials(tmp_path / "False")
    assert found[0]["best"]["number"] == found[1]["best"]["number"]


@pytest.mark.slow
@pytest.mark.parametrize("text", [CNN, LSTM], ids=["cnn", "lstm"])
def test_the_best_of_other_families_trained_again_is_its_trial(text, write, tmp_path):
    report = tune(write(text), folder=tmp_path / "search", workers=2)
    run = train(report["best_recipe"], runs=tmp_path / "runs", export=False)
    best = report["best"]
    assert rows(run) == rows(tmp_path / "search" / "trials" / f"{best['number']:04}" / "seed-0")
    assert float(rows(run)[best["kept_epoch"] - 1][report["objective"]]) == best["figure"]


@pytest.mark.slow
def test_hyperband_resumes_trials_as_if_they_had_not_been_stopped(write, tmp_path):
    overrides = ["search.tuner=hyperband", "search.max_trials=8", "training.epochs=6", "search.factor=2"]
    report = tune(write(MLP), overrides, folder=tmp_path / "search")
    later = [t for t in report["trials"] if t["parent"] is not None]
    assert later
    for trial in later:
        folder = tmp_path / "search" / "trials" / f"{trial['number']:04}"
        short = tmp_path / "search" / "trials" / f"{trial['parent']:04}" / "seed-0"
        assert rows(folder / "seed-0")[: len(rows(short))] == rows(short)
        run = train(folder / "recipe.yaml", runs=tmp_path / "runs", export=False)
        assert rows(run) == rows(folder / "seed-0")
    assert "Resuming after epoch" in (folder / "seed-0" / "log.txt").read_text()


@pytest.mark.slow
def test_trials_below_the_median_are_stopped_and_are_recipes_too(write, tmp_path):
    overrides = [
        *("training.epochs=6", "search.max_trials=8", "search.median_stopping={after_epochs: 2, after_trials: 3}"),
        "search.space.optimizer.learning_rate.peak={log: [1e-6, 1e-1]}",
    ]
    report = tune(write(MLP), overrides, folder=tmp_path / "search", in_process=True)
    stopped = [t for t in report["trials"] if t["stopped_after"] is not None]
    assert stopped
    assert all(2 <= t["stopped_after"] < 6 and t["number"] >= 3 for t in stopped)
    folder = tmp_path / "search" / "trials" / f"{stopped[0]['number']:04}"
    assert yaml.safe_load((folder / "recipe.yaml").read_text())["training"]["stop_after"] == stopped[0]["stopped_after"]
    run = train(folder / "recipe.yaml", runs=tmp_path / "runs", export=False)
    assert rows(run) == rows(folder / "seed-0")


@pytest.mark.slow
def test_the_cost_is_that_of_the_exported_file(write, tmp_path):
    overrides = ["search.max_trials=2", "training.epochs=2", "search.space.model.widths=[[16], [64, 64]]"]
    size = tune(write(MLP), [*overrides, "search.cost={name: file_size}"], folder=tmp_path / "size", in_process=True)
    run = train(size["best_recipe"], runs=tmp_path / "runs")
    kilobytes = (run / "export" / "model.onnx").stat().st_size / 1024
    assert size["best"]["cost"] == pytest.approx(kilobytes, rel=0.02)  # the recipe's name and versions are in the file
    assert size["best"]["score"] == size["best"]["figure"]
    latency = "search.cost={name: latency, weight: 0.5}"
    timed = tune(write(MLP), [*overrides[1:], "search.max_trials=1", latency], folder=tmp_path / "ms", in_process=True)
    assert 0 < timed["best"]["cost"] < 1000
    assert timed["best"]["score"] == pytest.approx(timed["best"]["figure"] + 0.5 * timed["best"]["cost"])


@pytest.mark.slow
def test_several_seeds(write, tmp_path):
    overrides = ["search.max_trials=1", "search.seeds=2", "training.epochs=2", "training.seed=3"]
    best = tune(write(MLP), overrides, folder=tmp_path / "search", in_process=True)["best"]
    assert best["figure"] == np.mean(best["figures"])
    for seed, figure in zip((3, 4), best["figures"], strict=True):
        run = train(tmp_path / "search" / "best.yaml", [f"training.seed={seed}"], runs=tmp_path / "runs", export=False)
        assert float(rows(run)[-1]["val_loss"]) == figure


# --- what goes wrong ---


@pytest.mark.ci
def test_trials_that_fail_say_why(write, tmp_path):
    space = "search.space.optimizer.learning_rate.peak=[0.001, 1e30]"
    overrides = [
        "search.max_trials=6",
        "search.tuner=grid",
        "training.epochs=2",
        space,
        "optimizer.clip_global_norm=null",
    ]
    overrides += ["search.space.model.dropout=null", "search.space.model.widths=null"]
    report = tune(write(MLP), overrides, folder=tmp_path / "search", in_process=True)
    failed = [t for t in report["trials"] if t["status"] == "failed"]
    assert [t["values"]["optimizer.learning_rate.peak"] for t in failed] == [1e30]
    assert "loss" in failed[0]["message"]


@pytest.mark.parametrize(
    ("overrides", "options", "text"),
    [
        (["search=null"], {}, r"has no `search:`; add one, for example"),
        (["training.stop_after=2"], {}, "training.stop_after: a search decides itself when trials end"),
        (["search.space.model.dropout=[2.0]"], {}, r"search.space.model.dropout: 2.0 is refused"),
        ([], {"in_process": True, "workers": 2}, "--in-process trains one trial at a time"),
        ([], {"chief": "here"}, "expected HOST:PORT"),
    ],
)
def test_refused_before_anything_is_written(overrides, options, text, write, tmp_path):
    with pytest.raises(ZooError, match=text):
        tune(write(MLP), overrides, folder=tmp_path / "search", **options)
    assert not (tmp_path / "search").exists()


@pytest.mark.ci
def test_bad_data_is_told_before_the_first_trial(write, tmp_path):
    with pytest.raises(ZooError, match=r"training.batch_size is 5000, and the training split"):
        tune(write(MLP), ["training.batch_size=5000"], folder=tmp_path / "search")
    assert not (tmp_path / "search" / "trials").exists()


def test_two_at_once_in_one_folder_are_refused(write, tmp_path):
    from zoo.utils.lock import locked

    with locked(tmp_path / "search" / ".lock", "held"), pytest.raises(ZooError, match="another process works on this"):
        tune(write(MLP), folder=tmp_path / "search", in_process=True)


def test_a_worker_with_another_folder_says_so(write, tmp_path, monkeypatch):
    from zoo.search import worker

    monkeypatch.setattr(worker.Client, "take", lambda self: ("RUNNING", 0))
    with pytest.raises(ZooError, match="is not the chief's folder"):
        work(write(MLP), chief="127.0.0.1:9", worker="a", folder=tmp_path / "elsewhere")


# --- other processes ---


def start(*arguments, cwd):
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    command = [sys.executable, "-m", "zoo", "tune", *map(str, arguments)]
    return subprocess.Popen(
        command, cwd=cwd, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def until(condition, process):
    """Wait for something that a process does."""
    for _ in range(1200):
        if condition():
            return
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    raise AssertionError("it did not come to it")


@pytest.mark.slow
def test_killed_and_started_again_it_comes_to_the_same(write, tmp_path):
    arguments = (
        write(MLP),
        "search.max_trials=3",
        "training.epochs=8",
        "training.checkpoints.every_steps=3",
        "--folder",
    )
    whole = start(*arguments, tmp_path / "whole", cwd=tmp_path)
    assert whole.wait() == 0
    logs = tmp_path / "cut" / "trials"
    for wanted in (1, 3):  # runs that have begun
        cut = start(*arguments, tmp_path / "cut", cwd=tmp_path)
        until(lambda n=wanted: len(list(logs.glob("*/seed-0/metrics.csv"))) >= n, cut)
        cut.send_signal(signal.SIGKILL)
        cut.communicate()
    last = start(*arguments, tmp_path / "cut", "--json", cwd=tmp_path)
    out, said = last.communicate()
    assert last.returncode == 0, said
    assert "Resuming: " in said
    assert trials(tmp_path / "cut") == trials(tmp_path / "whole")
    assert json.loads(out)["best"]["figure"] == min(figure for _, _, figure, *_ in trials(tmp_path / "whole"))
    resumed = [p for p in logs.glob("*/seed-0/log.txt") if "Resuming after epoch" in p.read_text()]
    assert resumed


@pytest.mark.slow
def test_chief_and_workers_of_which_one_dies(write, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        where = f"127.0.0.1:{free.getsockname()[1]}"
    arguments = [write(MLP), "search.max_trials=5", "training.epochs=8", "--folder", tmp_path / "shared"]
    chief = start(*arguments, "--chief", where, cwd=tmp_path)
    workers = [start(*arguments, "--chief", where, "--worker", name, cwd=tmp_path) for name in "ab"]
    until(lambda: len(list((tmp_path / "shared").glob("trials/*/seed-0/metrics.csv"))) >= 2, chief)
    workers[1].send_signal(signal.SIGKILL)
    workers[1].communicate()
    _, said = chief.communicate()
    assert chief.returncode == 0, said
    assert "worker b has been silent for 20 s" in said
    assert workers[0].wait() == 0
    workers[0].communicate()
    tune(write(MLP), [str(a) for a in arguments[1:3]], folder=tmp_path / "alone", workers=2)
    assert trials(tmp_path / "alone") == trials(tmp_path / "shared")
