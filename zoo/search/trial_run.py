"""One run of a search's trial: trained like every run, and evaluated on the validation split alone.

Its folder is a run folder, without the model and the report; `zoo train --resume` adds both. What came of it is in
`outcome.json`; where that is there, nothing is trained.
"""

from __future__ import annotations

import math
import multiprocessing
import multiprocessing.connection
import os
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from zoo.backend.startup import start_keras
from zoo.errors import ZooError
from zoo.recipe import LoadedRecipe, load_recipe
from zoo.search.trial_job import ERROR, LOG, OUTCOME, TrialJob, digest, outcome_of
from zoo.utils.files import write_json, write_text
from zoo.utils.lock import locked
from zoo.utils.stopping import Stopped, StopRequests

if TYPE_CHECKING:
    from zoo.data.memory.given import MemoryData


def train_job(job: TrialJob, stop: StopRequests | None = None, memory: MemoryData | None = None) -> None:
    """Train a run, from where it was stopped if it was, and write what came of it.

    Args:
        job: the run.
        stop: what signals ask for.
        memory: the data of a Python program, where the search was given such.

    Raises:
        ZooError: its files cannot be written. What is wrong with the trial itself stands in the outcome.
    """
    job.folder.mkdir(parents=True, exist_ok=True)
    with (
        locked(job.folder / ".lock", f"{job.folder}: another process trains this run"),
        open(job.folder / LOG, "a", encoding="utf-8") as log,
    ):
        loaded = job.load()
        if outcome_of(job.folder, digest(loaded)) is not None:
            return
        console = Console(file=log, width=200, markup=False, emoji=False)
        try:
            outcome = _train(job, loaded, console, stop, memory)
        except ZooError as error:
            if isinstance(error.__cause__, OSError):
                raise
            outcome = {"failed": str(error)}
        write_json(job.folder / OUTCOME, {"recipe": digest(loaded), **outcome})
        if outcome.get("stopped_after") is not None:
            from zoo.training.run import fill_run

            fill_run(job.load(f"training.stop_after={outcome['stopped_after']}"), job.folder)


def train_job_in_own_process(job: TrialJob) -> None:
    """Train a run in a process that ends with the one that started it, and that writes to the run's log alone."""
    _end_with_parent()
    job.folder.mkdir(parents=True, exist_ok=True)
    _redirect_output(job.folder / LOG)
    stop = StopRequests()
    try:
        with stop.listening():
            train_job(job, stop)
    except ZooError as error:
        write_text(job.folder / ERROR, str(error))
        sys.exit(2)
    except Stopped as stopped:
        sys.exit(stopped.exit_code)


def check_data_and_model(recipe: str, overrides: list[str], error: Path) -> None:
    """Read a recipe's data and build its model once, so that what cannot work is known before the first trial.

    Args:
        recipe: as it was named.
        overrides: as they were given.
        error: the file for what is wrong; all other output goes to the log beside it.
    """
    _end_with_parent()
    _redirect_output(error.with_name(LOG))
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


def _redirect_output(path: Path) -> None:
    """Append all output of this process, that of native code too, to a file."""
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    for stream in (1, 2):
        os.dup2(log, stream)


def _end_with_parent() -> None:
    """End this process when the one that started it ends, however that ends."""
    parent = multiprocessing.parent_process()

    def watch(sentinel: int) -> None:
        multiprocessing.connection.wait([sentinel])
        os.kill(os.getpid(), signal.SIGKILL)

    if parent is not None:
        threading.Thread(target=watch, args=(parent.sentinel,), daemon=True).start()


def _train(
    job: TrialJob, loaded: LoadedRecipe, console: Console, stop: StopRequests | None, memory: MemoryData | None
) -> dict[str, Any]:
    start_keras(loaded.recipe.training.processors)
    from zoo.backend.size import count_parameters
    from zoo.data.sources.load import load_dataset
    from zoo.evaluation.watched import check_metric, measure_of
    from zoo.search.cost import model_cost
    from zoo.search.median_stopping import MedianStopping, stopped_after
    from zoo.search.run_folder import remove_other_trial, resumable_epochs
    from zoo.tasks import TASKS
    from zoo.training.fit import fit
    from zoo.training.problem import set_up
    from zoo.training.run import fill_run

    recipe, folder, objective, cost = loaded.recipe, job.folder, job.objective, job.search.cost
    dataset = load_dataset(recipe.data, TASKS[recipe.task], recipe.preprocess, memory)
    problem = set_up(recipe, dataset)
    check_metric(problem)
    remove_other_trial(folder, loaded)
    if not (folder / "data.json").is_file():
        fill_run(loaded, folder)
        write_json(folder / "data.json", {"fingerprint": dataset.fingerprint, "source": dataset.name})
    earlier = resumable_epochs(folder, job.parent_run)
    watch = MedianStopping(job, [row[objective] for row in earlier or ()])
    measure = measure_of(problem)
    fitted = fit(problem, folder, console, resume=earlier is not None, watching=[watch], measure=measure, stop=stop)
    row = fitted.history[fitted.kept_epoch - 1]
    if not math.isfinite(row[objective]):
        return {"failed": f"{objective} is no finite number at epoch {fitted.kept_epoch}"}
    stopped, parameters = stopped_after(folder), count_parameters(problem.views.network)
    outcome = {
        "objective": row[objective],
        "figures": {key: v for key, v in row.items() if key.startswith("val_") and math.isfinite(v)},
        "curve": [r[objective] if math.isfinite(r[objective]) else None for r in fitted.history],
        "epochs": len(fitted.history),
        "kept_epoch": fitted.kept_epoch,
        "stopped_after": stopped if stopped == len(fitted.history) else None,
        "seconds": fitted.seconds,
        "parameters": parameters,
    }
    if cost is not None:
        outcome["cost"] = model_cost(cost.name, loaded, problem, parameters)
    return outcome
