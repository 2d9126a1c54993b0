"""Evaluation of a model whose outputs are compared with targets, example by example."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.evaluation.conformal import add_intervals
from zoo.evaluation.metrics.names import TITLES
from zoo.evaluation.result import Outputs, TaskResult
from zoo.recipe.task import task_of
from zoo.tasks import TASKS, words
from zoo.utils.console import print_notes

if TYPE_CHECKING:
    from rich.console import Console

    from zoo.evaluation.result import TrainedTask
    from zoo.training.problem import Problem

_MAX_TRAIN_EXAMPLES = 10_000  # that the metrics on the training split are computed on
_MAX_TRAIN_TARGETS = 1 << 20  # numbers in their targets


def evaluate_outputs(trained: TrainedTask) -> TaskResult:
    """Run the model on (part of) the training split, on validation and on test, and the baseline beside it."""
    return TaskResult(_outputs(trained), _baseline(trained.problem, trained.console))


def evaluate_values(trained: TrainedTask) -> TaskResult:
    """Evaluate as other outputs are, with prediction intervals where the recipe asks for them."""
    return add_intervals(trained.problem, evaluate_outputs(trained))


def evaluate_anomalies(trained: TrainedTask) -> TaskResult:
    """Run the model on validation and test, and choose the threshold on validation.

    The training split has no abnormal examples, so no metric is defined on it; neither is one on validation where that
    has none.
    """
    from zoo.evaluation.error_maps import pixel_auroc
    from zoo.evaluation.metrics.threshold import FALSE_POSITIVE_RATE, choose_threshold, threshold_metrics

    outputs = _outputs(trained)
    (known, scores), (y, output) = outputs["validation"], outputs["test"]
    facts: dict[str, Any] = {
        "threshold": {
            **threshold_metrics(y, output, choose_threshold(scores, known)),
            "false_positive_rate_of_choice": None if known.any() else FALSE_POSITIVE_RATE,
        }
    }
    if trained.problem.dataset.masks:
        facts["pixel_auroc"] = pixel_auroc(trained)
    return TaskResult(outputs, _baseline(trained.problem, trained.console), facts)


def _outputs(trained: TrainedTask) -> Outputs:
    """Return targets and outputs of each split, without augmentation.

    Without the training split if it has no abnormal examples, or no hidden characters to predict.
    """
    from zoo.training.saved_outputs import saved_outcomes

    problem, found = trained.problem, {}
    dataset, task = problem.dataset, TASKS[problem.recipe.task]
    train, validation = dataset.train, dataset.validation
    if task.finds_anomalies or task.fills_in:
        found["validation"] = (validation.targets, problem.outputs(problem.prepare(validation)))
    else:
        most = max(1, min(_MAX_TRAIN_EXAMPLES, _MAX_TRAIN_TARGETS // train.targets[0].size))
        if len(train) > most:
            chosen = np.random.default_rng(0).choice(len(train), most, replace=False)
            train = train.part(np.sort(chosen))
        found["train"] = (train.targets, problem.outputs(problem.prepare(train)))
        found["validation"] = (validation.targets, problem.outputs(problem.validation))
    found["test"] = (dataset.test.targets, saved_outcomes(trained.model, dataset.test, dataset.signature, task))
    return found


def _baseline(problem: Problem, console: Console) -> dict[str, Any] | None:
    """Fit baselines on the training split, and run the best of them on validation and test."""
    if problem.recipe.evaluation.baseline is None:
        return None
    if TASKS[problem.recipe.task].finds_anomalies and not problem.dataset.test.targets.any():
        print_notes(["no baseline: without abnormal test examples nothing can be compared"], console, indent="  ")
        return None
    code = 0
    if TASKS[problem.recipe.task].reconstructs:
        code = problem.views.network.get_layer("features").output.shape[-1]
    return strongest_baseline(problem, console, code=code)


def strongest_baseline(problem: Problem, console: Console, *, code: int = 0) -> dict[str, Any]:
    """Run the recipe's baselines, say how good each is on validation, and return the best."""
    from zoo.evaluation.baselines.run import baselines_to_try, run_strongest_baseline

    recipe, dataset, preprocessor = problem.recipe, problem.dataset, problem.preprocessor
    names = baselines_to_try(recipe, dataset, preprocessor)
    console.print(f"Baseline{'s' * (len(names) > 1)}: {', '.join(map(words, names))} on the same split …")
    found = run_strongest_baseline(recipe, dataset, preprocessor, code=code)
    print_notes([f"{words(found['name'])}: {note}" for note in found.get("notes", [])], console, indent="  ")
    untried = [entry for entry in found["tried"] if "problem" in entry]
    print_notes([f"{words(e['name'])} was not tried: {e['problem']}" for e in untried], console, indent="  ")
    if len(names) > 1:
        metric = task_of(recipe).primary
        values = ", ".join(f"{words(e['name'])} {e[metric]:.4g}" for e in found["tried"] if metric in e)
        console.print(f"  {TITLES[metric]} on validation: {values}; the best is {words(found['name'])}", markup=False)
    return found
