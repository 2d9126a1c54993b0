"""`zoo soup`: one model whose weights are the mean of those of several runs (model soups, arXiv:2203.05482)."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console

from zoo.backend.startup import start_keras
from zoo.commands.run import Run
from zoo.errors import ZooError, listing
from zoo.recipe.task import task_of
from zoo.tasks import TASKS
from zoo.utils.notebook import default_console

if TYPE_CHECKING:
    from zoo.recipe import LoadedRecipe
    from zoo.training.fit import Fitted
    from zoo.training.problem import Problem
    from zoo.training.run import Run as RunFolder

Weights = list[np.ndarray]
# Sections and keys that may differ between runs: how the weights came about, and what is made of the model.
_MAY_DIFFER = ("description", "optimizer", "loss", "augment", "regularization", "training", "search", "export")


@dataclass(frozen=True, kw_only=True)
class _Ingredient:
    """A run whose weights may go into the soup, and its row of metrics on validation."""

    run: RunFolder
    weights: Weights
    row: dict[str, float]


def soup(
    given: Sequence[str | os.PathLike[str]],
    *,
    uniform: bool = False,
    runs: str | Path = "runs",
    export: bool = True,
    console: Console | None = None,
) -> Run:
    """Average the weights of runs of one architecture that began with the same pretrained weights.

    The runs are taken in the order of their metric on validation, the best first. One stays in the mean where the
    metric is then no worse, so that the soup is at least as good on validation as the best run (the paper's greedy
    soup). The statistics of batch norms are averaged, too. The result is a run of its own, evaluated once on the test
    split, with a report and an exported file; its `data.json` names the runs that were tried and kept.

    Args:
        given: run folders, two or more.
        uniform: keep them all, whatever validation says.
        runs: folder for the new run folder.
        export: whether to write the ONNX file.
        console: where progress is shown; the cell, in a notebook, and nowhere in other programs, where it is left out.

    Raises:
        ZooError: there are fewer than two runs, one is not trained, or they differ in model, data or preprocessing; or
            the task makes images, which no figure on validation compares.
    """
    from zoo.commands.train import train_together
    from zoo.training.run import open_run

    console = default_console() if console is None else console
    folders = [open_run(each) for each in given]
    if len({folder.folder.resolve() for folder in folders}) < 2:
        raise ZooError(f"zoo soup: expected two runs or more, received {len(folders)}")
    loaded = _recipe_of_all(folders)
    start_keras(loaded.recipe.training.processors)
    from zoo.training.saved_model import load_model

    weights = [load_model(folder).get_weights() for folder in folders]
    shapes = [[w.shape for w in each] for each in weights]
    for folder, each in zip(folders, shapes, strict=True):
        if each != shapes[0]:
            raise ZooError(f"zoo soup: the weights of {folder} have other shapes than those of {folders[0]}")

    def average(problem: Problem, facts: dict[str, Any]) -> Fitted:
        return _average(problem, facts, console, folders=folders, weights=weights, uniform=uniform)

    made = train_together(None, loaded, runs=runs, export=export, console=console, make_weights=average)
    assert made is not None
    return Run(made)


def _recipe_of_all(folders: Sequence[RunFolder]) -> LoadedRecipe:
    """Return the recipe of the first run, without what its weights began with; check that the others fit it."""
    from zoo.training.run_files import read_run_file

    recipes = [folder.recipe() for folder in folders]
    prints = [read_run_file(folder.folder / "data.json")["fingerprint"] for folder in folders]
    first = recipes[0].recipe
    task = TASKS[first.task]
    if task.makes_images:
        raise ZooError(f"zoo soup: keeps what is no worse on validation, and {task.name} has no such figure")
    own = _fixed(recipes[0])
    for folder, each, fingerprint in zip(folders, recipes, prints, strict=True):
        differing = [key for key, value in _fixed(each).items() if value != own[key]]
        if differing or fingerprint != prints[0]:
            what = listing(differing) if differing else "the data"
            raise ZooError(f"zoo soup: {folder} differs from {folders[0]} in {what}, and weights of one network add up")
    begun = {"pretrained": None, "freeze": False, "lora": None}
    text = f"Mean of the weights of runs of {recipes[0].name} (zoo soup); data.json names them."
    update = {
        "model": first.model.model_copy(update=begun),
        "training": first.training.model_copy(update={"teacher": None, "precision": "float32", "distribution": None}),
        "optimizer": first.optimizer.model_copy(update={"unfreeze_epochs": None}),
        "description": text,
    }
    return replace(recipes[0], recipe=first.model_copy(update=update))


def _fixed(loaded: LoadedRecipe) -> dict[str, Any]:
    """Return what has to be the same in all runs."""
    tree = {key: value for key, value in loaded.tree().items() if key not in _MAY_DIFFER}
    model = {key: value for key, value in tree["model"].items() if key not in ("pretrained", "freeze", "head", "lora")}
    return {**tree, "model": model}


def _average(
    problem: Problem,
    facts: dict[str, Any],
    console: Console,
    *,
    folders: Sequence[RunFolder],
    weights: Sequence[Weights],
    uniform: bool,
) -> Fitted:
    """Put the mean of the chosen runs' weights into the problem's model; return its metrics as those of one epoch."""
    from zoo.training.fit import Fitted, compile_for_training

    compile_for_training(problem, problem.recipe.optimizer, 1, problem.recipe.training.epochs)
    started = time.perf_counter()
    task = task_of(problem.recipe)
    rises = task.monitor == task.primary and task.greater_is_better
    name = f"val_{task.monitor}"

    def rank(row: dict[str, float]) -> tuple[float, float]:
        return (row[name] if rises else -row[name], -row["val_loss"])

    found = [
        _Ingredient(run=run, weights=each, row=_validate(problem, each))
        for run, each in zip(folders, weights, strict=True)
    ]
    found.sort(key=lambda one: rank(one.row), reverse=True)
    kept, row = found[:1], found[0].row
    _say(console, found[0], name, "the best")
    for one in found[1:]:
        mixed = _validate(problem, _mean([*kept, one]))
        taken = uniform or rank(mixed) >= rank(row)
        _say(console, one, name, f"{'taken' if taken else 'left out'}: with it {mixed[name]:.4f}")
        if taken:
            kept, row = [*kept, one], mixed
    _validate(problem, _mean(kept))  # leaves the weights in place
    facts["soup"] = {
        "kind": "uniform" if uniform else "greedy",
        "runs": [
            {"run": one.run.folder.name, "recipe": one.run.name, "taken": one in kept, name: one.row[name]}
            for one in found
        ],
    }
    seconds = round(time.perf_counter() - started, 3)
    return Fitted([{"epoch": 1, **row, "seconds": seconds}], 1, seconds)


def _mean(ingredients: Sequence[_Ingredient]) -> Weights:
    arrays = zip(*(one.weights for one in ingredients), strict=True)
    return [np.mean([a.astype(np.float64) for a in each], axis=0).astype(each[0].dtype) for each in arrays]


def _validate(problem: Problem, weights: Weights) -> dict[str, float]:
    """Put weights into the problem's model, and return loss and metric on the training and validation splits."""
    from zoo.data.batches import evaluation_batches
    from zoo.evaluation.watched import measure_of

    problem.views.saved.set_weights(weights)
    model, measure = problem.views.trained, measure_of(problem)
    row: dict[str, float] = {}
    for prefix, split in (("", problem.trained_on), ("val_", problem.validated_on)):
        result = model.evaluate(evaluation_batches(split), verbose=0, return_dict=True)
        row |= {f"{prefix}{key}": float(value) for key, value in result.items()}
    if measure is not None:
        row[f"val_{task_of(problem.recipe).monitor}"] = measure()
    return row


def _say(console: Console, one: _Ingredient, name: str, what: str) -> None:
    console.print(f"  {one.run.folder.name}: {name} {one.row[name]:.4f}, {what}", markup=False)
