"""`zoo evaluate`: a saved model on the test split again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console

from zoo import lanes
from zoo.commands.reopen import SILENT, reopen
from zoo.commands.train import train


def evaluate(run_folder: str | Path, *, console: Console = SILENT) -> dict[str, Any]:
    """Evaluate a run's saved model on the test split again.

    Returns:
        `run`, `recipe`, `task`, `samples`, `metrics` and `intervals`.

    Raises:
        ZooError: no such run, or the data is not what the run was trained on.
    """
    from zoo.training.run import open_run

    lanes.start(open_run(run_folder).recipe().recipe)
    from zoo.evaluation.embedding_run import judge_represented
    from zoo.evaluation.generation_run import judge_generated
    from zoo.evaluation.metrics.evaluate import evaluate as figures
    from zoo.evaluation.metrics.intervals import intervals
    from zoo.tasks import TASKS
    from zoo.training.problem import set_up
    from zoo.training.saved_model import load_model, saved_outcomes

    run, loaded, dataset = reopen(run_folder)
    console.print(f"Evaluating {run.folder} on {len(dataset.test):,} test examples")
    task, model = TASKS[loaded.recipe.task], load_model(run)
    if task.kind == "generation":
        problem = set_up(loaded.recipe, dataset)
        y, output = judge_generated(problem, model, run.folder, console, train).outputs["test"]
    elif task.kind == "representation":
        y, output = judge_represented(set_up(loaded.recipe, dataset), model, console).outputs["test"]
    else:
        y, output = dataset.test.targets, saved_outcomes(model, dataset.test, dataset.signature, task)
    return {
        "run": str(run.folder),
        "recipe": loaded.name,
        "task": loaded.recipe.task,
        "samples": len(y),
        "metrics": figures(loaded.recipe.task, y, output),
        "intervals": intervals(loaded.recipe.task, y, output, seed=loaded.recipe.training.seed),
    }
