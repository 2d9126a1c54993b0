"""The chain: data, model, training, evaluation, export. One function for each command that runs part of it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from zoo.errors import ZooError
from zoo.files import replacing, write_json
from zoo.quiet import start_keras
from zoo.recipe import load_recipe

SILENT = Console(quiet=True, stderr=True)
_TRAIN_EXAMPLES = 10_000  # training examples that the final figures on the training split are computed on, at most


def train(
    recipe: str | Path,
    overrides: Sequence[str] = (),
    *,
    runs: str | Path = "runs",
    export: bool = True,
    console: Console = SILENT,
) -> Path:
    """Train a recipe, evaluate it once on the test split against its baseline, report, and export.

    Args:
        recipe: a shipped recipe (`cnn/digits`) or the path of a recipe file.
        overrides: `key.path=value`.
        runs: folder for the run folder.
        export: whether to write the ONNX file.
        console: where progress is shown.

    Returns:
        The run folder.

    Raises:
        ZooError: a problem with the recipe or the data, found before training starts; or a failed training or export.
    """
    started = time.perf_counter()
    loaded = load_recipe(recipe, overrides)
    console.print(f"[bold]{loaded.name}[/]: {loaded.recipe.description or loaded.recipe.model.name}")
    start_keras()
    from zoo.data.audit import audit
    from zoo.data.sources import load_dataset
    from zoo.export.export import export_run, load_model
    from zoo.export.parity import saved_outputs
    from zoo.profile import count_parameters
    from zoo.tasks import TASKS
    from zoo.training.fit import fit, set_up
    from zoo.training.run import create_run

    task = TASKS[loaded.recipe.task]
    dataset = load_dataset(loaded.recipe.data, task)
    facts = audit(dataset)
    problem = set_up(loaded.recipe, dataset)
    sizes = ", ".join(f"{count:,} {name}" for name, count in facts["splits"].items())
    console.print(f"Data: {dataset.name}: {sizes}")
    for finding in facts["findings"]:
        console.print(f"  note: {finding}", style="yellow", markup=False)
    parameters = count_parameters(problem.views.network)
    console.print(f"Model: {loaded.recipe.model.name}, {parameters:,} parameters")

    run = create_run(loaded, Path(runs))
    write_json(run.folder / "data.json", facts)
    console.print(f"Training in {run.folder}")
    fitted = fit(problem, run.folder, console)
    with replacing(run.model_path) as path:
        problem.views.saved.save(path)
    if fitted.kept_epoch < len(fitted.history):
        console.print(f"Kept epoch {fitted.kept_epoch}, the best on validation")

    model = load_model(run)  # what is evaluated is what was saved
    outputs = _outputs(problem)
    outputs["test"] = (dataset.test.targets, saved_outputs(model, dataset.test, dataset.signature))
    baseline = _baseline(problem, console)
    report = _report(run, loaded, problem, fitted, facts, outputs, baseline)
    _say_result(console, report)
    if export:
        certificate = export_run(run, dataset, model, outputs["test"][1])
        _say_export(console, certificate)
    console.print(f"Done in {time.perf_counter() - started:.0f} s. Report: {run.folder / 'report.html'}")
    return run.folder


def evaluate(run_folder: str | Path, *, console: Console = SILENT) -> dict[str, Any]:
    """Evaluate a run's saved model on the test split again.

    Returns:
        `run`, `recipe`, `task`, `samples`, `metrics` and `intervals`.

    Raises:
        ZooError: no such run, or the data is not what the run was trained on.
    """
    start_keras()
    from zoo.evaluation.intervals import intervals
    from zoo.evaluation.metrics import evaluate as figures
    from zoo.export.export import load_model
    from zoo.export.parity import saved_outputs

    run, loaded, dataset = _reopen(run_folder)
    console.print(f"Evaluating {run.folder} on {len(dataset.test):,} test examples")
    y = dataset.test.targets
    output = saved_outputs(load_model(run), dataset.test, dataset.signature)
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
    start_keras()
    from zoo.export.export import export_run, exported_path, load_model

    run, _, dataset = _reopen(run_folder)
    console.print(f"Exporting {run.folder}")
    certificate = export_run(run, dataset, load_model(run))
    _say_export(console, certificate)
    return {"path": str(exported_path(run)), **certificate}


def _reopen(folder: str | Path) -> tuple[Any, Any, Any]:
    """Return run, recipe and data set, and check that the data is still the same."""
    from zoo.data.sources import load_dataset
    from zoo.files import read_json
    from zoo.tasks import TASKS
    from zoo.training.run import open_run

    run = open_run(folder)
    loaded = run.recipe()
    dataset = load_dataset(loaded.recipe.data, TASKS[loaded.recipe.task])
    known = read_json(run.folder / "data.json")["fingerprint"]
    if dataset.fingerprint != known:
        raise ZooError(
            f"{dataset.name} is not the data that {run.folder} was trained on: its fingerprint is "
            f"{dataset.fingerprint[:16]}, and was {known[:16]}; put the data back, or train again"
        )
    return run, loaded, dataset


def _outputs(problem: Any) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return targets and outputs on the validation split and on (part of) the training split, without augmentation."""
    train = problem.dataset.train
    if len(train) > _TRAIN_EXAMPLES:
        chosen = np.random.default_rng(0).choice(len(train), _TRAIN_EXAMPLES, replace=False)
        train = train.part(np.sort(chosen))
    prepared = problem.prepare(train)
    validation = problem.dataset.validation
    return {
        "train": (train.targets, problem.outputs(prepared)),
        "validation": (validation.targets, problem.outputs(problem.validation)),
    }


