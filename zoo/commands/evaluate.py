"""`zoo evaluate`: a saved model on the test split again."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path
from typing import Any

from rich.console import Console

from zoo.backend.startup import start_keras
from zoo.commands.analysis_lines import analysis_lines
from zoo.commands.evaluate_data import evaluate_data
from zoo.commands.reopen import reopen
from zoo.commands.report import report
from zoo.commands.train import train
from zoo.errors import ZooError
from zoo.utils.console import print_notes
from zoo.utils.files import write_json
from zoo.utils.notebook import default_console


def evaluate(
    run_folder: str | os.PathLike[str],
    data: Any = None,
    *,
    robustness: bool = False,
    attribution: bool = False,
    representation: bool = False,
    output: str | Path | None = None,
    console: Console | None = None,
) -> dict[str, Any]:
    """Evaluate a run's saved model on the test split again, or its exported file on new labelled data.

    Args:
        run_folder: the run.
        data: labelled data in the form of the recipe's source, or what a program holds: a frame with the column of the
            targets, or `(x, y)`; see `zoo.commands.evaluate_data`.
        robustness: evaluate on corrupted and on attacked test examples too, and add it to the report
            (`zoo.evaluation.robustness.measure`).
        attribution: explain the worst mistakes, and measure the importance of parts of the input, and add both to the
            report (`zoo.evaluation.attribution.attribute`).
        representation: probe the features before the head, and add what they know to the report
            (`zoo.evaluation.representation`).
        output: JSON file to write the result to.
        console: where progress is shown; the cell, in a notebook, and nowhere in other programs, where it is left out.

    Returns:
        `run`, `recipe`, `task`, `samples`, `metrics` and `intervals`; of new data also `data`; and what was added
        under its name, such as `robustness`.

    Raises:
        ZooError: no such run, or the data is not what the run was trained on, or does not fit it.
    """
    console = console or default_console()
    wanted = {"robustness": robustness, "attribution": attribution, "representation": representation}
    analyses = [name for name, is_wanted in wanted.items() if is_wanted]
    if data is not None and analyses:
        raise ZooError(f"--{analyses[0]} is for the test split of the run; leave out the new data, or --{analyses[0]}")
    if data is not None:
        named = data if isinstance(data, str | os.PathLike) else f"data ({type(data).__name__})"
        console.print(f"Evaluating {run_folder} on {named}", markup=False)
        found = evaluate_data(run_folder, data, output=output)
        print_notes(found["notes"], console, indent="  ")
        return found
    result = _analyse(run_folder, analyses, console) if analyses else _evaluate_again(run_folder, console)
    if output is not None:
        write_json(Path(output), result)
    return result


def _analyse(run_folder: str | os.PathLike[str], analyses: Collection[str], console: Console) -> dict[str, Any]:
    """Write the report again with the analyses in it, and return what it says of the test split, and them."""
    found = report(run_folder, console=console, analyses=analyses)
    known = {
        "run": os.fspath(run_folder),
        "recipe": found["recipe"],
        "task": found["task"],
        "samples": found["examples"]["test"],
        "metrics": found["metrics"]["test"],
        "intervals": found["intervals"]["test"],
    }
    return known | {name: found[name] for name in analyses}


def _evaluate_again(run_folder: str | os.PathLike[str], console: Console) -> dict[str, Any]:
    from zoo.training.run import open_run

    start_keras(open_run(run_folder).recipe().recipe.training.processors)
    from zoo.evaluation.kinds import KINDS
    from zoo.evaluation.metrics.evaluate import evaluate as evaluate_metrics
    from zoo.evaluation.metrics.intervals import intervals
    from zoo.evaluation.report.build import jsonable
    from zoo.evaluation.result import TrainedTask
    from zoo.recipe.task import task_of
    from zoo.tasks import TASKS
    from zoo.training.problem import set_up
    from zoo.training.saved_model import load_model
    from zoo.training.saved_outputs import saved_outcomes

    run, loaded, dataset = reopen(run_folder)
    console.print(f"Evaluating {run.folder} on {len(dataset.test):,} test examples")
    task, model = TASKS[loaded.recipe.task], load_model(run)
    if task.makes_images or task.embeds:  # the test split alone does not give the outputs
        problem = set_up(loaded.recipe, dataset)
        trained = TrainedTask(problem=problem, model=model, folder=run.folder, console=console, train=train)
        y, output = KINDS[task.kind](trained).outputs["test"]
    else:
        y, output = dataset.test.targets, saved_outcomes(model, dataset.test, dataset.signature, task)
    chosen = task_of(loaded.recipe)
    labels, seed = dataset.signature.labels, loaded.recipe.training.seed
    found = {
        "run": str(run.folder),
        "recipe": loaded.name,
        "task": loaded.recipe.task,
        "samples": len(y),
        "metrics": evaluate_metrics(chosen, y, output, labels),
        "intervals": intervals(chosen, y, output, seed=seed, labels=labels),
    }
    plain: dict[str, Any] = jsonable(found)
    return plain


def metric_lines(result: dict[str, Any]) -> list[str]:
    """Return a line for each metric, and the main figures of analyses, for a person to read."""
    lines = []
    for name, value in result["metrics"].items():
        interval = result["intervals"].get(name)
        bounds = f"  95% interval {interval[0]:.4f} to {interval[1]:.4f}" if interval else ""
        lines.append(f"{name:28} {'not finite' if value is None else f'{value:.4f}'}{bounds}")
    return lines + analysis_lines(result)
