"""`zoo compare`: runs side by side, what differs between them, and whether the first is beaten on the same examples."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.backend.startup import start_keras
from zoo.commands.run_differences import differences_of
from zoo.errors import ZooError
from zoo.recipe.task import task_of
from zoo.tasks import TASKS
from zoo.training.run_files import read_run_file
from zoo.utils.files import write_json, write_text
from zoo.utils.notebook import default_console

if TYPE_CHECKING:
    from rich.console import Console

    from zoo.data.dataset import Dataset
    from zoo.training.run import Run

_SHOWN = ("recipe", "task", "model", "parameters", "seconds", "created", "verdict")  # of a run's report


def compare(
    *runs: str | os.PathLike[str], output: str | Path | None = None, console: Console | None = None
) -> dict[str, Any]:
    """Compare runs: their metrics, what differs between them, and each with the first on the same test examples.

    The saved models are run on the test split again, where it is the same for all, and compared in the metric of the
    first run by a paired bootstrap over its examples and, where an example is right or wrong, by McNemar's exact test.

    Args:
        runs: run folders, two or more.
        output: where the comparison is written, too: a page (`.html`) or the same facts (`.json`).
        console: where progress is shown; the cell, in a notebook, and nowhere in other programs, where it is left out.

    Returns:
        `runs`, each with its `run` (the folder), what its report says of it, the `metrics` of the test split and their
        `intervals`; `differences`, of `recipe`, `data`, `versions` and `hardware`, dotted key to the value of each run;
        and `significance`: the `metric`, the `examples`, `against`, for each run but the first its `difference` (how
        far it is ahead), `interval`, `p_value` and `relation` ("better", "worse" or "no clear difference"), and
        `refused`, why nothing was compared, or None.

    Raises:
        ZooError: fewer than two runs, no such run, or one that has no report.
    """
    from zoo.evaluation.report.build import jsonable
    from zoo.training.run import open_run

    if len(runs) < 2:
        raise ZooError(f"zoo compare: expected two runs or more, received {len(runs)}")
    if output is not None and Path(output).suffix.lower() not in (".html", ".json"):
        raise ZooError(f"--output {output}: expected a name that ends with .html or .json")
    console = console or default_console()
    opened = [open_run(run) for run in runs]
    reports = [_report(run) for run in opened]
    found = {
        "runs": [_facts(run, report) for run, report in zip(opened, reports, strict=True)],
        "significance": _significance(runs, opened, console),
        "differences": differences_of(opened),
    }
    plain: dict[str, Any] = jsonable(found)
    if output is not None:
        _write(Path(output), plain)
    return plain


def comparison_lines(found: Mapping[str, Any]) -> list[str]:
    """Return what was compared, for a person to read."""
    from zoo.evaluation.metrics.names import TITLES

    lines = [f"{place}: {run['run']}" for place, run in enumerate(found["runs"], start=1)]
    width = max((len(name) for run in found["runs"] for name in run["metrics"]), default=0)
    lines.append(" ".join([" " * width, *(f"{place:>10}" for place in range(1, len(found["runs"]) + 1))]))
    for name in dict.fromkeys(name for run in found["runs"] for name in run["metrics"]):
        values = [run["metrics"].get(name) for run in found["runs"]]
        lines.append(" ".join([f"{name:{width}}", *(f"{'–' if v is None else f'{v:.4f}':>10}" for v in values)]))
    tested = found["significance"]
    if tested["refused"]:
        lines.append(f"Not compared example by example: {tested['refused']}")
    for each in tested["against"]:
        low, high = each["interval"] or (None, None)
        bounds = "" if low is None else f" (95% interval {low:+.4f} to {high:+.4f})"
        p = "" if each["p_value"] is None else f", McNemar p = {each['p_value']:.2g}"
        size = "" if each["difference"] is None else f": {each['difference']:+.4f}{bounds}{p}"
        lines.append(
            f"{each['place']} against 1, {TITLES[tested['metric']]}: {each['relation'] or 'not defined'}{size}"
        )
    for section, keys in found["differences"].items():
        lines += [f"{section}: {key}: {' | '.join(map(_shown, values))}" for key, values in keys.items()]
    return lines


def _shown(value: Any) -> str:
    return "–" if value is None else str(value)[:40]


def _report(run: Run) -> dict[str, Any]:
    path = run.folder / "report.json"
    if not path.is_file():
        raise ZooError(f"{run.folder} has no report.json: the run is not finished; zoo train --resume {run.folder}")
    return read_run_file(path)


def _facts(run: Run, report: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "run": str(run.folder),
        **{key: report.get(key) for key in _SHOWN},
        "metrics": report["metrics"]["test"],
        "intervals": report["intervals"]["test"],
    }


def _significance(given: Sequence[str | os.PathLike[str]], runs: Sequence[Run], console: Console) -> dict[str, Any]:
    """Compare each run with the first on the same test examples, or say why that cannot be."""
    from zoo.evaluation.metrics.comparison import compare as compare_outputs

    recipes = [run.recipe().recipe for run in runs]
    task = task_of(recipes[0])
    result: dict[str, Any] = {"metric": task.primary, "examples": None, "against": [], "refused": None}
    tasks = dict.fromkeys(recipe.task for recipe in recipes)
    if len(tasks) > 1:
        return result | {"refused": f"the runs have different tasks: {', '.join(tasks)}"}
    if task.makes_images or task.embeds:
        return result | {"refused": f"the test examples alone do not measure {task.name}"}
    start_keras(recipes[0].training.processors)
    first: tuple[Dataset, np.ndarray] | None = None
    for place, folder in enumerate(given, start=1):
        console.print(f"Running {runs[place - 1].folder} on its test examples")
        try:
            dataset, output = _outputs(folder)
        except ZooError as error:
            return result | {"against": [], "refused": f"run {place}: {error}"}
        if first is None:
            first = dataset, output
            result["examples"] = len(dataset.test)
            continue
        reference, before = first
        if not _same_examples(reference, dataset):
            return result | {"against": [], "refused": f"the test split of run {place} is not that of run 1"}
        found = compare_outputs(
            task, dataset.test.targets, output, before, labels=dataset.signature.labels, seed=recipes[0].training.seed
        )
        kept = {key: found[key] for key in ("difference", "interval", "p_value", "relation")}
        result["against"].append({"place": place, "run": str(runs[place - 1].folder), **kept})
    return result


def _outputs(folder: str | os.PathLike[str]) -> tuple[Dataset, np.ndarray]:
    """Return a run's data, and what its saved model says of the test examples."""
    from zoo.commands.reopen import reopen
    from zoo.training.saved_model import load_model
    from zoo.training.saved_outputs import saved_outcomes

    run, loaded, dataset = reopen(folder)
    task = TASKS[loaded.recipe.task]
    return dataset, saved_outcomes(load_model(run), dataset.test, dataset.signature, task)


def _same_examples(first: Dataset, second: Dataset) -> bool:
    """Return whether two test splits hold the same examples in the same order, whichever columns are inputs."""
    from zoo.data.hashes import split_hashes

    same_targets = first.signature.labels == second.signature.labels and np.array_equal(
        first.test.targets, second.test.targets
    )
    if not same_targets:
        return False
    if first.name == second.name and np.array_equal(first.test.indices, second.test.indices):
        return True  # each was compared with its run's fingerprint when it was read
    return np.array_equal(split_hashes(first.test), split_hashes(second.test))


def _write(path: Path, found: Mapping[str, Any]) -> None:
    from zoo.evaluation.report.comparison_page import render_comparison

    if path.suffix.lower() == ".json":
        write_json(path, dict(found))
    else:
        write_text(path, render_comparison(found))