def _baseline(problem: Any, console: Console) -> dict[str, Any] | None:
    """Fit the recipe's baseline on the training split, and run it on validation and test."""
    from zoo.data.preprocessing import chunks
    from zoo.evaluation.baselines import baseline_output, fit_baseline
    from zoo.tasks import TASKS

    recipe, dataset = problem.recipe, problem.dataset
    name = recipe.evaluation.baseline
    if name is None:
        return None
    console.print(f"Baseline: {name.replace('_', ' ')} on the same split …")

    def features(split: Any) -> np.ndarray:
        pre = problem.preprocessor
        parts = [(c * pre.scale + pre.offset).astype(np.float32).reshape(len(c), -1) for c in chunks(split, pre)]
        return np.concatenate(parts)

    kind = TASKS[recipe.task].kind
    fitted = fit_baseline(
        name,
        kind,
        features(dataset.train),
        dataset.train.targets,
        seed=recipe.training.seed,
        scale=dataset.signature.kind != "image",
    )
    classes = len(dataset.signature.labels)
    return {
        "name": name,
        "validation": baseline_output(fitted, features(dataset.validation), kind, classes),
        "test": baseline_output(fitted, features(dataset.test), kind, classes),
        "seconds": fitted.seconds,
        "examples": fitted.examples,
        "converged": fitted.converged,
    }


def _report(
    run: Any, loaded: Any, problem: Any, fitted: Any, facts: Any, outputs: Any, baseline: dict[str, Any] | None
) -> dict[str, Any]:
    from zoo.evaluation.report import Predictions, build_report, write_report
    from zoo.profile import count_flops, count_parameters

    environment = run.environment
    dataset = problem.dataset
    report = build_report(
        task=loaded.recipe.task,
        recipe=loaded.name,
        model=loaded.recipe.model.name,
        outputs=outputs,
        labels=dataset.signature.labels,
        history=fitted.history,
        data=facts,
        seed=loaded.recipe.training.seed,
        seconds=fitted.seconds,
        parameters=count_parameters(problem.views.network),
        versions=environment["versions"],
        hardware=environment["hardware"],
        config=loaded.to_yaml(),
        baseline=baseline,
        flops=count_flops(problem.views.network),
    )

    def example(position: int) -> Any:
        raw = dataset.test.take(np.array([position]))
        return {name: values[0] for name, values in raw.items()} if isinstance(raw, dict) else raw[0]

    y, output = outputs["test"]
    shown = example if dataset.signature.kind != "array" else None
    predictions = Predictions(y, output, dataset.signature.labels, shown, baseline["test"] if baseline else None)
    write_report(run.folder, report, predictions)
    return report


def _say_result(console: Console, report: dict[str, Any]) -> None:
    from zoo.tasks import TASKS

    primary = TASKS[report["task"]].primary
    bounds = report["intervals"]["test"].get(primary)
    interval = f" (95% interval {bounds[0]:.4f} to {bounds[1]:.4f})" if bounds else ""
    console.print(f"Test {primary}: [bold]{report['metrics']['test'][primary]:.4f}[/]{interval}")
    console.print(f"  {report['verdict']}", markup=False)


def _say_export(console: Console, certificate: dict[str, Any]) -> None:
    console.print(
        f"Exported {certificate['bytes'] / 1024:,.0f} KB: largest difference from Keras "
        f"{certificate['max_abs_difference']:.1e} on {certificate['samples']:,} test examples, "
        f"{certificate['label_flips']} labels differ"
    )
