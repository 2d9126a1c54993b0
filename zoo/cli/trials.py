"""Commands that train a recipe several times: to improve a run, for its learning curve, and to ablate it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zoo.cli.app import app
from zoo.commands.options import Json, Overrides, Plot, Recipe, Run
from zoo.errors import ZooError
from zoo.utils.console import ERR, print_result
from zoo.utils.stopping import StopRequests

Seeds = Annotated[int, typer.Option(min=1, max=100, help="Trainings of each, whose figures are averaged.")]


@app.command()
def improve(
    run: Run,
    minutes: Annotated[float, typer.Option(min=0, help="After which no trial begins.")] = 30.0,
    trials: Annotated[int, typer.Option(min=1, max=1000, help="Trials that are trained at most.")] = 8,
    as_json: Json = False,
) -> None:
    """Try the edits that a run's diagnosis proposes, in their order; keep what validation calls better."""
    from zoo.commands import improve as improving

    stop = StopRequests()
    with stop.listening():
        found = improving.improve(run, minutes=minutes, trials=trials, console=ERR, stop=stop)
    print_result(found, improving.summary(found), as_json)


@app.command()
def curve(
    recipe: Recipe,
    overrides: Overrides = None,
    fractions: Annotated[
        str | None, typer.Option(help="Parts of the training examples, such as 0.1,0.2,0.5,1; four or more.")
    ] = None,
    seeds: Seeds = 1,
    folder: Annotated[
        Path | None, typer.Option(help="Where the runs are kept; curves/RECIPE where it is left out.")
    ] = None,
    output: Plot = None,
    as_json: Json = False,
) -> None:
    """Train a recipe on parts of its data; say by a power law what twice the data would bring. Resumes if killed."""
    from zoo.commands import curve as curves

    given = curves.FRACTIONS if fractions is None else _numbers(fractions)
    stop = StopRequests()
    with stop.listening():
        found = curves.curve(
            recipe, overrides or [], fractions=given, seeds=seeds, folder=folder, output=output, console=ERR, stop=stop
        )
    print_result(found, curves.summary(found), as_json)


@app.command()
def ablate(
    recipe: Recipe,
    overrides: Overrides = None,
    seeds: Seeds = 1,
    folder: Annotated[
        Path | None, typer.Option(help="Where the runs are kept; ablations/RECIPE where it is left out.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Train a recipe without each of its techniques in turn; say what each brings on validation. Resumes if killed."""
    from zoo.commands import ablate as ablating

    stop = StopRequests()
    with stop.listening():
        found = ablating.ablate(recipe, overrides or [], seeds=seeds, folder=folder, console=ERR, stop=stop)
    print_result(found, ablating.summary(found), as_json)


def _numbers(text: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise ZooError(f"--fractions: expected numbers with commas, such as 0.1,0.2,0.5,1; received {text}") from None
