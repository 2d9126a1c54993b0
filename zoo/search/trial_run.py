"""One run of a search's trial: trained like every run, and judged on the validation split alone.

Its folder is a run folder, without the model and the report; `zoo train --resume` adds both. What came of it is in
`outcome.json`; where that is there, nothing is trained.
"""

from __future__ import annotations

import math
import multiprocessing
import multiprocessing.connection
import os
import shutil
import signal
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

from rich.console import Console

from zoo import lanes
from zoo.backend.startup import start_keras
from zoo.errors import ZooError
from zoo.recipe import LoadedRecipe, load_recipe
from zoo.search.records import OUTCOME, Order, digest, outcome_of
from zoo.utils.files import held, read_json, write_json, write_text

LOG, ERROR = "log.txt", "error.txt"
_STOPPED = "stopped.json"


def carry_out(order: Order) -> None:
    """Train a run, from where it was stopped if it was, and write what came of it.

    Raises:
        ZooError: its files cannot be written. What is wrong with the trial itself stands in the outcome.
    """
    order.folder.mkdir(parents=True, exist_ok=True)
    with (
        held(order.folder / ".lock", f"{order.folder}: another process trains this run"),
        open(order.folder / LOG, "a", encoding="utf-8") as log,
    ):
        loaded = _recipe(order)
        if outcome_of(order.folder, digest(loaded)) is not None:
            return
        console = Console(file=log, width=200)
        try:
            outcome = _train(order, loaded, console)
        except ZooError as error:
            if isinstance(error.__cause__, OSError):
                raise
            outcome = {"failed": str(error)}
        write_json(order.folder / OUTCOME, {"recipe": digest(loaded), **outcome})
        if outcome.get("stopped_after") is not None:
            from zoo.training.run import fill_run

            fill_run(_recipe(order, [f"training.stop_after={outcome['stopped_after']}"]), order.folder)


def carry_out_alone(order: Order) -> None:
    """Carry out an order as a process of its own: it ends with the one that started it, and writes to its log alone."""
    _end_with_the_other()
    lanes.alone()
    order.folder.mkdir(parents=True, exist_ok=True)
    _say_to(order.folder / LOG)
    try:
        carry_out(order)
    except ZooError as error:
        write_text(order.folder / ERROR, str(error))
        sys.exit(2)


def prepare(recipe: str, overrides: list[str], error: Path) -> None:
    """Read a recipe's data and build its model once, so that what cannot work is known before the first trial.

    Args:
        recipe: as it was named.
        overrides: as they were given.
        error: the file for what is wrong; what is said goes to the log beside it.
    """
    _end_with_the_other()
    _say_to(error.with_name(LOG))
    from zoo.data.sources.load import load_dataset
    from zoo.tasks import TASKS
    from zoo.training.problem import set_up

    try:
        loaded = load_recipe(recipe, overrides).recipe
        start_keras(loaded.training.processors)
        set_up(loaded, load_dataset(loaded.data, TASKS[loaded.task], loaded.preprocess))
    except ZooError as problem:
        write_text(error, str(problem))
        sys.exit(2)


def _say_to(path: Path) -> None:
    """Have all that this process says, native code too, go to the end of a file."""
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    for stream in (1, 2):
        os.dup2(log, stream)


def _end_with_the_other() -> None:
    """End this process when the one that started it ends, however that ends."""
    other = multiprocessing.parent_process()

    def watch(sentinel: int) -> None:
        multiprocessing.connection.wait([sentinel])
        os.kill(os.getpid(), signal.SIGKILL)

    if other is not None:
        threading.Thread(target=watch, args=(other.sentinel,), daemon=True).start()


