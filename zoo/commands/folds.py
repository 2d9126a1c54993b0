"""Cross-validation: `evaluation.folds` trains the recipe once a fold, in runs of their own below the run's folder."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console

from zoo.evaluation.metrics.evaluate import evaluate
from zoo.evaluation.metrics.intervals import intervals
from zoo.recipe.data_section import Fold
from zoo.recipe.task import task_of
from zoo.tasks import ANALYSES, TASKS, words
from zoo.training.run import Run, fill_run
from zoo.training.run_files import read_run_file
from zoo.training.stages import missing_stages
from zoo.utils.files import replacing

if TYPE_CHECKING:
    from zoo.data.dataset import Dataset, Signature
    from zoo.data.memory.given import MemoryData
    from zoo.recipe import LoadedRecipe
    from zoo.utils.stopping import StopRequests

FOLDER = "folds"
PREDICTIONS = "out_of_fold.csv"


def check_folds(loaded: LoadedRecipe, memory: MemoryData | None) -> None:
    """Refuse folds that the data does not allow, before anything is trained.

    Raises:
        ZooError: there are too few examples, or too few of a class or groups.
    """
    if loaded.recipe.evaluation.folds is not None:
        _fold_data(_fold_recipe(loaded, 1), memory)


def cross_validate(
    run: Run,
    loaded: LoadedRecipe,
    *,
    memory: MemoryData | None,
    console: Console,
    train_together: Callable[..., object],
    stop: StopRequests | None = None,
) -> dict[str, Any] | None:
    """Train and evaluate each fold that is missing, and put the figures together.

    Args:
        run: the run that the folds belong to.
        loaded: its recipe.
        memory: the data of a Python program, where there is no source to read.
        console: where progress is shown.
        train_together: `zoo.commands.train.train_together`, which trains and reports each.
        stop: what signals ask for.

    Returns:
        None where the recipe has no `evaluation.folds`. Else `folds` and the `examples` in them; `metrics` and
        `baseline`, each metric with its `mean`, `deviation` (the sample standard deviation) and the values of the
        `folds`; `runs`; and of classes and numbers the `predictions` (a file), and metrics of all of them together,
        `pooled`, and their `intervals`.
    """
    count = loaded.recipe.evaluation.folds
    if count is None:
        return None
    reports, parts = [], []
    for number in range(1, count + 1):
        recipe, folder = _fold_recipe(loaded, number), run.folder / FOLDER / str(number)
        if not (folder / "environment.json").is_file():
            fill_run(recipe, folder, run_id=f"fold-{number}-of-{count}")
        if missing_stages(Run(folder), export=False):
            console.print(f"Fold {number} of {count}")
            train_together(None, None, resume=folder, export=False, console=console, stop=stop, memory=memory)
        reports.append(read_run_file(folder / "report.json"))
        parts.append(_fold_data(recipe, memory))
    task = task_of(loaded.recipe)
    found: dict[str, Any] = {
        "folds": count,
        "examples": sum(len(data.test) for data in parts),
        "metrics": _spread([report["metrics"]["test"] for report in reports]),
        "baseline": _baseline(reports),
        "runs": [f"{FOLDER}/{number}" for number in range(1, count + 1)],
    }
    if task.classifies or task.scales_targets:
        labels = parts[0].signature.labels
        outputs = [_outputs(run.folder / FOLDER / str(i), data) for i, data in enumerate(parts, 1)]
        targets, output = np.concatenate([d.test.targets for d in parts]), np.concatenate(outputs)
        write_predictions(run.folder / PREDICTIONS, parts[0].signature, parts, outputs)
        found |= {
            "predictions": PREDICTIONS,
            "pooled": evaluate(task, targets, output, labels),
            "intervals": intervals(task, targets, output, seed=loaded.recipe.training.seed, labels=labels),
        }
    console.print(summary(found, task.primary), markup=False)
    return found


def summary(found: dict[str, Any], metric: str) -> str:
    """Return one line on the metric that headlines."""
    ours, baseline = found["metrics"][metric], (found["baseline"] or {}).get("metrics", {}).get(metric)
    beside = f"; baseline {words(found['baseline']['name'])} {_written(baseline)}" if baseline else ""
    return f"Cross-validation, {found['folds']} folds: {metric} {_written(ours)}{beside}"


def _written(spread: dict[str, Any]) -> str:
    return f"{spread['mean']:.4f} ± {spread['deviation']:.4f}"


def _fold_recipe(loaded: LoadedRecipe, number: int) -> LoadedRecipe:
    """Return the recipe of one fold."""
    recipe = loaded.recipe
    assert recipe.evaluation.folds is not None
    fold = Fold(number=number, of=recipe.evaluation.folds)
    changes = {
        "data": recipe.data.model_copy(update={"fold": fold}),
        "evaluation": recipe.evaluation.model_copy(update={"folds": None, **dict.fromkeys(ANALYSES, False)}),
    }
    return replace(loaded, recipe=recipe.model_copy(update=changes))


def _fold_data(loaded: LoadedRecipe, memory: MemoryData | None) -> Dataset:
    from zoo.data.sources.load import load_dataset

    recipe = loaded.recipe
    return load_dataset(recipe.data, TASKS[recipe.task], recipe.preprocess, memory)


def _spread(metrics: Sequence[dict[str, float | None]]) -> dict[str, Any]:
    """Return mean and deviation of each metric that every fold has."""
    found = {}
    for name in metrics[0]:
        values = [each.get(name) for each in metrics]
        numbers = [np.nan if value is None else value for value in values]
        found[name] = {"mean": float(np.mean(numbers)), "deviation": float(np.std(numbers, ddof=1)), "folds": values}
    return found


def _baseline(reports: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """Return the same of the baselines, each the best on its fold's validation examples."""
    found = [report["baseline"] for report in reports]
    if not all(each and "test" in each for each in found):
        return None
    names = list(dict.fromkeys(each["name"] for each in found))
    return {"name": " or ".join(names), "metrics": _spread([each["test"] for each in found])}


