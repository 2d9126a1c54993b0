"""`zoo tune`: search the values of a recipe. Trials are runs of it, on one machine or on several."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from zoo.backend.startup import import_keras
from zoo.commands.given_data import data_overrides, given_data
from zoo.errors import ZooError
from zoo.recipe import LoadedRecipe, check_search, load_recipe
from zoo.recipe.overrides import Overrides, override_lines
from zoo.utils.console import headline
from zoo.utils.lock import locked
from zoo.utils.notebook import default_console
from zoo.utils.stopping import Stopped

SILENT = Console(quiet=True, stderr=True)


def tune(
    recipe: str | Path,
    overrides: Overrides = (),
    *,
    data: Any = None,
    target: str | None = None,
    validation: Any = None,
    test: Any = None,
    folder: str | Path | None = None,
    workers: int = 1,
    in_process: bool = False,
    chief: str | None = None,
    console: Console | None = None,
) -> dict[str, Any]:
    """Search for the best values of a recipe's `search:` space; resume a search that was interrupted.

    Args:
        recipe: a shipped recipe (`cnn/digits`) or the path of a recipe file.
        overrides: `key.path=value`, for all trials; or a dict, such as `{"training.epochs": 5}`.
        data: in place of the recipe's source, as `zoo.train` takes it; the trials are then trained in this process.
        target: likewise, as of the two that follow.
        validation: likewise.
        test: likewise.
        folder: where the search is kept; `searches/` and the recipe's name where it is left out.
        workers: trials that are trained at a time.
        in_process: train in this process; its memory then grows with the trials.
        chief: `HOST:PORT` to serve workers on other machines at; this process then trains nothing itself.
        console: where progress is shown; the cell, in a notebook, and nowhere in other programs, where it is left out.

    Returns:
        What `report.json` holds; `best` is the best trial, `best_recipe` its recipe file.

    Raises:
        ZooError: no `search:`, a space that cannot be, another search in the folder, or no trial that succeeded.
    """
    console = console or default_console()
    memory = given_data(data, target, validation, test)
    if memory is not None and (workers > 1 or chief is not None):
        raise ZooError("data= is there in this process alone, which trains one trial at a time; leave out workers")
    in_process = in_process or memory is not None
    overrides = [*override_lines(overrides), *data_overrides(memory, target)]
    loaded = _load_search(recipe, overrides)
    place = _folder_of(loaded, folder)
    if in_process and (workers > 1 or chief is not None):
        raise ZooError("--in-process trains one trial at a time; leave out --workers and --chief")
    console.print(headline(loaded.name, _summary(loaded)))
    _start(loaded, chief)
    from zoo.search.processes import Launcher
    from zoo.search.progress import SearchDisplay
    from zoo.search.report import write_report
    from zoo.search.run_trials import check_before_trials, run_trials
    from zoo.search.state import SearchState

    with locked(place / ".lock", f"{place}: another process works on this search"):
        state = SearchState(loaded, str(recipe), overrides, place, console)
        console.print(f"Searching in {place}; interrupted, the same command resumes it", markup=False)
        display = SearchDisplay(console, state)
        launcher = None if in_process else Launcher()
        try:
            if launcher is not None and len(state.store.ended) < state.search.max_trials:
                check_before_trials(launcher, str(recipe), list(overrides), place)
            with display:
                if chief is None:
                    run_trials(state, workers, launcher, display, memory)
                else:
                    from zoo.search.chief import serve_trials

                    serve_trials(state, chief, console, display)
        except Stopped as stopped:
            raise Stopped(stopped.number, "the same command resumes the search") from stopped
        finally:
            if launcher is not None:
                launcher.stop()
        if state.best is None:
            raise ZooError(state.failed or f"no trial of {place} has succeeded: see {place / 'trials'}/*/trial.json")
        state.write_best()
        state.remove_checkpoints()
        report = write_report(state)
        if state.failed:
            raise ZooError(f"the search was stopped: {state.failed}")
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
    loaded = _load_search(recipe, overrides)
    _start(loaded, chief)
    from zoo.search.rpc import parse_address
    from zoo.search.worker import Client, work_for_chief

    client = Client(*parse_address(chief), worker)
    console.print(f"Worker {worker} asks {chief} for trials", markup=False)
    try:
        count = work_for_chief(loaded, client, _folder_of(loaded, folder), console)
    finally:
        client.close()
    console.print(f"No more trials; this worker has ended {count}")
    return count


def _load_search(recipe: str | Path, overrides: Sequence[str]) -> LoadedRecipe:
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
    if chief is not None:
        from zoo.search.rpc import import_grpc, parse_address

        parse_address(chief)
        import_grpc()
    import_keras()
    import keras

    cost = loaded.recipe.search.cost if loaded.recipe.search is not None else None
    if cost is not None and cost.name != "parameters" and keras.backend.backend() != "tensorflow":
        raise ZooError(f"search.cost: {cost.name} is measured on the exported file, which TensorFlow's models give")


def _folder_of(loaded: LoadedRecipe, folder: str | Path | None) -> Path:
    return Path(folder) if folder is not None else Path("searches") / loaded.name


def _summary(loaded: LoadedRecipe) -> str:
    from zoo.recipe.space import greater_is_better, objective_of

    search = loaded.recipe.search
    assert search is not None
    direction = "highest" if greater_is_better(loaded.recipe) else "lowest"
    cost = search.cost
    worth = f", less {cost.weight:g} × {cost.name}" if cost is not None and cost.weight else ""
    return (
        f"{search.tuner} search for the {direction} {objective_of(loaded.recipe)}{worth}, {search.max_trials} trials, "
        f"{len(search.keys)} keys"
    )


def summary(report: dict[str, Any]) -> list[str]:
    """Return the best trial, and what comes next, for a person to read."""
    best, own = report["best"], report["own"]
    beside = f", and the recipe's own values {own['figure']:.4f}" if own and own["figure"] is not None else ""
    lines = [f"best: trial {best['number']}, {report['objective']} {best['figure']:.4f}{beside}"]
    lines += [f"  {key:32} {value}" for key, value in best["values"].items()]
    if report["at_the_edge"]:
        lines.append(f"note: at the edge of its range, which could be wider: {', '.join(report['at_the_edge'])}")
    lines.append(f"report: {Path(report['best_recipe']).with_name('report.html')}")
    return [*lines, f"next: zoo train {report['best_recipe']}"]
