"""`zoo train`: data, model, training, evaluation, report, export."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from zoo.backend.processes import Place, check_backend, joined
from zoo.backend.startup import start_keras
from zoo.commands.apply import apply_edit
from zoo.commands.export import check_exports_here, exported, print_export, try_in_other_process, try_in_this_process
from zoo.commands.given_data import given
from zoo.commands.init import is_data
from zoo.commands.reopen import SILENT, check_same_data
from zoo.commands.run import Run
from zoo.commands.train_output import print_result, print_start
from zoo.commands.work import Work
from zoo.errors import ZooError
from zoo.recipe import LoadedRecipe, load_recipe
from zoo.recipe.overrides import Overrides, override_lines
from zoo.utils.console import headline, print_notes
from zoo.utils.files import replacing
from zoo.utils.notebook import default_console

if TYPE_CHECKING:
    from zoo.data.dataset import Dataset
    from zoo.data.memory.given import MemoryData
    from zoo.training.fit import Fitted
    from zoo.training.problem import Problem
    from zoo.utils.stopping import StopRequests

    MakeWeights = Callable[[Problem, dict[str, Any]], Fitted]


def train(
    recipe: str | Path | Run | None = None,
    overrides: Overrides = (),
    *,
    data: Any = None,
    target: str | None = None,
    validation: Any = None,
    test: Any = None,
    runs: str | Path = "runs",
    resume: str | os.PathLike[str] | None = None,
    export: bool | None = None,
    apply: int | None = None,
    console: Console | None = None,
) -> Run:
    """Train a recipe, evaluate it once on the test split against its baseline, report, and export.

    Args:
        recipe: a shipped recipe (`cnn/digits`), the path of a recipe file or, with `data`, a base such as
            `_base/tabular_classification`, whose open sections are chosen by the number of examples. Where it is left
            out, one is proposed for the data, as `zoo.init` does; `data.json` and the report say what and why.
        overrides: `key.path=value`; or a dict, such as `{"training.epochs": 5}`.
        data: in place of the recipe's source: a data frame (pandas, Polars), a dict of columns, `(x, y)` with arrays,
            texts, images or a data frame, a `tf.data.Dataset`, a `keras.utils.PyDataset`, or a Hugging Face `Dataset`;
            or the path of a file or folder.
        target: the column of `data` to predict, or what to call the targets `y`.
        validation: the same for the validation split, which is cut from `data` where it is left out.
        test: the same for the test split.
        runs: folder for the run folder.
        resume: folder of an interrupted run to resume, in place of a recipe: what it lacks is made, be it the training,
            the report or the export.
        export: whether to write the ONNX file. Where it is left out, a new run is exported, and one that is resumed if
            it was begun so.
        apply: number, from 1, of an edit that the report of a run proposes: `recipe` is that run, or a recipe, of which
            it is the newest run in `runs`.
        console: where progress is shown; the cell, in a notebook, and nowhere in other programs, where it is left out.

    Returns:
        The run: its metrics, report, model and predictions. It is the path of its folder where a path is wanted.

    Raises:
        ZooError: a problem with the recipe or the data, found before training starts; a failed training or export; or
            another process works on the run.
    """
    if apply is not None:
        return _train_edited(recipe, apply, overrides, runs=runs, export=export, console=console)
    if isinstance(recipe, Run):
        raise ZooError(f"{recipe} is a run: name its recipe, or resume=, or apply= and the number of an edit")
    if data is None and recipe is not None and is_data(str(recipe)):
        data, recipe = Path(recipe), None
    what = given(data, target, validation, test)
    loaded: str | Path | LoadedRecipe | None = recipe
    lines = override_lines(overrides)
    if resume is None and (recipe is not None or data is not None):
        loaded, lines = what.load(recipe, overrides), []
    elif what.path is not None:
        raise ZooError(f"data={str(data)!r}: a run that is resumed has its source; leave it out")
    folder = train_together(
        None,
        loaded,
        lines,
        runs=runs,
        resume=resume,
        export=export,
        console=console or default_console(),
        memory=what.memory,
    )
    assert folder is not None
    return Run(folder, what.memory)


def _train_edited(
    recipe: str | os.PathLike[str] | None,
    number: int,
    overrides: Overrides,
    *,
    runs: str | Path,
    export: bool | None,
    console: Console | None,
) -> Run:
    """Train the recipe of a run with an edit of its report; with the data that the run was given, if it was."""
    if recipe is None:
        raise ZooError("apply: name the run, or its recipe")
    loaded, memory = apply_edit(recipe, number, overrides, runs=runs), getattr(recipe, "memory", None)
    folder = train_together(None, loaded, runs=runs, export=export, console=console or default_console(), memory=memory)
    assert folder is not None
    return Run(folder, memory)


def train_together(
    place: Place | None,
    recipe: str | Path | LoadedRecipe | None,
    overrides: Sequence[str] = (),
    *,
    runs: str | Path = "runs",
    resume: str | os.PathLike[str] | None = None,
    export: bool | None = None,
    console: Console = SILENT,
    stop: StopRequests | None = None,
    memory: MemoryData | None = None,
    make_weights: MakeWeights | None = None,
) -> Path | None:
    """Train a recipe as one of several processes: see `train`, and `zoo.backend.processes` for the place of this one.

    Args:
        place: the place of this process; None where it is alone.
        recipe: see `train`, as of all that follow; or a recipe that is loaded.
        overrides: likewise.
        runs: likewise.
        resume: likewise.
        export: likewise.
        console: likewise.
        stop: what signals ask for: the training stops after a step and writes its state.
        memory: data of a Python program, which takes the place of the recipe's source.
        make_weights: what takes the place of training: gives the model its weights, adds to the facts on the data where
            they are from, and returns their metrics.

    Returns:
        The run folder; None in a process that is not the first.
    """
    started = time.perf_counter()
    if (recipe is None) == (resume is None) or (resume is not None and overrides):
        raise ZooError("name a recipe, or a run to resume (--resume RUN), which has its recipe and its overrides")
    with ExitStack() as stack:
        work = Work(place=place, runs=Path(runs), console=console, stack=stack, export=export is not False, stop=stop)
        if resume is not None:
            work.reopen(resume, export)
            if not work.is_first and "training" not in work.missing:
                console.print("Trained already; the first process evaluates and exports")
                return None
        if isinstance(recipe, LoadedRecipe):
            loaded = recipe
        else:
            loaded = load_recipe(recipe, overrides) if recipe is not None else work.existing.recipe()
        console.print(headline(loaded.name, loaded.recipe.description or loaded.recipe.model.name))
        start_keras(loaded.recipe.training.processors)
        check_backend(place)
        if place is not None and loaded.recipe.evaluation.folds is not None:
            raise ZooError("evaluation.folds: the folds are trained by one process; leave out --coordinator")
        if memory is not None and "export" in work.missing:
            check_exports_here()
        from zoo.data.sources.load import load_dataset
        from zoo.tasks import TASKS
        from zoo.training.saved_model import load_model

        dataset = load_dataset(loaded.recipe.data, TASKS[loaded.recipe.task], loaded.recipe.preprocess, memory)
        if work.missing != ["export"]:
            _train_and_report(work, loaded, dataset, memory, make_weights)
            if work.run is None or not work.is_first:
                console.print("Trained; the first process evaluates and exports")
                return None
        run = work.existing
        if "export" in work.missing:
            check_same_data(run, dataset)
            print_export(console, exported(run, dataset, load_model(run)))
        console.print(f"Done in {time.perf_counter() - started:.0f} s. Report: {run.folder / 'report.html'}")
        return run.folder


def _train_and_report(
    work: Work,
    loaded: LoadedRecipe,
    dataset: Dataset,
    memory: MemoryData | None,
    make_weights: MakeWeights | None,
) -> None:
    """Do the stages before the export that are missing."""
    from zoo.audit.accept import refuse_errors
    from zoo.audit.audit import audit, with_notes
    from zoo.audit.finding import as_findings
    from zoo.commands.folds import check_folds, cross_validate
    from zoo.commands.snapshot import check_snapshot
    from zoo.commands.teacher import load_teacher, taught_by
    from zoo.commands.write_report import evaluate_and_report
    from zoo.evaluation.kinds import check_before_training
    from zoo.evaluation.watched import measure_of, watch_notes
    from zoo.tasks import TASKS
    from zoo.training.effect import long_text_notes, step_notes
    from zoo.training.fit import fit
    from zoo.training.lora import save_adapters
    from zoo.training.problem import set_up
    from zoo.training.saved_model import load_model
    from zoo.training.stages import read_fitted, write_fitted, write_rows
    from zoo.training.teacher import teach
    from zoo.training.temperature import fit_temperature, temperature_notes

    console, is_training = work.console, "training" in work.missing
    check_snapshot(dataset, loaded.recipe.data)
    facts = audit(dataset, loaded.recipe, loaded.notes)
    if work.run is None:
        refuse_errors(as_findings(facts["findings"]), loaded.recipe.data.accept, dataset.name)
    if work.run is None and work.is_first and work.export:
        try_in_other_process(loaded)
    with joined(work.place if is_training else None, work.stop):
        problem = set_up(loaded.recipe, dataset)
        if problem.pretrained is not None:
            facts["pretrained"] = problem.pretrained
        if loaded.recipe.training.teacher is not None and is_training:
            teacher = load_teacher(problem, console)
            problem, facts["teacher"] = teach(problem, teacher), teacher.facts
        elif work.run is not None:
            facts |= taught_by(work.run)
        steps = len(problem.train) // loaded.recipe.training.batch_size
        notes = [*step_notes(loaded.recipe, steps), *watch_notes(problem)]
        if TASKS[loaded.recipe.task].kind == "transcription":
            notes += long_text_notes(dataset.train.targets, problem.views.network.output_shape[1])
        facts["findings"] = with_notes(facts["findings"], notes)
        print_start(console, problem, facts)
        made = None if make_weights is None else make_weights(problem, facts)
        check_before_training(problem)
        check_folds(loaded, memory)
        if work.run is not None:
            work.check_data(facts, dataset)
        elif work.is_first:
            if work.export:
                try_in_this_process(loaded, dataset, problem.views.saved)
            work.create(loaded, facts)
        if work.run is not None:
            doing = "Trained already" if not is_training else "Training" if made is None else "Writing the run"
            console.print(f"{doing} in {work.run.folder}")
        if made is not None and work.run is not None:
            fitted = made
            write_rows(work.run.folder, made.history)
        elif is_training:
            folder = work.run.folder if work.run else None
            measure = measure_of(problem)
            fitted = fit(problem, folder, console, resume=work.has_checkpoint, measure=measure, stop=work.stop)
    if work.run is None or not work.is_first:
        return
    if is_training:
        temperature = fit_temperature(problem)
        if temperature is not None:
            console.print(f"Temperature {temperature:.3g}, fitted on {len(dataset.validation):,} validation examples")
            print_notes(temperature_notes(temperature), console, indent="  ")
        if loaded.recipe.model.lora is not None:
            save_adapters(problem.views.learner, work.run.folder / "adapters.npz")
        with replacing(work.run.model_path) as path:
            problem.views.saved.save(path)
        write_fitted(work.run, fitted)
        if fitted.kept_epoch < len(fitted.history):
            console.print(f"Kept epoch {fitted.kept_epoch}, the best on validation")
    else:
        fitted = read_fitted(work.run)
        problem.views.saved.set_weights(load_model(work.run).get_weights())
    validated = cross_validate(
        work.run, loaded, memory=memory, console=console, train_together=train_together, stop=work.stop
    )
    report = evaluate_and_report(
        run=work.run,
        loaded=loaded,
        problem=problem,
        fitted=fitted,
        facts=facts,
        console=console,
        train=train,
        cross_validation=validated,
    )
    print_result(console, report, work.run.folder)
