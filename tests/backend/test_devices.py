"""Several devices: the same losses and weights as on one, on TensorFlow and on JAX; and what is refused."""

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

from zoo.backend import devices
from zoo.backend.processes import START_TIMEOUT, Place
from zoo.errors import ZooError
from zoo.recipe import load_recipe
from zoo.training.callbacks.state import read_state, state_files
from zoo.training.run import open_run
from zoo.training.saved_model import load_model

COMMON = ["training.batch_size=64", "training.epochs=2", "optimizer.learning_rate.warmup_epochs=0.5"]
RUNS = {
    "mlp": ("mlp/digits", ["model.widths=[16]", "model.dropout=0", "optimizer.clip_global_norm=1"]),
    "cnn": (  # batch normalisation, blending, an average of weights, and a penalty
        "cnn/digits",
        ["model.widths=[8]", "model.depth=1", "model.dropout=0", "regularization={mixup: 0.3, l2: 1e-3}"]
        + ["optimizer.ema=0.9"],
    ),
    "gan": (  # by plain descent: Adam makes steps of the same size of what is rounding alone
        "gan/digits",
        ["model.generator_widths=[16, 8]", "model.discriminator_widths=[8, 16]", "model.dropout=0"]
        + ["optimizer={name: sgd, learning_rate: 1e-3, ema: 0.9}"],
    ),
    "diffusion": ("diffusion/digits", ["model.widths=[8, 16]", "model.groups=4", "sampling.steps=2"]),
    # plain descent, and a small rate: rounding grows with every step, and Adam makes much of little at the beginning
    "autoencoder": ("autoencoder/digits", ["optimizer={name: sgd, learning_rate: 1e-3}"]),
    "plateau": (
        "mlp/digits",
        ["model.widths=[8]", "model.dropout=0", "optimizer={name: sgd}"]
        + ["optimizer.learning_rate={schedule: reduce_on_plateau, initial: 0.1, patience: 1, min_delta: 9}"]
        + ["training.epochs=3"],
    ),
    "simclr": ("representation/digits_simclr", ["optimizer.learning_rate.peak=1e-4"]),
}
# What is compared: each epoch's metrics, and the weights of what is saved.
PROGRAM = """
import json, sys, tempfile
from pathlib import Path
from zoo.backend.startup import start_keras
name, overrides, count, out = json.loads(sys.argv[1])
start_keras(count)
import numpy as np
from rich.console import Console
from zoo.data.sources.load import load_dataset
from zoo.recipe import load_recipe
from zoo.tasks import TASKS
from zoo.training.fit import fit
from zoo.training.problem import set_up
distributed = f"training.distribution={{devices: {count}}}"
for i, more in enumerate(([], [distributed])):
    recipe = load_recipe(name, [*overrides, *more]).recipe
    problem = set_up(recipe, load_dataset(recipe.data, TASKS[recipe.task], recipe.preprocess))
    assert problem.devices.count == (count if more else 1)
    fitted = fit(problem, Path(tempfile.mkdtemp()), Console(quiet=True))
    losses = [[row["loss"], row["val_loss"]] for row in fitted.history]
    np.savez(f"{out}/{i}.npz", np.array(losses), *problem.views.saved.get_weights())
"""


def compare(name, folder, backend, count=2):
    pytest.importorskip(backend)
    recipe, overrides = RUNS[name]
    warmed = "warmup" in json.dumps(load_recipe(recipe, overrides).recipe.optimizer.model_dump())
    given = json.dumps([recipe, [*(COMMON if warmed else COMMON[:2]), *overrides], count, str(folder)])
    environment = {**os.environ, "KERAS_BACKEND": backend}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, given], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    with np.load(folder / "0.npz") as one, np.load(folder / "1.npz") as several:
        assert one.files == several.files
        for key in one.files:
            np.testing.assert_allclose(several[key], one[key], rtol=2e-4, atol=2e-5)


