"""`zoo train`: data, model, training, evaluation, report, export."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from zoo.backend.processes import Place, check_backend, joined
from zoo.backend.startup import start_keras
from zoo.commands.export import exported, print_export
from zoo.commands.reopen import SILENT, check_same_data
from zoo.errors import ZooError
from zoo.recipe import load_recipe
from zoo.utils.files import replacing, write_json

if TYPE_CHECKING:
    from zoo.data.dataset import Dataset
    from zoo.recipe import LoadedRecipe
    from zoo.training.problem import Problem
    from zoo.training.run import Run


def train(
    recipe: str | Path | None,
    overrides: Sequence[str] = (),
    *,
    runs: str | Path = "runs",
    resume: str | Path | None = None,
    export: bool = True,
    console: Console = SILENT,
) -> Path:
    """Train a recipe, evaluate it once on the test split against its baseline, report, and export.

    Args:
        recipe: a shipped recipe (`cnn/digits`) or the path of a recipe file.
        overrides: `key.path=value`.
        runs: folder for the run folder.
        resume: folder of an interrupted run to resume, in place of a recipe.
        export: whether to write the ONNX file.
        console: where progress is shown.

    Returns:
        The run folder.

    Raises:
        ZooError: a problem with the recipe or the data, found before training starts; or a failed training or export.
    """
    folder = train_together(None, recipe, overrides, runs=runs, resume=resume, export=export, console=console)
    assert folder is not None
    return folder


def train_together(
    place: Place | None,
    recipe: str | Path | None,
    overrides: Sequence[str] = (),
    *,
    runs: str | Path = "runs",
    resume: str | Path | None = None,
    export: bool = True,
    console: Console = SILENT,
) -> Path | None:
    """Train a recipe as one of several processes: see `train`, and `zoo.backend.processes` for the place of this one.

    Returns:
        The run folder; None in a process that is not the first.
    """
    started = time.perf_counter()
    if (recipe is None) == (resume is None) or (resume is not None and overrides):
        raise ZooError("name a recipe, or a run to resume (--resume RUN), which has its recipe and its overrides")
    loaded = load_recipe(recipe, overrides) if recipe is not None else _interrupted(str(resume))
    console.print(f"[bold]{loaded.name}[/]: {loaded.recipe.description or loaded.recipe.model.name}")
    start_keras(loaded.recipe.training.processors)
    check_backend(place)
    from zoo.commands.write_report import report_run
    from zoo.data.audit import audit
    from zoo.data.sources.load import load_dataset
    from zoo.evaluation.kinds import KINDS
    from zoo.evaluation.result import TrainedTask
    from zoo.tasks import TASKS
    from zoo.training.fit import fit
    from zoo.training.problem import set_up
    from zoo.training.saved_model import load_model

    task = TASKS[loaded.recipe.task]
    dataset = load_dataset(loaded.recipe.data, task, loaded.recipe.preprocess)
    facts = audit(dataset)
    with joined(place):
        problem = set_up(loaded.recipe, dataset)
        if problem.pretrained is not None:
            facts["pretrained"] = problem.pretrained
        _print_start(console, problem, facts)
        is_first = place is None or place.process == 0
        run = _open_or_create(loaded, dataset, facts, runs=Path(runs), resume=resume, is_first=is_first)
        if run is not None:
            console.print(f"Training in {run.folder}")
        fitted = fit(problem, run.folder if run is not None else None, console, resume=resume is not None)
    if run is None or not is_first:
        console.print("Trained; the first process evaluates and exports")
        return None
    with replacing(run.model_path) as path:
        problem.views.saved.save(path)
    if fitted.kept_epoch < len(fitted.history):
        console.print(f"Kept epoch {fitted.kept_epoch}, the best on validation")

    model = load_model(run)  # what is evaluated is what was saved
    trained = TrainedTask(problem=problem, model=model, folder=run.folder, console=console, train=train)
    result = KINDS[task.kind](trained)
    report = report_run(run=run, loaded=loaded, problem=problem, model=model, fitted=fitted, facts=facts, result=result)
    _print_result(console, report)
    if export:
        print_export(console, exported(run, dataset, model))
    console.print(f"Done in {time.perf_counter() - started:.0f} s. Report: {run.folder / 'report.html'}")
    return run.folder


def _print_start(console: Console, problem: Problem, facts: dict[str, Any]) -> None:
    """Say what the data and the model are."""
    from zoo.backend.size import count_parameters

    model = problem.recipe.model
    sizes = ", ".join(f"{count:,} {name}" for name, count in facts["splits"].items())
    console.print(f"Data: {problem.dataset.name}: {sizes}")
    for finding in facts["findings"]:
        console.print(f"  note: {finding}", style="yellow", markup=False)
    console.print(f"Model: {model.name}, {count_parameters(problem.views.network):,} parameters")
    if problem.pretrained is not None:
        console.print(
            f"  beginning with the encoder of {problem.pretrained['recipe']}{', frozen' if model.freeze else ''}"
        )


def _open_or_create(
    loaded: LoadedRecipe,
    dataset: Dataset,
    facts: dict[str, Any],
    *,
    runs: Path,
    resume: str | Path | None,
    is_first: bool,
) -> Run | None:
    """Return the run to resume, or a new one; None in a process that is not the first, which has none."""
    from zoo.training.run import create_run, open_run

    if resume is not None:
        run = open_run(resume)
        check_same_data(run, dataset)
        return run
    if not is_first:
        return None
    run = create_run(loaded, runs)
    write_json(run.folder / "data.json", facts)
    return run


def _interrupted(folder: str) -> LoadedRecipe:
    """Return the recipe of a run whose training can be resumed."""
    from zoo.training.callbacks.state import state_files
    from zoo.training.run import open_run

    run = open_run(folder)
    if (run.folder / "report.json").is_file():
        raise ZooError(f"{folder}: this run is finished; `zoo export` writes its ONNX file again")
    if not state_files(run.folder / "checkpoints"):
        raise ZooError(f"{folder} was stopped before its first checkpoint (checkpoints/step-*.npz); train anew")
    return run.recipe()


def _print_result(console: Console, report: dict[str, Any]) -> None:
    from zoo.tasks import TASKS

    primary = TASKS[report["task"]].primary
    bounds = report["intervals"]["test"].get(primary)
    interval = f" (95% interval {bounds[0]:.4f} to {bounds[1]:.4f})" if bounds else ""
    console.print(f"Test {primary}: [bold]{report['metrics']['test'][primary]:.4f}[/]{interval}")
    console.print(f"  {report['verdict']}", markup=False)
