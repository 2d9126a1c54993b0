"""The search: `zoo tune`. Trials are runs of the recipe, in processes of their own, on one machine or on several."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from zoo.backend.startup import import_keras
from zoo.errors import ZooError, visible
from zoo.recipe import LoadedRecipe, check_search, load_recipe
from zoo.search.processes import Launcher
from zoo.search.progress import SearchDisplay
from zoo.search.records import Book, Record, describe, order, outcome_of
from zoo.utils.files import held

SILENT = Console(quiet=True, stderr=True)
_TICK = 0.5  # seconds between two looks at what goes on
_ATTEMPTS = 2  # of a run whose process was ended from outside
_ANYONE = 60.0  # seconds after which the chief says that no worker has come


def tune(
    recipe: str | Path,
    overrides: Sequence[str] = (),
    *,
    folder: str | Path | None = None,
    workers: int = 1,
    in_process: bool = False,
    chief: str | None = None,
    console: Console = SILENT,
) -> dict[str, Any]:
    """Search for the best values of a recipe's `search:` space; go on with a search that was interrupted.

    Args:
        recipe: a shipped recipe (`cnn/digits`) or the path of a recipe file.
        overrides: `key.path=value`, for all trials.
        folder: where the search is kept; `searches/` and the recipe's name where it is left out.
        workers: trials that are trained at a time.
        in_process: train in this process; its memory then grows with the trials.
        chief: `HOST:PORT` to serve workers on other machines at; this process then trains nothing itself.
        console: where progress is shown.

    Returns:
        What `report.json` holds; `best` is the best trial, `recipe` its recipe file.

    Raises:
        ZooError: no `search:`, a space that cannot be, another search in the folder, or no trial that succeeded.
    """
    loaded = _with_search(recipe, overrides)
    place = _place(loaded, folder)
    if in_process and (workers > 1 or chief is not None):
        raise ZooError("--in-process trains one trial at a time; leave out --workers and --chief")
    console.print(f"[bold]{loaded.name}[/]: {_summary(loaded)}")
    _start(loaded, chief)
    from zoo.search.report import write_report
    from zoo.search.state import Board

    with held(place / ".lock", f"{place}: another process works on this search"):
        board = Board(loaded, str(recipe), overrides, place, console)
        console.print(f"Searching in {place}; interrupted, the same command goes on", markup=False)
        display = SearchDisplay(console, board)
        launcher = None if in_process else Launcher()
        try:
            if launcher is not None and len(board.book.ended) < board.search.max_trials:
                _prepare(launcher, str(recipe), list(overrides), place)
            with display:
                if chief is None:
                    _work_here(board, workers, launcher, display)
                else:
                    _serve(board, chief, console, display)
        finally:
            if launcher is not None:
                launcher.stop()
        if board.best is None:
            raise ZooError(board.failed or f"no trial of {place} has succeeded: see {place / 'trials'}/*/trial.json")
        board.write_best()
        board.tidy()
        report = write_report(board)
        if board.failed:
            raise ZooError(f"the search was stopped: {board.failed}")
        return report


def work(
    recipe: str | Path,
    overrides: Sequence[str] = (),
    *,
    chief: str,
    worker: str,
    folder: str | Path | None = None,
    console: Console = SILENT,
) -> int:
    """Work for the chief of a search: train the trials that it gives, until there are no more.

    Args:
        recipe: the recipe that the chief searches.
        overrides: those of the chief.
        chief: `HOST:PORT` that it serves at.
        worker: a name that no other worker has.
        folder: the search's folder, which chief and workers share.
        console: where progress is shown.

    Returns:
        How many trials this worker has ended.

    Raises:
        ZooError: the chief is not there or gone, the folder is not the chief's, or files cannot be written.
    """
    loaded = _with_search(recipe, overrides)
    _start(loaded, chief)
    from zoo.search.chief import HEARTBEAT, Client, address
    from zoo.search.state import SEARCH

    place = _place(loaded, folder)
    client, launcher, count = Client(*address(chief), worker), Launcher(), 0
    console.print(f"Worker {worker} asks {chief} for trials", markup=False)
    try:
        while True:
            status, number = client.take()
            if status == "STOPPED":
                break
            if number is None:
                time.sleep(_TICK)
                continue
            if not (place / SEARCH).is_file():
                raise ZooError(
                    f"{place} is not the chief's folder; name the one that chief and workers share: --folder"
                )
            book, stop = Book(place), threading.Event()
            book.read()
            console.print(f"Trial {number}: {describe(book.records[number].values)}", markup=False)

            def signs_of_life(number: int = number, stop: threading.Event = stop) -> None:
                while not stop.wait(HEARTBEAT):
                    try:
                        if not client.still_own(number):
                            stop.set()
                    except ZooError:
                        stop.set()

            beating = threading.Thread(target=signs_of_life, daemon=True)
            beating.start()
            problem = _run_trial(loaded, book, book.records[number], launcher, stop)
            lost = stop.is_set()
            stop.set()
            beating.join()
            if lost:
                console.print(f"Trial {number} was given to another worker, or the chief is gone", style="yellow")
                continue
            client.put(number, failed=problem is not None)
            count += 1
    finally:
        launcher.stop()
        client.close()
    console.print(f"No more trials; this worker has ended {count}")
    return count


def _with_search(recipe: str | Path, overrides: Sequence[str]) -> LoadedRecipe:
    loaded = load_recipe(recipe, overrides)
    if loaded.recipe.search is None:
        raise ZooError(
            f"{loaded.name} has no `search:`; add one, for example\n"
            "  search: {tuner: random, max_trials: 20, space: {optimizer.learning_rate.peak: {log: [1e-4, 1e-2]}}}"
        )
    if loaded.recipe.training.stop_after is not None:
        raise ZooError(f"{loaded.name}: training.stop_after: a search decides itself when trials end; set it to null")
    check_search(loaded)
    return loaded


def _start(loaded: LoadedRecipe, chief: str | None) -> None:
    """Import what a search needs, and check what only that can tell."""
    import_keras()
    import keras

    from zoo.search.chief import address

    if chief is not None:
        address(chief)
    cost = loaded.recipe.search.cost if loaded.recipe.search is not None else None
    if cost is not None and cost.name != "parameters" and keras.backend.backend() != "tensorflow":
        raise ZooError(f"search.cost: {cost.name} is measured on the exported file, which TensorFlow's models give")


def _place(loaded: LoadedRecipe, folder: str | Path | None) -> Path:
    return Path(folder) if folder is not None else Path("searches") / loaded.name


def _summary(loaded: LoadedRecipe) -> str:
    from zoo.recipe.space import greater_is_better, objective_of

    search = loaded.recipe.search
    assert search is not None
    way = "highest" if greater_is_better(loaded.recipe) else "lowest"
    cost = search.cost
    worth = f", less {cost.weight:g} × {cost.name}" if cost is not None and cost.weight else ""
    return (
        f"{search.tuner} search for the {way} {objective_of(loaded.recipe)}{worth}, {search.max_trials} trials, "
        f"{len(search.keys)} keys"
    )


def _prepare(launcher: Launcher, recipe: str, overrides: list[str], place: Path) -> None:
    """Read the data and build the recipe's own model, before any trial."""
    from zoo.search.trial_run import ERROR, LOG, prepare

    error = place / ERROR
    error.unlink(missing_ok=True)
    problem = launcher.run(prepare, recipe, overrides, error)
    if problem is not None:
        text = (
            error.read_text(encoding="utf-8")
            if error.is_file()
            else f"{problem} while the data was read; see {place / LOG}"
        )
        error.unlink(missing_ok=True)
        raise ZooError(text)


