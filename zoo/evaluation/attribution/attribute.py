"""What a trained model's answers depend on: its worst mistakes explained, and the importance of parts of the input."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.evaluation.attribution.explained import Explainer, explain
from zoo.evaluation.attribution.integrated_gradients import STEPS
from zoo.evaluation.attribution.parts import HeldInputs, mixed, parts_of
from zoo.evaluation.attribution.permutation import REPEATS, permutation_importance
from zoo.evaluation.budget import GRADIENT_PASSES, examples_within
from zoo.evaluation.metrics.common import draw_at_most
from zoo.evaluation.metrics.evaluate import details, evaluate
from zoo.evaluation.robustness.corruptions import known_of_training
from zoo.recipe.task import task_of
from zoo.tasks import TASKS

if TYPE_CHECKING:
    from zoo.evaluation.result import TaskResult, TrainedTask

MAX_MISTAKES = 8  # that are explained
MAX_EXAMPLES = 1000  # test examples whose parts are shuffled, drawn at random
MIN_EXAMPLES = 100
MAX_PREDICTIONS = 150_000  # of examples with a part shuffled: of many parts, fewer examples


def attribute(trained: TrainedTask, result: TaskResult) -> dict[str, Any]:
    """Explain the worst mistakes on the test split, and shuffle the parts of test examples.

    Returns:
        `mistakes`, at most eight (of a classifier without any, its least certain answers): what `details` says of each,
        the `output` of the model for the answer that it gave (the mean of a forecast), that for the `reference`, the
        `method`, the `gap` to completeness, and `tokens`, `columns`, or `by_step` and `by_channel` with their
        attributions; images have theirs on the page. `importance` of columns, features, channels and steps: `name`,
        `mean` and `std` of the fall of the `metric` (of an error: its rise) over five shuffles, on `examples`; and
        `notes`.
    """
    notes: list[str] = []
    mistakes, pictures = _mistakes(trained, result, notes)
    result.pictures["attribution"] = pictures
    return {
        "metric": task_of(trained.problem.recipe).primary,
        "mistakes": mistakes,
        **_importance(trained, notes),
        "notes": notes,
    }


def _mistakes(
    trained: TrainedTask, result: TaskResult, notes: list[str]
) -> tuple[list[dict[str, Any]], list[dict[str, np.ndarray]]]:
    problem, (y, output) = trained.problem, result.outputs["test"]
    signature, task = problem.dataset.signature, problem.recipe.task
    labels = signature.labels or signature.targets
    worst = details(task, y, output, labels)["worst"][:MAX_MISTAKES]
    if not worst and np.isfinite(output).all() and TASKS[task].classifies:
        notes.append("no mistake on the test split: the least certain answers are explained")
        worst = _least_certain(y, output, labels)
    if not worst:
        notes.append("no mistake on the test split to explain")
        return [], []
    trained.console.print(f"Attribution: {len(worst)} answers are explained …")
    explainer, found, pictures = _explainer(trained), [], []
    explainer.max_points = examples_within(problem, GRADIENT_PASSES * len(worst), sum(STEPS))
    for entry in worst:
        explained = explain(explainer, entry["index"], _output_of(task, entry, y, output, labels))
        found.append({**entry, **explained.facts})
        pictures.append(explained.pictures)
    return found, pictures


def _least_certain(y: np.ndarray, output: np.ndarray, labels: Sequence[str]) -> list[dict[str, Any]]:
    """Return the answers with the lowest confidence, as entries of `worst`."""
    return [
        {
            "index": int(i),
            "true": labels[int(y[i])],
            "predicted": labels[int(output[i].argmax())],
            "confidence": float(output[i].max()),
        }
        for i in np.argsort(output.max(axis=1), kind="stable")[:MAX_MISTAKES]
    ]


def _explainer(trained: TrainedTask) -> Explainer:
    from zoo.training.inner_gradients import InnerGradients, feature_map, token_embedding
    from zoo.training.input_gradients import InputGradients

    problem = trained.problem
    network, evaluated = problem.views.network, problem.views.evaluated
    find = token_embedding if problem.dataset.signature.kind == "text" else feature_map
    layer = find(network)
    return Explainer(
        problem=problem,
        training=known_of_training(problem.dataset),
        model=InputGradients(evaluated, TASKS[problem.recipe.task].kind),
        inner=None if layer is None or network not in evaluated.layers else InnerGradients(evaluated, network, layer),
    )


def _output_of(
    task: str, entry: Mapping[str, Any], y: np.ndarray, output: np.ndarray, labels: Sequence[str]
) -> int | None:
    """Return the output that is explained: the predicted class, the label or target that is furthest off, or all."""
    i, kind = entry["index"], TASKS[task].kind
    if kind == "classification":
        return int(output[i].argmax())
    if kind == "multi_label":
        return int(np.abs(output[i] - y[i]).argmax())
    if kind == "regression":
        return list(labels).index(entry["target"]) if "target" in entry else 0
    return None


def _importance(trained: TrainedTask, notes: list[str]) -> dict[str, Any]:
    """Return `importance`, and the `examples` that it was measured on."""
    from zoo.data.dataset import whole
    from zoo.training.saved_outputs import saved_outcomes

    dataset, seed = trained.problem.dataset, trained.problem.recipe.training.seed
    task, test = task_of(trained.problem.recipe), dataset.test
    nothing: dict[str, Any] = {"importance": [], "examples": 0}
    parts = parts_of(dataset.signature, test.take(draw_at_most(len(test), MAX_EXAMPLES, seed)))
    if not parts:
        return nothing
    most = min(MAX_EXAMPLES, max(MIN_EXAMPLES, MAX_PREDICTIONS // (len(parts) * REPEATS)))
    chosen = draw_at_most(len(test), most, seed)
    raw, y = test.take(chosen), test.targets[chosen]
    trained.console.print(f"Attribution: {len(parts)} parts of {len(chosen):,} test examples are shuffled …")

    def score(rows: np.ndarray) -> float:
        split = whole(HeldInputs(raw=mixed(raw, parts, rows)), y)
        output = saved_outcomes(trained.model, split, dataset.signature, task)
        value = evaluate(task, y, output, dataset.signature.labels)[task.primary]
        return value if task.greater_is_better else -value

    if not np.isfinite(score(np.repeat(np.arange(len(chosen))[:, None], len(parts), axis=1))):
        notes.append(f"no importance of parts: {task.primary} is not defined on the examples drawn")
        return nothing
    found = permutation_importance(score, [part.name for part in parts], len(chosen), seed=seed)
    return {"importance": found, "examples": len(chosen)}