def _train(order: Order, loaded: LoadedRecipe, console: Console) -> dict[str, Any]:
    lanes.start(loaded.recipe)
    import keras

    from zoo.backend.size import count_parameters
    from zoo.data.sources.load import load_dataset
    from zoo.search.median_stopping import is_hopeless
    from zoo.tasks import TASKS
    from zoo.training.callbacks.state import state_files
    from zoo.training.fit import fit
    from zoo.training.problem import set_up
    from zoo.training.run import fill_run

    recipe, folder = loaded.recipe, order.folder
    dataset = load_dataset(recipe.data, TASKS[recipe.task], recipe.preprocess)
    problem = set_up(recipe, dataset)
    _clear_another(folder, loaded)
    if not (folder / "data.json").is_file():
        fill_run(loaded, folder)
        write_json(folder / "data.json", {"fingerprint": dataset.fingerprint, "source": dataset.name})
    if not _whole_states(folder) and order.before is not None and _whole_states(order.before):
        _copy(order.before / "checkpoints", folder / "checkpoints")
    going_on = _whole_states(folder)
    if not going_on and state_files(folder / "checkpoints"):
        shutil.rmtree(folder / "checkpoints")

    objective, patience, cost = order.objective, order.search.hopeless, order.search.cost

    class StopIfHopeless(keras.callbacks.Callback):
        """Stop when the trial will not win; remember it, so that it is stopped there again after a kill."""

        def __init__(self) -> None:
            super().__init__()
            self.curve: list[float] = []

        def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
            self.curve = [*self.curve[:epoch], float((logs or {})[objective])]
            known = _stopped_after(folder)
            if known is None and patience is not None and epoch + 1 >= patience.after_epochs:
                enough = len(order.rivals) >= patience.after_trials
                if enough and is_hopeless(self.curve, order.rivals, greater_is_better=order.greater_is_better):
                    write_json(folder / _STOPPED, {"after": epoch + 1})
                    known = epoch + 1
            if known is not None and epoch + 1 >= known:
                self.model.stop_training = True

    watch = StopIfHopeless()
    if going_on:
        watch.curve = _earlier(folder, objective)
    fitted = fit(problem, folder, console, resume=going_on, watching=[watch])
    row = fitted.history[fitted.kept_epoch - 1]
    value = row[objective]
    if not math.isfinite(value):
        return {"failed": f"{objective} is no finite number at epoch {fitted.kept_epoch}"}
    stopped = _stopped_after(folder)
    stopped = stopped if stopped == len(fitted.history) else None
    parameters = count_parameters(problem.views.network)
    outcome = {
        "objective": value,
        "figures": {key: v for key, v in row.items() if key.startswith("val_") and math.isfinite(v)},
        "curve": [r[objective] if math.isfinite(r[objective]) else None for r in fitted.history],
        "epochs": len(fitted.history),
        "kept_epoch": fitted.kept_epoch,
        "stopped_after": stopped,
        "seconds": fitted.seconds,
        "parameters": parameters,
    }
    if cost is not None:
        outcome["cost"] = _cost(cost.name, loaded, problem, parameters)
    return outcome


def _recipe(order: Order, overrides: list[str] | None = None) -> LoadedRecipe:
    loaded = load_recipe(order.recipe, [f"training.seed={order.seed}", *(overrides or [])])
    return LoadedRecipe(order.name, loaded.recipe, loaded.origins)


def _cost(name: str, loaded: LoadedRecipe, problem: Any, parameters: int) -> float:
    if name == "parameters":
        return parameters / 1000
    import numpy as np
    import onnx

    from zoo.export.export import converted
    from zoo.serving.exported_model import ExportedModel

    dataset = problem.dataset
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        onnx.save(converted(loaded, dataset, problem.views.saved), path)
        if name == "file_size":
            return path.stat().st_size / 1024
        raw, decoder_input = dataset.validation.take(np.array([0])), None
        if loaded.recipe.task == "sequence_to_sequence":
            decoder_input = np.ones((1, 1), np.int32)
        return ExportedModel(path).latency(raw, decoder_input)


def _clear_another(folder: Path, loaded: LoadedRecipe) -> None:
    """Remove what another trial left in a run folder, should the search have lost what it knew of it."""
    path = folder / "recipe.yaml"
    if not path.is_file():
        return
    try:
        same = load_recipe(path).run_yaml() == loaded.run_yaml()
    except ZooError:
        same = False
    if not same:
        for part in folder.iterdir():
            if part.is_dir():
                shutil.rmtree(part)
            elif part.name not in (".lock", LOG):
                part.unlink()


def _whole_states(folder: Path) -> bool:
    from zoo.training.callbacks.state import read_state, state_files

    for path in state_files(folder / "checkpoints"):
        try:
            read_state(path)
        except ZooError:
            continue
        return True
    return False


def _earlier(folder: Path, objective: str) -> list[float]:
    """Return the objective by epoch, as the newest state that is whole has it."""
    from zoo.training.callbacks.state import read_state, state_files

    for path in state_files(folder / "checkpoints"):
        try:
            facts, _ = read_state(path)
        except ZooError:
            continue
        return [row[objective] for row in facts["rows"]]
    return []


def _copy(source: Path, target: Path) -> None:
    temporary = target.with_name(f".{target.name}")
    for leftover in (temporary, target):
        shutil.rmtree(leftover, ignore_errors=True)
    shutil.copytree(source, temporary)
    temporary.rename(target)


def _stopped_after(folder: Path) -> int | None:
    try:
        return int(read_json(folder / _STOPPED)["after"])
    except (ZooError, KeyError, TypeError, ValueError):
        return None
