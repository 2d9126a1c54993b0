"""Commands from data to a run: a recipe for it, training, searches, learning rates."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from zoo.cli.app import app
from zoo.commands.options import Json, Overrides, Plot, Recipe, Runs, Target
from zoo.errors import ZooError
from zoo.utils.console import ERR, OUT, print_json, print_plot, print_result
from zoo.utils.stopping import StopRequests


@app.command()
def init(
    path: Annotated[Path, typer.Argument(help="A table, arrays (.npz), sequences (.ts), text, or a folder.")],
    target: Target = None,
    output: Annotated[Path | None, typer.Option(help="Recipe file; PATH's name with .yaml where left out.")] = None,
    as_json: Json = False,
) -> None:
    """Look at data and write a recipe that trains on it, with the reason for each line."""
    from zoo.commands.init import init as write_recipe
    from zoo.commands.init import print_made

    made = write_recipe(path, target, output=output)
    if not as_json:
        print_made(made, ERR)
    print_result(made, [made["recipe"]], as_json)


@app.command()
def train(
    context: typer.Context,
    recipe: Annotated[
        str | None, typer.Argument(help="A shipped recipe (cnn/digits), a recipe file, or data for `zoo init`.")
    ] = None,
    overrides: Overrides = None,
    target: Target = None,
    runs: Runs = Path("runs"),
    resume: Annotated[Path | None, typer.Option(help="Resume an interrupted run, in place of a recipe.")] = None,
    export: Annotated[
        bool | None, typer.Option("--export/--no-export", help="Write the ONNX file at the end; a new run does.")
    ] = None,
    apply: Annotated[
        int | None,
        typer.Option(min=1, help="Train RECIPE, a run or a recipe with a run, with this edit of its diagnosis."),
    ] = None,
    coordinator: Annotated[
        str | None, typer.Option(help="HOST:PORT of the first of several processes that train together (JAX).")
    ] = None,
    process: Annotated[int | None, typer.Option(help="Number of this process, from 0.")] = None,
    processes: Annotated[int | None, typer.Option(help="How many there are.")] = None,
    as_json: Json = False,
) -> None:
    """Train a recipe, evaluate it against its baseline, report, and export."""
    from zoo.backend.processes import Place, watch, watched
    from zoo.commands.apply import apply_edit
    from zoo.commands.init import is_data, recipe_for
    from zoo.commands.train import train_together
    from zoo.utils.files import read_json

    place = Place.of(coordinator, process, processes)
    if place is not None and not watched():
        raise typer.Exit(watch(place, [*sys.argv[1:], *context.obj]))
    edited = None
    if apply is not None:
        edited, overrides = apply_edit(_named(recipe, resume, target), apply, overrides or [], runs=runs), []
    elif recipe is not None and is_data(recipe):
        recipe = recipe_for(recipe, target, ERR)
    elif target is not None:
        raise ZooError("--target is for data (zoo train customers.csv --target churned); a recipe has data.target")
    stop = StopRequests()
    with stop.listening():
        folder = train_together(
            place, edited or recipe, overrides or [], runs=runs, resume=resume, export=export, console=ERR, stop=stop
        )
    if folder is not None:
        print_result({"run": str(folder), **read_json(folder / "report.json")}, [str(folder)], as_json)


def _named(recipe: str | None, resume: Path | None, target: str | None) -> str:
    if recipe is None or resume is not None or target is not None:
        raise ZooError("--apply: name a run folder, or a recipe with a run, and leave out --resume and --target")
    return recipe


@app.command()
def tune(
    recipe: Recipe,
    overrides: Overrides = None,
    folder: Annotated[
        Path | None, typer.Option(help="Where the search is kept; searches/RECIPE where it is left out.")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, max=256, help="Trials that are trained at a time.")] = 1,
    in_process: Annotated[
        bool, typer.Option("--in-process", help="Train in this process, whose memory then grows with the trials.")
    ] = False,
    chief: Annotated[
        str | None, typer.Option(help="HOST:PORT at which the chief gives trials to workers on other machines.")
    ] = None,
    worker: Annotated[str | None, typer.Option(help="Be a worker of that chief, with this name.")] = None,
    as_json: Json = False,
) -> None:
    """Search for the best values of a recipe's `search:`; the best trial is written as a recipe. Resumes if killed."""
    from zoo.commands import tune as tuning

    if worker is not None:
        if chief is None:
            raise ZooError("--worker NAME needs --chief HOST:PORT, where the chief serves")
        count = tuning.work(recipe, overrides or [], chief=chief, worker=worker, folder=folder, console=ERR)
        if as_json:
            print_json({"worker": worker, "trials": count})
        return
    report = tuning.tune(
        recipe, overrides or [], folder=folder, workers=workers, in_process=in_process, chief=chief, console=ERR
    )
    print_result(report, tuning.summary(report), as_json)


@app.command()
def schedule(
    recipe: Recipe,
    overrides: Overrides = None,
    steps_per_epoch: Annotated[
        int | None, typer.Option(min=1, help="Training steps of an epoch; counted on the data where it is left out.")
    ] = None,
    output: Plot = None,
    as_json: Json = False,
) -> None:
    """Draw the learning rate of a recipe over its run, without training."""
    from zoo.commands import learning_rate as rates

    found = rates.schedule(recipe, overrides or [], steps_per_epoch=steps_per_epoch, output=output, console=ERR)
    if as_json:
        print_json(found)
        return
    rates.print_schedule(found)


@app.command("find-lr")
def find_lr(
    recipe: Recipe,
    overrides: Overrides = None,
    steps: Annotated[int, typer.Option(min=20, max=100_000, help="Training steps of the test.")] = 100,
    low: Annotated[float, typer.Option(help="Learning rate of the first step.")] = 1e-6,
    high: Annotated[float, typer.Option(help="Learning rate of the last step.")] = 10.0,
    output: Plot = None,
    as_json: Json = False,
) -> None:
    """Look for a learning rate: train a new model shortly while the rate rises, and see where the loss falls."""
    from zoo.commands import learning_rate as rates

    found = rates.find_rate(recipe, overrides or [], steps=steps, low=low, high=high, output=output, console=ERR)
    if as_json:
        print_json(found)
        return
    print_plot(found["smoothed"], f"{found['rates'][0]:.1g}", f"{found['rates'][-1]:.1g}")
    if found["suggestion"] is None:
        OUT.print("the loss did not fall: lower --low, raise --high, or take more --steps")
        return
    OUT.print(f"{'steepest':24} {found['suggestion']:.2g}")
    OUT.print(f"{'a tenth of the lowest':24} {found['tenth_of_minimum']:.2g}")
