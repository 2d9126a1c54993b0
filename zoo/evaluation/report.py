"""The report of a run: `report.json` for programs, `report.html` for people."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from zoo.evaluation import mistakes
from zoo.evaluation.compare import compare
from zoo.evaluation.diagnosis import diagnose
from zoo.evaluation.intervals import intervals
from zoo.evaluation.metrics import evaluate
from zoo.files import write_json, write_text
from zoo.tasks import TASKS

Outputs = Mapping[str, tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Predictions:
    """What the page shows beyond the figures in `report.json`: single test examples and their outputs.

    Attributes:
        y_true: class indices or values of the test split, shape `(n,)`.
        output: probabilities, shape `(n, classes)`, or predictions, shape `(n,)`.
        labels: names of the classes; empty for regression.
        example: takes the index of a test example and returns it as a uint8 image, shape `(height, width)` or
            `(height, width, channels)`, or as a row, column to value; None leaves the worst mistakes as text.
        baseline_output: the same as `output`, for the baseline.
    """

    y_true: np.ndarray
    output: np.ndarray
    labels: Sequence[str] = ()
    example: Callable[[int], np.ndarray | Mapping[str, Any]] | None = None
    baseline_output: np.ndarray | None = None


def build_report(
    *,
    task: str,
    recipe: str,
    model: str,
    outputs: Outputs,
    labels: Sequence[str],
    history: Sequence[Mapping[str, float]],
    data: Mapping[str, Any],
    seed: int,
    seconds: float,
    parameters: int,
    versions: Mapping[str, str],
    hardware: str | Mapping[str, Any],
    config: str,
    baseline: Mapping[str, Any] | None = None,
    flops: int | None = None,
) -> dict[str, Any]:
    """Compute everything that a report says.

    Args:
        task: name of the task.
        recipe: name of the recipe.
        model: name of the model.
        outputs: split (`train`, `validation`, `test`; any may be missing but `test`) to its targets, shape `(n,)`, and
            the model's outputs, shape `(n, classes)` or `(n,)`.
        labels: names of the classes; empty for regression.
        history: one mapping an epoch: `loss`, `val_loss`, the primary metric with and without `val_`, `learning_rate`.
        data: `source`, `fingerprint`, `splits` (name to size), `class_counts` (split to counts by label), `findings`
            (sentences of the audit), and whatever else is worth telling about the data.
        seed: seed of the run; also of the bootstrap.
        seconds: time that the training took.
        parameters: number of the model's parameters.
        versions: package to version.
        hardware: what the run was made on.
        config: the resolved recipe as YAML.
        baseline: `name`, the baseline's outputs under `validation` and `test`, `seconds`, and further facts, or None.
        flops: floating-point operations for one example.

    Returns:
        A dict that is JSON throughout (no NaN, no NumPy). See the keys below; what does not apply is None.
    """
    y, output = outputs["test"]
    classification = TASKS[task].kind == "classification"
    finite = bool(np.isfinite(output).all())
    metrics = {split: evaluate(task, *pair) for split, pair in outputs.items()}
    examples = {split: len(pair[0]) for split, pair in outputs.items()}
    figures = _baseline_figures(task, outputs, baseline, seed)
    comparison = None
    if baseline is not None and "test" in baseline:
        comparison = compare(task, y, output, baseline["test"], name=baseline["name"], seed=seed)
    matrix = mistakes.confusion_matrix(y, output) if classification and finite else None
    worst = mistakes.worst_classified(y, output, labels) if classification else mistakes.worst_predicted(y, output)
    return jsonable(
        {
            "recipe": recipe,
            "task": task,
            "model": model,
            "metrics": metrics,
            "examples": examples,
            "intervals": {"test": intervals(task, y, output, seed=seed)},
            "baseline": figures,
            "comparison": comparison,
            "verdict": comparison["verdict"] if comparison else "not compared: no baseline was fitted",
            "diagnosis": diagnose(task, history, metrics, figures, examples),
            "history": history,
            "labels": labels,
            "confusion_matrix": matrix if matrix is not None and len(matrix) <= mistakes.LARGEST_MATRIX else None,
            "confused_pairs": None if matrix is None else mistakes.confused_pairs(matrix, labels),
            "per_class": None if matrix is None else mistakes.per_class(matrix, labels),
            "worst": worst if finite else [],
            "data": data,
            "seed": seed,
            "seconds": seconds,
            "parameters": parameters,
            "flops": flops,
            "versions": versions,
            "hardware": hardware,
            "config": config,
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
        }
    )


def write_report(folder: str | Path, report: Mapping[str, Any], predictions: Predictions | None = None) -> None:
    """Write `report.json` and `report.html`, one file that needs no other and no network.

    Args:
        folder: where to; created if it is missing.
        report: what `build_report` returned, or what `report.json` holds.
        predictions: test examples and outputs; without them the page has no pictures and no plots over examples.
    """
    from zoo.evaluation.page import render

    write_json(Path(folder) / "report.json", jsonable(report))
    write_text(Path(folder) / "report.html", render(report, predictions))


def jsonable(value: Any) -> Any:
    """Return `value` as plain JSON types; NaN and infinity become None."""
    if isinstance(value, Mapping):
        return {str(key): jsonable(item) for key, item in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return jsonable(value.tolist())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [jsonable(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, str | int) else str(value)


def _baseline_figures(
    task: str, outputs: Outputs, baseline: Mapping[str, Any] | None, seed: int
) -> dict[str, Any] | None:
    """Return the baseline with its outputs replaced by metrics, and intervals for the test split."""
    if baseline is None:
        return None
    figures = dict(baseline)
    for split in ("train", "validation", "test"):
        if split in baseline:
            figures[split] = evaluate(task, outputs[split][0], baseline[split])
    if "test" in baseline:
        figures["intervals"] = {"test": intervals(task, outputs["test"][0], baseline["test"], seed=seed)}
    return figures
