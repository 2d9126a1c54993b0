"""`zoo report`: the report of a trained run again."""

from __future__ import annotations

import os
from collections.abc import Collection
from typing import Any

from rich.console import Console

from zoo.backend.startup import start_keras
from zoo.commands.reopen import SILENT, reopen
from zoo.commands.train import train, train_together
from zoo.tasks import ANALYSES
from zoo.training.run_files import read_run_file


def report(
    run_folder: str | os.PathLike[str], *, console: Console = SILENT, analyses: Collection[str] = ()
) -> dict[str, Any]:
    """Evaluate a run's saved model again, and write `report.html` and `report.json` anew.

    Args:
        run_folder: the run.
        console: where progress is shown.
        analyses: what is added to the evaluation, beside what the recipe asks for and the report has already.

    Returns:
        The report, as it stands in `report.json`.

    Raises:
        ZooError: no such run, one that is not trained or still in use, or other data than the run was trained on.
    """
    from zoo.training.run import open_run
    from zoo.training.stages import held, read_fitted

    run = open_run(run_folder)
    with held(run):
        start_keras(run.recipe().recipe.training.processors)
        from zoo.audit.audit import audit
        from zoo.commands.folds import cross_validate
        from zoo.commands.teacher import taught_by
        from zoo.commands.write_report import evaluate_and_report
        from zoo.evaluation.analyses import check_analyses
        from zoo.training.problem import set_up
        from zoo.training.saved_model import load_model

        check_analyses(run.recipe().recipe.task, analyses)
        before = read_run_file(run.folder / "report.json") if (run.folder / "report.json").is_file() else {}
        fitted, model = read_fitted(run), load_model(run)
        _, loaded, dataset = reopen(run_folder)
        console.print(f"Reporting {run.folder}")
        problem = set_up(loaded.recipe, dataset)
        problem.views.saved.set_weights(model.get_weights())
        facts = audit(dataset, loaded.recipe, loaded.notes)
        if problem.pretrained is not None:
            facts["pretrained"] = problem.pretrained
        facts |= taught_by(run)
        memory = getattr(run_folder, "memory", None)
        return evaluate_and_report(
            run=run,
            loaded=loaded,
            problem=problem,
            fitted=fitted,
            facts=facts,
            console=console,
            train=train,
            cross_validation=cross_validate(run, loaded, memory=memory, console=console, train_together=train_together),
            analyses={*analyses, *(name for name in ANALYSES if name in before)},
        )
