"""States of a run: whole files, the way back from damaged ones, and a resumed run that ends in the same bits."""

import errno
import io
import itertools
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from rich.console import Console

from zoo.data.sources.load import load_dataset
from zoo.errors import ZooError
from zoo.recipe import load_recipe
from zoo.tasks import TASKS
from zoo.training.callbacks.checkpoints import Checkpoints, Monitor
from zoo.training.callbacks.log import EpochLog
from zoo.training.callbacks.state import read_state, state_files, write_state
from zoo.training.fit import fit
from zoo.training.problem import set_up
from zoo.utils.stopping import Stopped, StopRequests

QUIET = Console(quiet=True)
ARRAYS = {"a": np.arange(6.0, dtype=np.float32).reshape(2, 3), "b": np.array(7)}
MLP = ["model.widths=[8]", "model.dropout=0.2", "training.batch_size=100", "training.steps_per_execution=5"]
RUNS = {
    "mlp": (
        "mlp/digits",
        [*MLP, "regularization.early_stopping={patience: 1}", "optimizer.learning_rate={schedule: cosine, peak: 0.01}"],
    ),
    "average": ("mlp/digits", [*MLP, "optimizer.ema=0.9", "training.select=last"]),
    "cnn": (
        "cnn/digits",
        [
            *("model.widths=[4]", "model.depth=1", "training.batch_size=100", "regularization.mixup=0.3"),
            "augment=[{random_translation: {height: 0.2, width: 0.2}}]",
        ],
    ),
    "lstm": ("lstm/digits", ["model.units=4", "training.batch_size=200"]),
    "gan": (
        "gan/digits",
        ["model.generator_widths=[8, 4]", "model.discriminator_widths=[4, 8]", "training.batch_size=200"],
    ),
    "diffusion": (
        "diffusion/digits",
        ["model.widths=[4]", "model.attention=[]", "model.heads=1", "training.batch_size=200", "sampling.steps=2"],
    ),
    "representation": (
        "representation/digits_simclr",
        ["model.encoder_config={widths: [4]}", "training.batch_size=200"],
    ),
    "teacher": (
        "representation/digits_dino",
        [
            "model.encoder_config={widths: [4]}",
            "model.projection=[6, 5]",
            "model.prototypes=8",
            "training.batch_size=200",
        ],
    ),
    "graph": ("graph/digit_neighbors_gat", ["model.width=8", "model.heads=2"]),
    "language": (
        "representation/python_topics_masked",
        ["model.width=8", "model.depth=1", "model.heads=2", "model.dropout=0.1", "training.batch_size=500"],
    ),
}


# === Files ===


def test_a_state_comes_back_and_the_newest_stay(tmp_path):
    for step in (3, 11, 7):
        write_state(tmp_path, step, {"step": step, "rows": [{"loss": 0.5}]}, ARRAYS, keep=2)
    files = state_files(tmp_path)
    assert [read_state(path)[0]["step"] for path in files] == [11, 7] and len(list(tmp_path.iterdir())) == 2
    facts, arrays = read_state(files[0])
    assert facts == {"step": 11, "rows": [{"loss": 0.5}]} and set(arrays) == {"a", "b"}
    assert all(
        np.array_equal(arrays[name], value) and arrays[name].dtype == value.dtype for name, value in ARRAYS.items()
    )


@pytest.mark.parametrize("damage", ["flip", "cut", "empty", "gone", "renamed"])
def test_a_damaged_state_is_noticed(tmp_path, damage):
    path = write_state(tmp_path, 5, {}, ARRAYS, keep=1)
    whole = path.read_bytes()
    middle = len(whole) // 2
    if damage == "gone":
        path.unlink()
    elif damage == "renamed":
        path = path.rename(tmp_path / "step-000000005.npz")
    else:
        flipped = whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]
        path.write_bytes({"flip": flipped, "cut": whole[:middle], "empty": b""}[damage])
    with pytest.raises(ZooError, match=r"damaged|not readable"):
        read_state(path)