SHORTEST = "cnn"


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=pytest.mark.ci if n == SHORTEST else pytest.mark.slow) for n in RUNS if n != "simclr"],
)
def test_tensorflow_on_two_devices_is_as_on_one(name, tmp_path):
    compare(name, tmp_path, "tensorflow")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["mlp", "cnn", "gan", "simclr"])
def test_jax_on_two_devices_is_as_on_one(name, tmp_path):
    compare(name, tmp_path, "jax")


# === What cannot be ===


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["training.distribution={devices: 3}"], "devices is 3, and tensorflow finds 2 here: a, b"),
        (["training.distribution={}", "training.batch_size=63"], "batch_size is 63, which 2 devices cannot share"),
        (["training.distribution={}", "training.steps_per_execution=4"], "take one step a call"),
    ],
)
def test_what_devices_cannot_do(overrides, message, monkeypatch):
    monkeypatch.setattr(devices, "_found", lambda: ["a", "b"])
    with pytest.raises(ZooError, match=message):
        devices.devices_for(load_recipe("mlp/digits", overrides).recipe)


def test_a_loss_between_examples_needs_the_whole_batch(monkeypatch):
    monkeypatch.setattr(devices, "_found", lambda: ["a", "b"])
    with pytest.raises(ZooError, match=r"nt_xent compares all examples of a batch.*KERAS_BACKEND=jax"):
        devices.devices_for(load_recipe("representation/digits_simclr", ["training.distribution={}"]).recipe)


def test_one_device_is_no_distribution(monkeypatch):
    monkeypatch.setattr(devices, "_found", lambda: ["a"])
    assert devices.devices_for(load_recipe("mlp/digits", ["training.distribution={}"]).recipe).count == 1


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_the_command_line_on_two_devices(backend, tmp_path):
    """The CPU is split before anything is computed, though the recipe is checked by then."""
    pytest.importorskip(backend)
    command = [sys.executable, "-m", "zoo", "train", "mlp/digits", "training.distribution={devices: 2}", *COMMON]
    environment = {**os.environ, "KERAS_BACKEND": backend}
    done = subprocess.run([*command, "--runs", str(tmp_path)], env=environment, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.slow
def test_the_range_test_on_two_devices():
    found = []
    for more in ([], ["training.distribution={devices: 2}"]):
        arguments = ["mlp/digits", "model.widths=[8]", "model.dropout=0", "training.batch_size=64", *more]
        command = [sys.executable, "-m", "zoo", "find-lr", *arguments, "--steps", "30", "--json"]
        found.append(json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout))
    np.testing.assert_allclose(found[1]["losses"][:20], found[0]["losses"][:20], rtol=1e-3)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("localhost:1234", None, 2), "go together"),
        ((None, 0, 2), "go together"),
        (("localhost", 0, 2), "expected HOST:PORT of the first process, received localhost"),
        (("localhost:1234", 2, 2), "received 2 and 2"),
        (("localhost:1234", 0, 1), "received 0 and 1"),
    ],
)
def test_a_place_that_is_none(given, message):
    with pytest.raises(ZooError, match=message):
        Place.of(*given)


def test_a_place():
    assert Place.of(None, None, None) is None
    assert Place.of("host:1234", 1, 2) == Place("host:1234", 1, 2)


@pytest.mark.ci
def test_several_processes_are_for_jax(zoo):
    code, _, err = zoo("train", "mlp/digits", "--coordinator", "localhost:1", "--process", "0", "--processes", "2")
    assert code == 2 and "KERAS_BACKEND=jax" in err


# === Several processes ===


