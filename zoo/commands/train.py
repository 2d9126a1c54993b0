"""`zoo train`: data, model, training, evaluation, report, export."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from zoo.backend.processes import Place, check_backend, joined
from zoo.backend.startup import start_keras
from zoo.commands.export import check_exports_here, exported, print_export, try_in_other_process, try_in_this_process
from zoo.commands.given_data import data_overrides, given_data
from zoo.commands.reopen import SILENT, check_same_data
from zoo.commands.run import Run
from zoo.errors import ZooError
from zoo.recipe import load_recipe
from zoo.recipe.overrides import Overrides, override_lines
from zoo.utils.console import headline, print_notes
from zoo.utils.files import replacing, write_json

if TYPE_CHECKING:
    from zoo.data.dataset import Dataset
    from zoo.data.memory.given import MemoryData
    from zoo.recipe import LoadedRecipe
    from zoo.training.problem import Problem
    from zoo.training.run import Run as RunFolder
    from zoo.training.stages import Stage
    from zoo.utils.stopping import StopRequests


def train(
    recipe: str | Path | None = None,
    overrides: Overrides = (),
    *,
    data: Any = None,
    target: str | None = None,
    validation: Any = None,
    test: Any = None,
    runs: str | Path = "runs",
    resume: str | os.PathLike[str] | None = None,
    export: bool | None = None,
    console: Console = SILENT,
) -> Run:
    """Train a recipe, evaluate it once on the test split against its baseline, report, and export.

    Args:
        recipe: a shipped recipe (`cnn/digits`), the path of a recipe file or, with `data`, a base such as
            `_base/tabular_classification`, whose open sections are chosen by the number of examples.
        overrides: `key.path=value`; or a dict, such as `{"training.epochs": 5}`.
        data: in place of the recipe's source: a data frame (pandas, Polars), a dict of columns, `(x, y)` with arrays,
            texts, images or a data frame, a `tf.data.Dataset`, a `keras.utils.PyDataset`, or a Hugging Face `Dataset`.
        target: the column of `data` to predict, or what to call the targets `y`.
        validation: the same for the validation split, which is cut from `data` where it is left out.
        test: the same for the test split.
        runs: folder for the run folder.
        resume: folder of an interrupted run to resume, in place of a recipe: what it lacks is made, be it the training,
            the report or the export.
        export: whether to write the ONNX file. Where it is left out, a new run is exported, and one that is resumed if
            it was begun so.
        console: where progress is shown.

    Returns:
        The run: its metrics, report, model and predictions. It is the path of its folder where a path is wanted.

    Raises:
        ZooError: a problem with the recipe or the data, found before training starts; a failed training or export; or
            another process works on the run.
    """
    memory = given_data(data, target, validation, test)
    folder = train_together(
        None,
        recipe,
        [*override_lines(overrides), *([] if resume is not None else data_overrides(memory, target))],
        runs=runs,
        resume=resume,
        export=export,
        console=console,
        memory=memory,
    )
    assert folder is not None
    return Run(folder, memory)


def train_together(
    place: Place | None,
    recipe: str | Path | None,
    overrides: Sequence[str] = (),
    *,
    runs: str | Path = "runs",
    resume: str | os.PathLike[str] | None = None,
    export: bool | None = None,
    console: Console = SILENT,
    stop: StopRequests | None = None,
    memory: MemoryData | None = None,
) -> Path | None:
    """Train a recipe as one of several processes: see `train`, and `zoo.backend.processes` for the place of this one.

    Args:
        place: the place of this process; None where it is alone.
        recipe: see `train`, as of all that follow.
        overrides: likewise.
        runs: likewise.
        resume: likewise.
        export: likewise.
        console: likewise.
        stop: what signals ask for: the training stops after a step and writes its state.
        memory: data of a Python program, which takes the place of the recipe's source.

    Returns:
        The run folder; None in a process that is not the first.
    """
    started = time.perf_counter()
    if (recipe is None) == (resume is None) or (resume is not None and overrides):
        raise ZooError("name a recipe, or a run to resume (--resume RUN), which has its recipe and its overrides")
    with ExitStack() as stack:
        work = _Work(place=place, runs=Path(runs), console=console, stack=stack, export=export is not False, stop=stop)
        if resume is not None:
            work.reopen(resume, export)
            if not work.is_first and "training" not in work.missing:
                console.print("Trained already; the first process evaluates and exports")
                return None
        examples = None if memory is None else len(memory)
        loaded = load_recipe(recipe, overrides, examples=examples) if recipe is not None else work.existing.recipe()
        console.print(headline(loaded.name, loaded.recipe.description or loaded.recipe.model.name))
        start_keras(loaded.recipe.training.processors)
        check_backend(place)
        if memory is not None and "export" in work.missing:
            check_exports_here()
        from zoo.data.sources.load import load_dataset
        from zoo.tasks import TASKS
        from zoo.training.saved_model import load_model

        dataset = load_dataset(loaded.recipe.data, TASKS[loaded.recipe.task], loaded.recipe.preprocess, memory)
        if work.missing != ["export"]:
            _train_and_report(work, loaded, dataset)
            if work.run is None or not work.is_first:
                console.print("Trained; the first process evaluates and exports")
                return None
        run = work.existing
        if "export" in work.missing:
            check_same_data(run, dataset)
            print_export(console, exported(run, dataset, load_model(run)))
        console.print(f"Done in {time.perf_counter() - started:.0f} s. Report: {run.folder / 'report.html'}")
        return run.folder


@dataclass(kw_only=True)
class _Work:
    """What one process has to do for a run.

    Attributes:
        place: its place among several processes.
        runs: folder for a new run folder.
        console: where progress is shown.
        stack: holds the run's lock to the end.
        export: whether the run is to be exported.
        stop: what signals ask for.
        run: the run; None before it is created, and in a process that is not the first.
        missing: the stages that are to be done.
        has_checkpoint: there is a state of the training to go on from.
    """

    place: Place | None
    runs: Path
    console: Console
    stack: ExitStack
    export: bool
    stop: StopRequests | None = None
    run: RunFolder | None = None
    missing: list[Stage] = field(default_factory=list)
    has_checkpoint: bool = False

    def __post_init__(self) -> None:
        self.is_first = self.place is None or self.place.process == 0
        self.missing = ["training", "report", "export"] if self.export else ["training", "report"]

    @property
    def existing(self) -> RunFolder:
        """The run, which is there."""
        assert self.run is not None
        return self.run

    def reopen(self, folder: str | os.PathLike[str], export: bool | None) -> None:
        """Take an interrupted run.

        Raises:
            ZooError: it is whole, cannot be resumed, or another process works on it.
        """
        from zoo.training.callbacks.state import state_files
        from zoo.training.run import open_run
        from zoo.training.stages import held, missing_stages, record_request, wants_export

        self.run = open_run(folder)
        if self.is_first:
            self.stack.enter_context(held(self.run))
        self.export = wants_export(self.run) if export is None else export
        self.missing = missing_stages(self.run, export=self.export)
        if not self.missing and self.is_first:
            raise ZooError(
                f"{folder}: this run is finished already; `zoo report` makes its report again, `zoo export` its ONNX "
                "file"
            )
        self.has_checkpoint = bool(state_files(self.run.folder / "checkpoints"))  # else it starts from the beginning
        if self.is_first:
            record_request(self.run, export=self.export)

    def create(self, loaded: LoadedRecipe, facts: dict[str, Any]) -> None:
        """Make a new run's folder."""
        from zoo.training.run import create_run
        from zoo.training.stages import held, record_request

        self.run = create_run(loaded, self.runs)
        self.stack.enter_context(held(self.run))
        record_request(self.run, export=self.export)
        write_json(self.run.folder / "data.json", facts)