def test_a_full_disk_leaves_the_last_state_as_it_was(tmp_path, monkeypatch):
    path = write_state(tmp_path, 5, {}, ARRAYS, keep=1)

    def full(file, **arrays):
        file.write(b"half of it")
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch, pytest.raises(ZooError) as error:
        patch.setattr(np, "savez", full)
        write_state(tmp_path, 6, {}, ARRAYS, keep=1)
    assert "step 6 cannot be written (No space left on device)" in str(error.value) and path.name in str(error.value)
    assert list(tmp_path.iterdir()) == [path]
    read_state(path)


# === The callback ===


@pytest.fixture
def kept(tmp_path):
    def make(greater=True, **settings):
        model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        model.compile("sgd", "mse")
        callback = Checkpoints(tmp_path, Monitor("val_figure", greater), EpochLog(tmp_path / "log.csv"), 4, **settings)
        callback.set_model(model)
        callback.set_params({"epochs": 100})
        return callback

    return make


def test_a_state_of_another_run_is_refused(kept):
    first, same, other, older = (kept(run_id=name) for name in ("a", "a", "b", None))
    first.on_epoch_end(0, {"val_figure": 1.0})
    for callback in (first, same, other, older):
        callback.model.compile("sgd", "mse")
    first._write()
    for callback in (same, older):
        callback.restore(QUIET)
        assert callback.step == 4
    with pytest.raises(ZooError, match=r"step-000000004-.*\.npz is the state of another run"):
        other.restore(QUIET)


@pytest.mark.parametrize(("greater", "figures", "best"), [(True, [1, 3, 3, 2], 3), (False, [4, np.nan, 2, 3], 3)])
def test_checkpoints_compare_in_the_right_direction(kept, greater, figures, best):
    callback = kept(greater)
    model = callback.model
    for epoch, figure in enumerate(figures):
        model.set_weights([np.full((1, 1), epoch + 1.0), np.zeros(1)])
        callback.on_epoch_end(epoch, {"val_figure": figure})
    callback.write_models()
    assert model.get_weights()[0] == len(figures)  # writing the best leaves the model as it is
    callback.restore_best()
    assert callback.best_epoch == model.get_weights()[0] == best


@pytest.mark.parametrize(
    ("losses", "best"),
    [([0.3, 0.2, 0.4], 2), ([0.3, 0.2, 0.2], 3), ([np.nan, 0.2, 0.3], 2), ([0.1, np.nan, 0.2], 1)],
)
def test_of_equal_figures_the_lower_loss_counts_and_then_the_later_epoch(kept, losses, best):
    callback = kept()
    for epoch, loss in enumerate(losses):
        callback.on_epoch_end(epoch, {"val_figure": 0.9, "val_loss": loss})
    assert callback.best_epoch == best


def test_without_any_finite_figure_the_first_is_the_best(kept):
    callback = kept(False)
    callback.on_epoch_end(0, {"val_figure": np.nan})
    callback.restore_best()
    assert callback.best_epoch == 1