def start(folder, port, *arguments):
    """Start two processes of one run; return them."""
    folder.mkdir(exist_ok=True)
    environment = {**os.environ, "KERAS_BACKEND": "jax"}
    return [
        subprocess.Popen(
            [sys.executable, "-m", "zoo", "train", *arguments, "--runs", str(folder)]
            + ["--coordinator", f"127.0.0.1:{port}", "--process", str(i), "--processes", "2"],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for i in range(2)
    ]


@pytest.fixture
def port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


ARGUMENTS = ["mlp/digits", "model.widths=[16]", *COMMON, "training.checkpoints.every_steps=4"]


@pytest.mark.slow
def test_two_processes_train_evaluate_and_export(tmp_path, port):
    pytest.importorskip("jax")
    done = [process.communicate(timeout=300) for process in start(tmp_path / "runs", port, *ARGUMENTS)]
    run = Path(done[0][0].strip().splitlines()[-1])
    assert (run / "export" / "model.onnx").is_file() and (run / "report.html").is_file()
    assert "the first process evaluates" in done[1][1] and len(list((tmp_path / "runs").rglob("report.json"))) == 1


@pytest.mark.slow
def test_a_process_that_dies_stops_the_other_and_leaves_a_checkpoint(tmp_path, port):
    pytest.importorskip("jax")
    long = [*ARGUMENTS, "training.epochs=400"]
    first, second = start(tmp_path / "runs", port, *long)
    deadline = time.monotonic() + 200
    while not list((tmp_path / "runs").rglob("step-*.npz")):
        assert time.monotonic() < deadline and first.poll() is None, first.communicate()[1][-2000:]
        time.sleep(0.2)
    second.send_signal(signal.SIGKILL)
    _, err = first.communicate(timeout=120)
    assert first.returncode == 2 and "another process of this run is gone" in err
    (run,) = (path.parent for path in (tmp_path / "runs").rglob("recipe.yaml"))
    states = state_files(run / "checkpoints")
    assert states and all(read_state(path) for path in states)


@pytest.mark.slow
def test_two_processes_go_on_to_the_same_weights(tmp_path, port):
    """Both are killed once a state is there; started again with `--resume`, they end as two that were not."""
    pytest.importorskip("jax")
    longer = [*ARGUMENTS, "training.epochs=30"]
    for process in start(tmp_path / "whole", port, *longer):
        _, err = process.communicate(timeout=300)
        assert process.returncode == 0, err[-2000:]
    both = start(tmp_path / "cut", port, *longer)
    deadline = time.monotonic() + 200
    while not list((tmp_path / "cut").rglob("step-*.npz")):
        assert time.monotonic() < deadline and both[0].poll() is None, both[0].communicate()[1][-2000:]
        time.sleep(0.02)
    for process in both:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    (run,) = (path.parent for path in (tmp_path / "cut").rglob("recipe.yaml"))
    assert not (run / "report.json").exists()
    for process in start(tmp_path / "cut", port, "--resume", str(run)):
        _, err = process.communicate(timeout=300)
        assert process.returncode == 0, err[-2000:]
    (whole,) = (path.parent for path in (tmp_path / "whole").rglob("recipe.yaml"))
    models = [load_model(open_run(folder)).get_weights() for folder in (whole, run)]
    assert all(np.array_equal(a, b) for a, b in zip(*models, strict=True))
    logs = [(folder / "metrics.csv").read_text().splitlines() for folder in (whole, run)]
    assert [line.rpartition(",")[0] for line in logs[0]] == [line.rpartition(",")[0] for line in logs[1]]


@pytest.mark.slow
def test_a_process_that_never_comes(tmp_path, port):
    pytest.importorskip("jax")
    done = subprocess.run(
        [sys.executable, "-m", "zoo", "train", "mlp/digits", "--runs", str(tmp_path)]
        + ["--coordinator", f"127.0.0.1:{port}", "--process", "0", "--processes", "2"],
        env={**os.environ, "KERAS_BACKEND": "jax"},
        capture_output=True,
        text=True,
        timeout=START_TIMEOUT + 120,
        check=False,
    )
    assert done.returncode == 2 and "not all of the 2 processes came" in done.stderr.splitlines()[-1]
    assert not list(tmp_path.iterdir())