def _train_and_report(work: _Work, loaded: LoadedRecipe, dataset: Dataset) -> None:
    """Do the stages before the export that are missing."""
    from zoo.commands.write_report import evaluate_and_report
    from zoo.data.audit import audit
    from zoo.evaluation.kinds import check_before_training
    from zoo.training.effect import step_notes
    from zoo.training.fit import fit
    from zoo.training.problem import set_up
    from zoo.training.saved_model import load_model
    from zoo.training.stages import read_fitted, write_fitted

    console, is_training = work.console, "training" in work.missing
    facts = audit(dataset)
    if work.run is None and work.is_first and work.export:
        try_in_other_process(loaded)
    with joined(work.place if is_training else None, work.stop):
        problem = set_up(loaded.recipe, dataset)
        if problem.pretrained is not None:
            facts["pretrained"] = problem.pretrained
        steps = len(problem.train) // loaded.recipe.training.batch_size
        facts["findings"] = [*loaded.notes, *facts["findings"], *step_notes(loaded.recipe, steps)]
        _print_start(console, problem, facts)
        check_before_training(problem)
        if work.run is not None:
            _check_data(work, facts, dataset)
        elif work.is_first:
            if work.export:
                try_in_this_process(loaded, dataset, problem.views.saved)
            work.create(loaded, facts)
        if work.run is not None:
            console.print(f"{'Training' if is_training else 'Trained already'} in {work.run.folder}")
        if is_training:
            folder = work.run.folder if work.run else None
            fitted = fit(problem, folder, console, resume=work.has_checkpoint, stop=work.stop)
    if work.run is None or not work.is_first:
        return
    if is_training:
        with replacing(work.run.model_path) as path:
            problem.views.saved.save(path)
        write_fitted(work.run, fitted)
        if fitted.kept_epoch < len(fitted.history):
            console.print(f"Kept epoch {fitted.kept_epoch}, the best on validation")
    else:
        fitted = read_fitted(work.run)
        problem.views.saved.set_weights(load_model(work.run).get_weights())
    report = evaluate_and_report(
        run=work.run, loaded=loaded, problem=problem, fitted=fitted, facts=facts, console=console, train=train
    )
    _print_result(console, report)


def _check_data(work: _Work, facts: dict[str, Any], dataset: Dataset) -> None:
    """Check that the data is that of a run; one that was killed at its beginning does not say which that was."""
    run = work.existing
    if (run.folder / "data.json").exists() or work.has_checkpoint or "training" not in work.missing:
        check_same_data(run, dataset)
    elif work.is_first:
        write_json(run.folder / "data.json", facts)


def _print_start(console: Console, problem: Problem, facts: dict[str, Any]) -> None:
    """Say what the data and the model are."""
    from zoo.backend.size import count_parameters

    model = problem.recipe.model
    sizes = ", ".join(f"{count:,} {name}" for name, count in facts["splits"].items())
    console.print(f"Data: {problem.dataset.name}: {sizes}")
    print_notes(facts["findings"], console, indent="  ")
    console.print(f"Model: {model.name}, {count_parameters(problem.views.network):,} parameters")
    if problem.pretrained is not None:
        console.print(
            f"  beginning with the encoder of {problem.pretrained['recipe']}{', frozen' if model.freeze else ''}"
        )


def _print_result(console: Console, report: dict[str, Any]) -> None:
    from zoo.tasks import TASKS

    primary = TASKS[report["task"]].primary
    bounds = report["intervals"]["test"].get(primary)
    interval = f" (95% interval {bounds[0]:.4f} to {bounds[1]:.4f})" if bounds else ""
    console.print(f"Test {primary}: {report['metrics']['test'][primary]:.4f}{interval}")
    console.print(f"  {report['verdict']}", markup=False)