@pytest.mark.parametrize(
    ("settings", "steps"),
    [
        ({}, []),
        ({"every_steps": 3}, [3, 4, 6, 8, 9]),  # and at the end of each epoch
        ({"every_steps": 1}, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
        ({"every_minutes": 1e-9}, [1, 2, 3, 5, 6, 7, 9, 10]),
    ],
)
def test_states_within_epochs(kept, tmp_path, settings, steps):
    callback = kept(keep=20, **settings)
    for epoch, batches in enumerate((4, 4, 2)):
        callback.on_epoch_begin(epoch)
        for batch in range(batches):
            callback.on_train_batch_end(batch)
        if batches == 4:
            callback.on_epoch_end(epoch, {"val_figure": 1.0})
    assert [read_state(path)[0]["step"] for path in state_files(tmp_path)[::-1]] == steps


def test_weights_that_are_no_numbers_are_not_kept(kept, tmp_path):
    callback = kept(every_steps=1)
    callback.on_epoch_begin(0)
    callback.on_train_batch_end(0)
    callback.model.set_weights([np.full((1, 1), np.nan), np.zeros(1)])
    with pytest.raises(ZooError, match=r"after step 2 there are values in .*kernel that are no finite numbers"):
        callback.on_train_batch_end(1)
    assert [read_state(path)[0]["step"] for path in state_files(tmp_path)] == [1]


# === Resuming ===


class Stop(Exception):
    """Stands for the end of the process."""


@pytest.fixture(scope="module")
def data():
    found = {}

    def load(recipe):
        key = (recipe.data.source, recipe.task)
        if key not in found:
            found[key] = load_dataset(recipe.data, TASKS[recipe.task], recipe.preprocess)
        return found[key]

    return load


def train(recipe, dataset, folder, *, resume=False, console=QUIET):
    problem = set_up(recipe, dataset)
    fitted = fit(problem, folder, console, resume=resume)
    return problem.views.trained.get_weights(), fitted


def train_until(recipe, dataset, folder, writes, *, resume=False):
    """Train until so many states were written, and then stop as a killed process does."""
    count, write = itertools.count(1), Checkpoints._write

    def write_or_stop(self):
        write(self)
        if next(count) == writes:
            raise Stop

    with pytest.MonkeyPatch.context() as patch, pytest.raises(Stop):
        patch.setattr(Checkpoints, "_write", write_or_stop)
        train(recipe, dataset, folder, resume=resume)


def rows(fitted):
    return [{key: value for key, value in row.items() if key != "seconds"} for row in fitted.history]


def same(first, second):
    return all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


MARKS = {"average": [], "cnn": pytest.mark.ci}  # `benchmarks/kills.py` has the slow ones, too


@pytest.mark.parametrize("name", [pytest.param(n, marks=MARKS.get(n, pytest.mark.slow)) for n in RUNS])
def test_an_interrupted_run_goes_on_to_the_same_bits(name, data, tmp_path):
    """Twice: within an epoch, and again later. Weights, log and kept epoch are those of the run that was not."""
    recipe_name, overrides = RUNS[name]
    recipe = load_recipe(recipe_name, [*overrides, "training.epochs=3", "training.checkpoints.every_steps=2"]).recipe
    dataset = data(recipe)
    weights, expected = train(recipe, dataset, tmp_path / "whole")
    train_until(recipe, dataset, tmp_path / "cut", 1)
    train_until(recipe, dataset, tmp_path / "cut", 3, resume=True)
    reached = read_state(state_files(tmp_path / "cut" / "checkpoints")[0])[0]["step"]
    assert 0 < reached < 3 * (len(dataset.train) // recipe.training.batch_size)
    (tmp_path / "cut" / "checkpoints" / ".1234.npz").write_bytes(b"left by a killed process")
    steps, write = [], Checkpoints._write
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Checkpoints, "_write", lambda self: (steps.append(self.step), write(self)))
        found, resumed = train(recipe, dataset, tmp_path / "cut", resume=True)
    assert min(steps) > reached  # it went on, and did not begin anew, which would end in the same bits
    assert same(found, weights)
    assert rows(resumed) == rows(expected)
    assert resumed.kept_epoch == expected.kept_epoch
    assert len(state_files(tmp_path / "cut" / "checkpoints")) == 2
    assert not list((tmp_path / "cut" / "checkpoints").glob(".*"))
    again, final = train(recipe, dataset, tmp_path / "cut", resume=True)  # stopped after training, in the evaluation
    assert same(again, found)
    assert rows(final) == rows(expected)


@pytest.mark.ci
def test_a_signal_ends_training_after_a_step_and_its_state_is_written(data, tmp_path):
    recipe = load_recipe("mlp/digits", [*MLP, "training.epochs=2"]).recipe
    weights, expected = train(recipe, data(recipe), tmp_path / "whole")
    stop = StopRequests()

    class Signal(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(Stopped), stop.listening():
        fit(set_up(recipe, data(recipe)), tmp_path / "cut", QUIET, watching=[Signal()], stop=stop)
    (state,) = state_files(tmp_path / "cut" / "checkpoints")
    assert read_state(state)[0]["step"] == 5  # of one call
    found, resumed = train(recipe, data(recipe), tmp_path / "cut", resume=True)
    assert same(found, weights) and rows(resumed) == rows(expected)


ON_JAX = """
import json, sys
from zoo.backend.startup import start_keras
start_keras()
from test_checkpoints import *
name, overrides, folder = json.loads(sys.argv[1])
recipe = load_recipe(name, [*overrides, "training.epochs=3", "training.checkpoints.every_steps=2"]).recipe
dataset = load_dataset(recipe.data, TASKS[recipe.task], recipe.preprocess)
assert keras.backend.backend() == "jax"
weights, expected = train(recipe, dataset, Path(folder) / "whole")
train_until(recipe, dataset, Path(folder) / "cut", 1)
train_until(recipe, dataset, Path(folder) / "cut", 3, resume=True)
found, resumed = train(recipe, dataset, Path(folder) / "cut", resume=True)
assert same(found, weights), "the weights differ"
assert rows(resumed) == rows(expected), "the log differs"
assert resumed.kept_epoch == expected.kept_epoch
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", RUNS)
def test_an_interrupted_run_goes_on_to_the_same_bits_on_jax(name, tmp_path):
    pytest.importorskip("jax")
    given = json.dumps([*RUNS[name], str(tmp_path)])
    environment = {**os.environ, "KERAS_BACKEND": "jax"}
    done = subprocess.run(
        [sys.executable, "-c", ON_JAX, given],
        cwd=Path(__file__).parent,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]


ANOTHER = """
import json, sys
from zoo.backend.startup import start_keras
start_keras()
import numpy as np
from test_checkpoints import *
name, overrides, folder = json.loads(sys.argv[1])
recipe = load_recipe(name, overrides).recipe
weights, _ = train(recipe, load_dataset(recipe.data, TASKS[recipe.task], recipe.preprocess), Path(folder))
np.savez(Path(folder) / "weights.npz", *weights)
"""


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.ci if n == "average" else pytest.mark.slow) for n in RUNS]
)
def test_another_process_ends_in_the_same_bits(name, data, tmp_path):
    """Seeds that are drawn before the run sets its own differ between processes."""
    recipe_name, overrides = RUNS[name]
    overrides = [*overrides, "training.epochs=3"]
    (tmp_path / "other").mkdir()
    given = json.dumps([recipe_name, overrides, str(tmp_path / "other")])
    subprocess.run([sys.executable, "-c", ANOTHER, given], cwd=Path(__file__).parent, check=True)
    recipe = load_recipe(recipe_name, overrides).recipe
    weights, _ = train(recipe, data(recipe), tmp_path / "this")
    with np.load(tmp_path / "other" / "weights.npz") as other:
        assert same([other[key] for key in other.files], weights)


@pytest.mark.ci
def test_a_damaged_state_is_passed_over(data, tmp_path):
    recipe_name, overrides = RUNS["mlp"]
    recipe = load_recipe(recipe_name, [*overrides, "training.epochs=3", "training.checkpoints.every_steps=2"]).recipe
    weights, _ = train(recipe, data(recipe), tmp_path / "whole")
    train_until(recipe, data(recipe), tmp_path / "cut", 4)
    newest, _ = state_files(tmp_path / "cut" / "checkpoints")
    newest.write_bytes(newest.read_bytes()[:-1])
    out = io.StringIO()
    found, _ = train(recipe, data(recipe), tmp_path / "cut", resume=True, console=Console(file=out, width=500))
    assert f"{newest.name} is damaged" in out.getvalue() and "going back to the one before" in out.getvalue()
    assert same(found, weights)
    for path in state_files(tmp_path / "cut" / "checkpoints"):
        path.write_bytes(b"")
    with pytest.raises(ZooError, match="holds no whole state to resume from"):
        train(recipe, data(recipe), tmp_path / "cut", resume=True)


def test_the_state_of_another_model_is_refused(data, tmp_path):
    recipe = load_recipe("mlp/digits", [*MLP, "training.epochs=2"]).recipe
    train(recipe, data(recipe), tmp_path)
    wider = load_recipe("mlp/digits", [*MLP, "training.epochs=2", "model.widths=[9]"]).recipe
    with pytest.raises(ZooError, match="the state of another model"):
        train(wider, data(recipe), tmp_path, resume=True)


def test_a_run_that_stopped_early_stays_stopped(data, tmp_path):
    stop = "regularization.early_stopping={patience: 1, min_delta: 100}"
    recipe = load_recipe("mlp/digits", [*MLP, stop, "training.epochs=9"]).recipe
    weights, expected = train(recipe, data(recipe), tmp_path)
    found, resumed = train(recipe, data(recipe), tmp_path, resume=True)
    assert len(resumed.history) == len(expected.history) == 2 and same(found, weights)


@pytest.mark.ci
@pytest.mark.parametrize(
    "waiting",
    [
        "regularization.early_stopping={patience: 2, min_delta: 100}",
        pytest.param(
            "optimizer.learning_rate={schedule: reduce_on_plateau, initial: 0.01, patience: 2, min_delta: 100}",
            marks=pytest.mark.ci,
        ),
    ],
)
def test_what_waits_for_epochs_goes_on_waiting_where_an_epoch_is_resumed(waiting, data, tmp_path):
    overrides = [*MLP, waiting, "training.epochs=4", "training.checkpoints.every_steps=2"]
    recipe = load_recipe("mlp/digits", overrides).recipe
    weights, expected = train(recipe, data(recipe), tmp_path / "whole")
    train_until(recipe, data(recipe), tmp_path / "cut", 1)  # in the first epoch
    found, resumed = train(recipe, data(recipe), tmp_path / "cut", resume=True)
    assert rows(resumed) == rows(expected) and same(found, weights)


# === A loss that is no number ===


def test_a_loss_that_is_no_number_says_where_and_why(data, tmp_path):
    settings = [*MLP[:-1], "training.epochs=2", "model.norm=none", "training.steps_per_execution=1"]
    recipe = load_recipe("mlp/digits", [*settings, "optimizer={name: sgd, learning_rate: 1e30}"]).recipe
    with pytest.raises(ZooError) as error:
        train(recipe, data(recipe), tmp_path)
    said = str(error.value)
    assert "at step 2 (batch 2 of epoch 1; its training examples are" in said or "at step 3" in said
    assert "learning rate (1e+30) is probably too high" in said


@pytest.mark.parametrize(
    ("value", "cause"), [(np.nan, "hold values that are no finite numbers"), (1e30, "as large as")]
)
def test_data_that_breaks_the_loss_is_named(tmp_path, value, cause):
    recipe = load_recipe("mlp/diabetes", ["training.epochs=2", "training.steps_per_execution=1"]).recipe
    dataset = load_dataset(recipe.data, TASKS[recipe.task], recipe.preprocess)
    problem = set_up(recipe, dataset)
    problem.train.array[:] = np.float32(value)
    with pytest.raises(ZooError, match=cause):
        fit(problem, tmp_path, QUIET)


@pytest.mark.slow
def test_a_full_disk_stops_the_run_and_the_run_goes_on_when_there_is_room(tmp_path):
    """On a file system of its own, which holds two states of this run and not a third beside them."""
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6000k", "tmpfs", str(tmp_path)], check=False).returncode:
        pytest.skip("no right to mount")
    try:
        zoo = [sys.executable, "-m", "zoo", "train"]
        overrides = ["training.epochs=6", "optimizer.learning_rate.warmup_epochs=0.5"]
        arguments = ["mlp/digits", *overrides, "training.checkpoints.every_steps=5", "--runs", str(tmp_path)]
        done = subprocess.run([*zoo, *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 2 and "cannot be written (No space left on device); the last one" in done.stderr
        (run,) = (path.parent for path in tmp_path.rglob("recipe.yaml"))
        files = state_files(run / "checkpoints")
        assert len(files) == 2 and all(read_state(path) for path in files)
        assert not list((run / "checkpoints").glob(".*"))
        subprocess.run(["mount", "-o", "remount,size=50m", str(tmp_path)], check=True)
        subprocess.run([*zoo, "--resume", str(run)], check=True)
        assert (run / "export" / "model.onnx").is_file()
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)
