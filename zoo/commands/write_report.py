"""The report of a trained run: collects what it shows, and writes it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.backend.size import count_flops, count_parameters
from zoo.errors import ZooError
from zoo.evaluation.analyses import add_analyses
from zoo.evaluation.conformal import interval_metrics
from zoo.evaluation.kinds import KINDS
from zoo.evaluation.report.build import build_report, write_report
from zoo.evaluation.report.pictures import spectrogram_picture
from zoo.evaluation.report.predictions import Predictions
from zoo.evaluation.result import TrainedTask
from zoo.evaluation.slices.find import add_slices
from zoo.postprocessing.sampling import sample
from zoo.recipe.task import task_of
from zoo.tasks import TASKS
from zoo.training.problem import build_network
from zoo.training.saved_as_measured import check_saved
from zoo.training.saved_model import load_model

if TYPE_CHECKING:
    from keras import Model
    from rich.console import Console

    from zoo.data.dataset import Dataset
    from zoo.evaluation.result import TaskResult
    from zoo.recipe import LoadedRecipe
    from zoo.training.fit import Fitted
    from zoo.training.problem import Problem
    from zoo.training.run import Run

_MAX_BUILT_PARAMETERS = 20_000_000  # of a network that is built to see whether its settings fit; takes seconds
_PROMPT_CHARACTERS = 16  # that a language model is given
_SAMPLE_CHARACTERS = 400  # that it adds


def evaluate_and_report(
    *,
    run: Run,
    loaded: LoadedRecipe,
    problem: Problem,
    fitted: Fitted,
    facts: Mapping[str, Any],
    console: Console,
    train: Callable[..., Run],
    cross_validation: Mapping[str, Any] | None = None,
    analyses: Collection[str] = (),
) -> dict[str, Any]:
    """Evaluate the saved model of a run, and write its report.

    Args:
        run: the run folder, which holds the model.
        loaded: its recipe.
        problem: data and model, with the weights of the saved one.
        fitted: what training returned.
        facts: what the audit found in the data.
        console: where progress is shown.
        train: `zoo.commands.train.train`.
        cross_validation: what `zoo.commands.folds.cross_validate` returned, where the recipe asks for folds.
        analyses: what is added to those that the recipe asks for (`zoo.evaluation.analyses`).

    Returns:
        The report, as it stands in `report.json`.

    Raises:
        ZooError: the saved model is not the one that training measured.
    """
    model = load_model(run)  # what is evaluated is what was saved
    check_saved(problem, model, fitted.history[fitted.kept_epoch - 1])
    trained = TrainedTask(problem=problem, model=model, folder=run.folder, console=console, train=train)
    result = KINDS[TASKS[loaded.recipe.task].kind](trained)
    if cross_validation is not None:
        result.facts["cross_validation"] = cross_validation
    add_slices(problem, result)
    add_analyses(trained, result, analyses)
    return report_run(run=run, loaded=loaded, problem=problem, model=model, fitted=fitted, facts=facts, result=result)


def report_run(
    *,
    run: Run,
    loaded: LoadedRecipe,
    problem: Problem,
    model: Model,
    fitted: Fitted,
    facts: Mapping[str, Any],
    result: TaskResult,
) -> dict[str, Any]:
    """Write `report.html` and `report.json` of a trained run.

    Args:
        run: the run folder.
        loaded: its recipe.
        problem: data and model.
        model: the saved model.
        fitted: what training returned.
        facts: what the audit found in the data.
        result: the evaluation of the model.

    Returns:
        The report, as it stands in `report.json`.
    """
    environment, dataset = run.environment, problem.dataset
    report = build_report(
        task=task_of(loaded.recipe),
        recipe=loaded.name,
        model=loaded.recipe.model.name,
        outputs=result.outputs,
        labels=dataset.signature.labels or dataset.signature.targets,
        history=fitted.history,
        data=facts,
        seed=loaded.recipe.training.seed,
        seconds=fitted.seconds,
        parameters=count_parameters(problem.views.network),
        versions=environment["versions"],
        hardware=environment["hardware"],
        config=loaded.run_yaml(),
        baseline=result.baseline,
        flops=count_flops(problem.views.network, length=problem.preprocessor.shape[0]),
        kept_epoch=fitted.kept_epoch,
        loaded=loaded,
        is_buildable=lambda changed: _is_buildable(problem, changed),
    )
    report |= result.facts
    report["metrics"]["test"] |= interval_metrics(result.facts)
    write_report(run.folder, report, _predictions(problem, model, result))
    return report


def _is_buildable(problem: Problem, changed: LoadedRecipe) -> bool:
    """Return whether a recipe's network can be built for the data; large ones are not tried, for the time it takes."""
    if count_parameters(problem.views.network) > _MAX_BUILT_PARAMETERS:
        return True
    try:
        build_network(changed.recipe, problem.dataset.signature, problem.preprocessor)
    except ZooError:
        return False
    return True


def _predictions(problem: Problem, model: Model, result: TaskResult) -> Predictions:
    """Collect what the page shows beyond the metrics."""
    dataset, task = problem.dataset, TASKS[problem.recipe.task]
    series = dataset.series

    def example(position: int) -> Any:
        raw = dataset.test.take(np.array([position]))
        if dataset.signature.kind == "audio":
            return spectrogram_picture(problem.preprocessor.prepare(raw)[0, ..., 0])
        return {name: values[0] for name, values in raw.items()} if isinstance(raw, dict) else raw[0]

    def reconstruction(position: int) -> np.ndarray:
        raw = dataset.test.take(np.array([position]))
        image = model.predict_on_batch(np.asarray(raw))["reconstruction"][0]
        return np.asarray(np.round(np.clip(image, 0, 1) * 255), np.uint8)

    y, output = result.outputs["test"]
    return Predictions(
        y_true=y,
        output=output,
        labels=dataset.signature.labels or dataset.signature.targets,
        example=example if dataset.signature.kind not in ("array", "series", "tokens", "graph") else None,
        baseline_output=result.baseline["test"] if result.baseline else None,
        samples=_samples(model, dataset) if task.reads_corpus and not task.fills_in else (),
        context=(lambda window: series.before("test", window)) if series is not None else None,
        series=[series.names[i] for i in series.series_of("test")] if series is not None else (),
        reconstruction=reconstruction if task.reconstructs and dataset.signature.kind == "image" else None,
        pictures=result.pictures,
    )


def _samples(model: Model, dataset: Dataset) -> list[dict[str, str]]:
    """Return texts that a language model writes, each from the start of a test window."""
    tokenizer, length = dataset.signature.tokenizer, dataset.signature.shape[0]
    assert tokenizer is not None and length is not None
    found: list[dict[str, str]] = []
    for temperature, top_p in ((0.5, None), (0.8, 0.95), (1.0, None)):
        prompt = dataset.test.take([len(found)])[0][:_PROMPT_CHARACTERS]
        ids = sample(
            lambda tokens: model.predict_on_batch(tokens[:, -length:])[:, -1],
            tokenizer.encode([prompt]),
            length=_SAMPLE_CHARACTERS,
            temperature=temperature,
            top_p=top_p,
            seed=0,
        )
        settings = f"temperature {temperature}" + (f", top-p {top_p}" if top_p else "")
        found.append({"settings": settings, "text": tokenizer.decode(ids[0])})
    return found
