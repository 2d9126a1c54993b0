"""The chain: data, model, training, evaluation, export. One function for each command that runs part of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from zoo import lanes
from zoo.errors import ZooError
from zoo.files import read_json, replacing, write_json
from zoo.processes import Place, check_backend, joined
from zoo.quiet import start_keras
from zoo.recipe import load_recipe

_EXPORTING = "tensorflow"  # the backend whose models tf2onnx reads
SILENT = Console(quiet=True, stderr=True)
_TRAIN_EXAMPLES = 10_000  # training examples that the final figures on the training split are computed on, at most
_TRAIN_TARGETS = 1 << 20  # and numbers in their targets


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
        resume: a run folder whose training was interrupted, to go on with, in place of a recipe.
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
    """Train a recipe as one of several processes: see `train`, and `zoo.processes` for the place of this one.

    Returns:
        The run folder; None in a process that is not the first.
    """
    started = time.perf_counter()
    if (recipe is None) == (resume is None) or (resume is not None and overrides):
        raise ZooError("name a recipe, or a run to go on with (--resume RUN), which has its recipe and its overrides")
    loaded = load_recipe(recipe, overrides) if recipe is not None else _interrupted(str(resume))
    console.print(f"[bold]{loaded.name}[/]: {loaded.recipe.description or loaded.recipe.model.name}")
    lanes.start(loaded.recipe)
    check_backend(place)
    from zoo.data.audit import audit
    from zoo.data.sources import load_dataset
    from zoo.export.export import load_model
    from zoo.export.parity import saved_outcomes
    from zoo.generated import judge_generated
    from zoo.profile import count_parameters
    from zoo.reported import report_run
    from zoo.represented import judge_represented
    from zoo.tasks import TASKS
    from zoo.training.fit import fit, set_up
    from zoo.training.run import create_run, open_run

    task = TASKS[loaded.recipe.task]
    dataset = load_dataset(loaded.recipe.data, task, loaded.recipe.preprocess)
    facts = audit(dataset)
    with joined(place):
        problem = set_up(loaded.recipe, dataset)
        if problem.pretrained is not None:
            facts["pretrained"] = problem.pretrained
        sizes = ", ".join(f"{count:,} {name}" for name, count in facts["splits"].items())
        console.print(f"Data: {dataset.name}: {sizes}")
        for finding in facts["findings"]:
            console.print(f"  note: {finding}", style="yellow", markup=False)
        parameters = count_parameters(problem.views.network)
        console.print(f"Model: {loaded.recipe.model.name}, {parameters:,} parameters")
        if problem.pretrained is not None:
            held = ", frozen" if loaded.recipe.model.freeze else ""
            console.print(f"  beginning with the encoder of {problem.pretrained['recipe']}{held}")

        first = place is None or place.process == 0
        if resume is not None:
            run = open_run(resume)
            _same_data(run, dataset)
        elif first:
            run = create_run(loaded, Path(runs))
            write_json(run.folder / "data.json", facts)
        else:
            run = None  # the first process has one
        if run is not None:
            console.print(f"Training in {run.folder}")
        fitted = fit(problem, run.folder if run is not None else None, console, resume=resume is not None)
    if run is None or not first:
        console.print("Trained; the first process evaluates and exports")
        return None
    with replacing(run.model_path) as path:
        problem.views.saved.save(path)
    if fitted.kept_epoch < len(fitted.history):
        console.print(f"Kept epoch {fitted.kept_epoch}, the best on validation")

    model = load_model(run)  # what is evaluated is what was saved
    judged = None
    if task.kind == "generation":
        judged = judge_generated(problem, model, run.folder, console, train)
    elif task.kind == "representation":
        judged = judge_represented(problem, model, console)
    if judged is not None:
        outputs, baseline = judged.outputs, judged.baseline
    else:
        outputs = _outputs(problem)
        outputs["test"] = (dataset.test.targets, saved_outcomes(model, dataset.test, dataset.signature, task))
        baseline = _baseline(problem, console)
    report = report_run(run, loaded, problem, model, fitted, facts, outputs, baseline, judged)
    _say_result(console, report)
    if export:
        _say_export(console, _exported(run, dataset, model))
    console.print(f"Done in {time.perf_counter() - started:.0f} s. Report: {run.folder / 'report.html'}")
    return run.folder


def evaluate(run_folder: str | Path, *, console: Console = SILENT) -> dict[str, Any]:
    """Evaluate a run's saved model on the test split again.

    Returns:
        `run`, `recipe`, `task`, `samples`, `metrics` and `intervals`.

    Raises:
        ZooError: no such run, or the data is not what the run was trained on.
    """
    from zoo.training.run import open_run

    lanes.start(open_run(run_folder).recipe().recipe)
    from zoo.evaluation.intervals import intervals
    from zoo.evaluation.metrics import evaluate as figures
    from zoo.export.export import load_model
    from zoo.export.parity import saved_outcomes
    from zoo.generated import judge_generated
    from zoo.represented import judge_represented
    from zoo.tasks import TASKS
    from zoo.training.fit import set_up

    run, loaded, dataset = _reopen(run_folder)
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


def export(run_folder: str | Path, *, console: Console = SILENT) -> dict[str, Any]:
    """Export a run to ONNX, proved on the whole test split.

    Returns:
        The certificate, and `path`, the file.

    Raises:
        ZooError: no such run, other data than the run was trained on, or a file that differs from the model.
    """
    if "keras" not in sys.modules:
        os.environ["KERAS_BACKEND"] = _EXPORTING
    start_keras()
    from zoo.export.export import export_run, exported_path, load_model

    run, _, dataset = _reopen(run_folder)
    console.print(f"Exporting {run.folder}")
    certificate = export_run(run, dataset, load_model(run))
    _say_export(console, certificate)
    return {"path": str(exported_path(run)), **certificate}


def _exported(run: Any, dataset: Any, model: Any) -> dict[str, Any]:
    """Export a run, on JAX in another process, whose backend the converter reads; return the certificate."""
    import keras

    from zoo.export.export import export_run

    if keras.backend.backend() == _EXPORTING:
        return export_run(run, dataset, model)
    done = subprocess.run(
        [sys.executable, "-m", "zoo", "export", str(run.folder), "--json"],
        env={**os.environ, "KERAS_BACKEND": _EXPORTING},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ZooError(done.stderr.strip().rpartition("error: ")[2] or f"zoo export {run.folder} failed")
    certificate: dict[str, Any] = json.loads(done.stdout)
    return certificate


def _reopen(folder: str | Path) -> tuple[Any, Any, Any]:
    """Return run, recipe and data set, and check that the data is still the same."""
    from zoo.data.sources import load_dataset
    from zoo.tasks import TASKS
    from zoo.training.run import open_run

    run = open_run(folder)
    loaded = run.recipe()
    dataset = load_dataset(loaded.recipe.data, TASKS[loaded.recipe.task], loaded.recipe.preprocess)
    _same_data(run, dataset)
    return run, loaded, dataset


def _same_data(run: Any, dataset: Any) -> None:
    known = read_json(run.folder / "data.json")["fingerprint"]
    if dataset.fingerprint != known:
        raise ZooError(
            f"{dataset.name} is not the data that {run.folder} was trained on: its fingerprint is "
            f"{dataset.fingerprint[:16]}, and was {known[:16]}; put the data back, or train again"
        )


def _interrupted(folder: str) -> Any:
    """Return the recipe of a run whose training can go on."""
    from zoo.training.run import open_run
    from zoo.training.state import state_files

    run = open_run(folder)
    if (run.folder / "report.json").is_file():
        raise ZooError(f"{folder}: this run is finished; `zoo export` writes its ONNX file again")
    if not state_files(run.folder / "checkpoints"):
        raise ZooError(f"{folder} was stopped before its first checkpoint (checkpoints/step-*.npz); train anew")
    return run.recipe()


def _outputs(problem: Any) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return targets and outputs on the validation split and on (part of) the training split, without augmentation.

    On the validation split alone where training has nothing abnormal to tell from the rest, or nothing hidden.
    """
    from zoo.tasks import TASKS

    train, validation = problem.dataset.train, problem.dataset.validation
    task = TASKS[problem.recipe.task]
    if task.kind == "anomaly" or task.fills_in:
        return {"validation": (validation.targets, problem.outputs(problem.prepare(validation)))}
    most = max(1, min(_TRAIN_EXAMPLES, _TRAIN_TARGETS // train.targets[0].size))
    if len(train) > most:
        chosen = np.random.default_rng(0).choice(len(train), most, replace=False)
        train = train.part(np.sort(chosen))
    return {
        "train": (train.targets, problem.outputs(problem.prepare(train))),
        "validation": (validation.targets, problem.outputs(problem.validation)),
    }


def _baseline(problem: Any, console: Console) -> dict[str, Any] | None:
    """Fit the recipe's baseline on the training split, and run it on validation and test."""
    from zoo.evaluation.run_baseline import run_baseline
    from zoo.tasks import TASKS, words

    name = problem.recipe.evaluation.baseline
    if name is None:
        return None
    console.print(f"Baseline: {words(name)} on the same split …")
    network = problem.views.network
    code = 0
    if TASKS[problem.recipe.task].reconstructs:
        code = network.get_layer("features").output.shape[-1]
    return run_baseline(problem.recipe, problem.dataset, problem.preprocessor, code=code)


def _say_result(console: Console, report: dict[str, Any]) -> None:
    from zoo.tasks import TASKS

    primary = TASKS[report["task"]].primary
    bounds = report["intervals"]["test"].get(primary)
    interval = f" (95% interval {bounds[0]:.4f} to {bounds[1]:.4f})" if bounds else ""
    console.print(f"Test {primary}: [bold]{report['metrics']['test'][primary]:.4f}[/]{interval}")
    console.print(f"  {report['verdict']}", markup=False)


def _say_export(console: Console, certificate: dict[str, Any]) -> None:
    if certificate["split"] == "noise":
        console.print(
            f"Exported {certificate['bytes'] / 1024:,.0f} KB: difference from Keras "
            f"{certificate['max_abs_difference']:.1e} (allowed {certificate['tolerance']:.1e}) on the noise of "
            f"{certificate['samples']} images"
        )
        return
    console.print(
        f"Exported {certificate['bytes'] / 1024:,.0f} KB: largest difference from Keras "
        f"{certificate['max_abs_difference']:.1e} on {certificate['samples']:,} test examples, "
        f"{certificate['label_flips']} labels differ"
    )