# === On this machine ===


def _work_here(board: Any, workers: int, launcher: Launcher | None, display: SearchDisplay) -> None:
    """Train trials, some at a time, until there are no more."""
    stop, problems = threading.Event(), list[BaseException]()

    def work_on(name: str) -> None:
        try:
            while not stop.is_set():
                record = board.take(name)
                if record is None:
                    if board.over:
                        return
                    stop.wait(_TICK)
                    continue
                problem = _run_trial(board.loaded, board.book, record, launcher, stop)
                if stop.is_set():
                    return
                ended = board.put(record.number, problem)
                if ended is not None:
                    display.ended(ended)
                    display.update()
        except BaseException as error:
            problems.append(error)
            stop.set()

    if launcher is None:
        work_on("0")
    else:
        threads = [threading.Thread(target=work_on, args=(str(i),), name=f"worker {i}") for i in range(workers)]
        try:
            for thread in threads:
                thread.start()
            while any(thread.is_alive() for thread in threads):
                display.update()
                time.sleep(_TICK)
        finally:
            stop.set()
            for thread in threads:
                thread.join()
    if problems:
        raise problems[0]


def _run_trial(
    loaded: LoadedRecipe, book: Book, record: Record, launcher: Launcher | None, stop: threading.Event
) -> str | None:
    """Train a trial with each of its seeds; return why it failed, where its runs do not say.

    Raises:
        ZooError: files cannot be written.
    """
    from zoo.search.trial_run import ERROR, LOG, carry_out, carry_out_alone

    search = loaded.recipe.search
    assert search is not None
    first = loaded.recipe.training.seed
    for seed in range(first, first + search.seeds):
        run, problem = order(book, record, loaded, seed), None
        if launcher is None:
            _in_this_process(partial(carry_out, run))
        for _ in range(_ATTEMPTS if launcher is not None else 0):
            (run.folder / ERROR).unlink(missing_ok=True)
            problem = launcher.run(carry_out_alone, run, stop=stop) if launcher is not None else None
            if stop.is_set() or problem is None:
                break
            if (run.folder / ERROR).is_file():
                raise ZooError((run.folder / ERROR).read_text(encoding="utf-8"))
        if stop.is_set():
            return None
        outcome = outcome_of(run.folder)
        if outcome is None:
            return f"{problem or 'it left no outcome'}; see {run.folder / LOG}"
        if "failed" in outcome:
            return str(outcome["failed"])
    return None


def _in_this_process(train: Callable[[], None]) -> None:
    import gc

    train()
    import keras

    keras.backend.clear_session()
    gc.collect()


# === On several machines ===


def _serve(board: Any, where: str, console: Console, display: SearchDisplay) -> None:
    """Give trials to workers on other machines until there are no more."""
    from zoo.search.chief import LEASE, Chief, address, is_loopback, serve

    host, port = address(where)
    chief = Chief(board, display.ended)
    server = serve(chief, host, port)
    console.print(f"Waiting for workers at {where}: zoo tune … --chief {where} --worker NAME", markup=False)
    if not is_loopback(host):
        console.print(
            f"  {where} is reached from other machines, without a password and without encryption: see that it is "
            "only those that should",
            style="yellow",
            markup=False,
        )
    started, told = time.monotonic(), False
    try:
        while not (board.over and not chief.workers):
            for worker, number in chief.give_back_silent():
                console.print(
                    f"  worker {visible(worker)} has been silent for {LEASE:.0f} s: trial {number} is given to another"
                )
            if not told and not chief.workers and time.monotonic() - started > _ANYONE:
                console.print("  no worker has come yet", style="yellow")
                told = True
            board.look()
            display.update()
            time.sleep(_TICK)
    finally:
        server.stop(grace=1).wait()