def _outputs(folder: Path, dataset: Dataset) -> np.ndarray:
    """Return what a fold's saved model says of the examples that it has not seen."""
    from zoo.training.saved_model import load_model
    from zoo.training.saved_outputs import saved_outcomes

    run = Run(folder)
    return saved_outcomes(load_model(run), dataset.test, dataset.signature, TASKS[run.recipe().recipe.task])


def write_predictions(
    path: Path, signature: Signature, folds: Sequence[Dataset], outputs: Sequence[np.ndarray]
) -> None:
    """Write a row for each example that was held out, in the order of the source.

    `example` counts the source's examples from 0. Classes have the label, the likeliest one, and the probability of
    each; numbers the target and the prediction, one column each or, of several targets, one for each of them.
    """
    places = np.concatenate([data.test.indices for data in folds])
    numbers = np.concatenate([np.full(len(data.test), number) for number, data in enumerate(folds, 1)])
    targets, output = np.concatenate([data.test.targets for data in folds]), np.concatenate(outputs)
    if signature.labels and targets.ndim == 1:
        names = [f"p({label})" for label in signature.labels]
        labels = np.array(signature.labels)
        values = np.column_stack([labels[targets], labels[output.argmax(axis=1)], output.astype(str)])
        header = ["target", "prediction", *names]
    else:
        pairs = [array.reshape(len(places), -1) for array in (targets, output)]
        width = pairs[0].shape[1]
        ends = [""] if width == 1 else [f"_{i}" for i in range(1, width + 1)]
        header = [f"{what}{end}" for what in ("target", "prediction") for end in ends]
        values = np.concatenate([pair.astype(str) for pair in pairs], axis=1)
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["example", "fold", *header])
        writer.writerows([places[i], numbers[i], *values[i]] for i in np.argsort(places, kind="stable"))
