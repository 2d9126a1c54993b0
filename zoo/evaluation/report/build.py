"""The report of a run: `report.json` for programs, `report.html` for people."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.evaluation.metrics.comparison import compare
from zoo.evaluation.metrics.evaluate import details, evaluate
from zoo.evaluation.metrics.intervals import draws, intervals
from zoo.evaluation.report.checklist import checklist
from zoo.evaluation.report.diagnosis import diagnose
from zoo.evaluation.report.diagnosis.findings import read_findings
from zoo.evaluation.report.diagnosis.situation import Situation
from zoo.evaluation.report.page import render
from zoo.evaluation.report.predictions import Predictions
from zoo.tasks import Task, as_task
from zoo.utils.files import write_json, write_text

if TYPE_CHECKING:
    from zoo.recipe import LoadedRecipe

Outputs = Mapping[str, tuple[np.ndarray, np.ndarray]]


def build_report(
    *,
    task: str | Task,
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
    kept_epoch: int | None = None,
    loaded: LoadedRecipe | None = None,
    is_buildable: Callable[[LoadedRecipe], bool] | None = None,
) -> dict[str, Any]:
    """Compute everything that a report says: metrics, intervals, comparison, diagnosis, mistakes.

    Args:
        task: the task, or its name; with the metric that the recipe chooses.
        recipe: name of the recipe.
        model: name of the model.
        outputs: split (`train`, `validation`, `test`; any may be missing but `test`) to its targets and the model's
            outputs, as for `evaluate`.
        labels: names of the classes, or of the target's symbols by number; empty for numbers.
        history: one mapping an epoch: `loss`, `val_loss`, `learning_rate`, and the task's monitored metric, with and
            without `val_`.
        data: `source`, `fingerprint`, `splits` (name to size), `class_counts` (split to counts by label), `findings`
            (of the audit, each with `name`, `severity`, `count`, `message`, `evidence` and `remedy`), and other facts.
        seed: seed of the run; also of the bootstrap.
        seconds: duration of the training.
        parameters: number of the model's parameters.
        versions: package to version.
        hardware: of the run.
        config: the resolved recipe as YAML.
        baseline: `name`, the baseline's outputs under `validation` and `test`, `seconds`, and further facts, or None.
        flops: floating-point operations for one example.
        kept_epoch: the epoch, counted from 1, whose weights were saved.
        loaded: the recipe, for which the diagnosis proposes edits.
        is_buildable: whether the builder takes the settings of an edited recipe.

    Returns:
        Plain JSON types (no NaN, no NumPy), with the keys below; what does not apply is None. What only one kind of
        task has (`details` in its module of `zoo.evaluation.metrics`) has keys of its own.
    """
    task = as_task(task)
    y, output = outputs["test"]
    metrics = {split: evaluate(task, *pair, labels) for split, pair in outputs.items()}
    examples = {split: len(pair[0]) for split, pair in outputs.items()}
    baseline_output = None if baseline is None else baseline.get("test")
    drawn, baseline_drawn = (
        draws(task, y, o, seed=seed, labels=labels) if o is not None and np.isfinite(o).all() else None
        for o in (output, baseline_output)
    )
    baseline_metrics = _baseline_metrics(task, outputs, baseline, seed, baseline_drawn, labels)
    comparison = None
    if baseline is not None and baseline_output is not None:
        both = None if drawn is None or baseline_drawn is None else (drawn, baseline_drawn)
        comparison = compare(
            task, y, output, baseline_output, name=baseline["name"], seed=seed, drawn=both, labels=labels
        )
    situation = Situation(
        task=task,
        history=history,
        metrics=metrics,
        baseline=baseline_metrics or {},
        examples=examples,
        comparison=comparison or {},
        outputs=outputs,
        loaded=loaded,
        findings=read_findings(data.get("findings", ())),
        train_size=data.get("splits", {}).get("train"),
        input_shape=tuple(data.get("signature", {}).get("shape", ())),
    )
    report: dict[str, Any] = jsonable(
        {
            "recipe": recipe,
            "task": task.name,
            "metric": task.primary,
            "model": model,
            "metrics": metrics,
            "examples": examples,
            "intervals": {"test": intervals(task, y, output, seed=seed, drawn=drawn, labels=labels)},
            "baseline": baseline_metrics,
            "comparison": comparison,
            "verdict": comparison["verdict"] if comparison else "not compared: no baseline was fitted",
            "diagnosis": diagnose(situation, is_buildable),
            "kept_epoch": kept_epoch,
            "history": history,
            "labels": labels,
            **details(task, y, output, labels, baseline_output),
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
    return report | {"checklist": checklist(report)}


def write_report(folder: str | Path, report: Mapping[str, Any], predictions: Predictions | None = None) -> None:
    """Write `report.html`, one file that needs no other and no network, and then `report.json`.

    Args:
        folder: where to; created if it is missing.
        report: what `build_report` returned, or what `report.json` holds.
        predictions: test examples and outputs; without them the page has no pictures and no plots over examples.
    """
    write_text(Path(folder) / "report.html", render(report, predictions))
    write_json(Path(folder) / "report.json", jsonable(report))  # last: it says that both are there


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


def _baseline_metrics(
    task: str | Task,
    outputs: Outputs,
    baseline: Mapping[str, Any] | None,
    seed: int,
    drawn: np.ndarray | None,
    labels: Sequence[str],
) -> dict[str, Any] | None:
    """Return the baseline with its outputs replaced by metrics, and intervals for the test split."""
    if baseline is None:
        return None
    found = dict(baseline)
    for split in ("train", "validation", "test"):
        if split in baseline:
            found[split] = evaluate(task, outputs[split][0], baseline[split], labels)
    if "test" in baseline:
        y = outputs["test"][0]
        found["intervals"] = {"test": intervals(task, y, baseline["test"], seed=seed, drawn=drawn, labels=labels)}
    return found
