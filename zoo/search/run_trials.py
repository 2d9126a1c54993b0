"""Training the trials of a search on this machine, some at a time, each in a process of its own."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.errors import ZooError
from zoo.recipe import LoadedRecipe
from zoo.search.processes import Launcher
from zoo.search.progress import SearchDisplay
from zoo.search.records import TrialRecord, TrialStore
from zoo.search.trial_job import ERROR, LOG, TrialJob, outcome_of, trial_job
from zoo.search.trial_run import check_data_and_model, train_job, train_job_in_own_process

if TYPE_CHECKING:
    from zoo.data.memory.given import MemoryData
    from zoo.search.state import SearchState

POLL_SECONDS = 0.5  # between two looks at the state
_MAX_ATTEMPTS = 2  # of a run whose process was ended from outside


def check_before_trials(launcher: Launcher, recipe: str, overrides: list[str], folder: Path) -> None:
    """Read the data and build the recipe's own model, before any trial.

    Raises:
        ZooError: the data, or the model on it, is refused.
    """
    error = folder / ERROR
    error.unlink(missing_ok=True)
    problem = launcher.run(check_data_and_model, recipe, overrides, error)
    if problem is not None:
        written = error.read_text(encoding="utf-8") if error.is_file() else None
        error.unlink(missing_ok=True)
        raise ZooError(written or f"{problem} while the data was read; see {folder / LOG}")


def run_trials(
    state: SearchState,
    workers: int,
    launcher: Launcher | None,
    display: SearchDisplay,
    memory: MemoryData | None = None,
) -> None:
    """Train trials until there are no more.

    Args:
        state: the search.
        workers: trials at a time.
        launcher: starts their processes; None to train in this one, a trial at a time.
        display: shows the progress.
        memory: the data of a Python program, which this process alone has: there is no launcher.
    """
    stop, problems = threading.Event(), list[BaseException]()

    def work(name: str) -> None:
        try:
            _work(state, name, launcher, display, stop, memory)
        except BaseException as error:
            problems.append(error)
            stop.set()

    if launcher is None:
        work("0")
    else:
        threads = [threading.Thread(target=work, args=(str(i),), name=f"worker {i}") for i in range(workers)]
        try:
            for thread in threads:
                thread.start()
            while any(thread.is_alive() for thread in threads):
                display.update()
                time.sleep(POLL_SECONDS)
        finally:
            stop.set()
            for thread in threads:
                thread.join()
    if problems:
        raise problems[0]


def _work(
    state: SearchState,
    name: str,
    launcher: Launcher | None,
    display: SearchDisplay,
    stop: threading.Event,
    memory: MemoryData | None,
) -> None:
    while not stop.is_set():
        record = state.take(name)
        if record is None:
            if state.over:
                return
            stop.wait(POLL_SECONDS)
            continue
        problem = run_trial(state.loaded, state.store, record, launcher, stop, memory)
        if stop.is_set():
            return
        ended = state.put(record.number, problem)
        if ended is not None:
            display.ended(ended)
            display.update()


def run_trial(
    loaded: LoadedRecipe,
    store: TrialStore,
    record: TrialRecord,
    launcher: Launcher | None,
    stop: threading.Event,
    memory: MemoryData | None = None,
) -> str | None:
    """Train a trial with each of its seeds; return why it failed, where its runs do not say.

    Raises:
        ZooError: files cannot be written.
    """
    search, first = loaded.recipe.search, loaded.recipe.training.seed
    assert search is not None
    for seed in range(first, first + search.seeds):
        job = trial_job(store, record, loaded, seed)
        problem = None
        if launcher is None:
            _run_here(job, memory)
        else:
            problem = _run_in_process(job, launcher, stop)
        if stop.is_set():
            return None
        outcome = outcome_of(job.folder)
        if outcome is None:
            return f"{problem or 'it left no outcome'}; see {job.folder / LOG}"
        if "failed" in outcome:
            return str(outcome["failed"])
    return None


def _run_in_process(job: TrialJob, launcher: Launcher, stop: threading.Event) -> str | None:
    """Train a run in a process of its own, again if that was killed; return why it failed."""
    error, problem = job.folder / ERROR, None
    for _ in range(_MAX_ATTEMPTS):
        error.unlink(missing_ok=True)
        problem = launcher.run(train_job_in_own_process, job, stop=stop)
        if stop.is_set() or problem is None:
            break
        if error.is_file():
            raise ZooError(error.read_text(encoding="utf-8"))
    return problem


def _run_here(job: TrialJob, memory: MemoryData | None) -> None:
    """Train a run in this process, and free what Keras holds of it."""
    import gc

    train_job(job, memory=memory)
    import keras

    keras.backend.clear_session()
    gc.collect()
