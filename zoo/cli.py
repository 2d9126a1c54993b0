"""The command line: one function a command."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from zoo.commands.options import Json, Overrides, Plot, Recipe, Run, Runs, Target, Verify
from zoo.errors import ZooError
from zoo.utils.command_line import Commands, run
from zoo.utils.console import ERR, OUT, print_json, print_plot, print_result, print_table
from zoo.utils.stopping import StopRequests
from zoo.utils.version import __version__

app = typer.Typer(
    cls=Commands,
    help="Train recipes from the Keras model zoo and export checked ONNX files.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Start with: zoo train cnn/digits. Anywhere, --debug shows the traceback of an error.",
)


def _print_version(asked: bool) -> None:
    if asked:
        OUT.print(f"zoo {__version__}")
        raise typer.Exit


@app.callback()
def _all_commands(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Take the options that stand before a command."""


@app.command("list")
def list_(
    pattern: Annotated[str, typer.Argument(help="Wildcard on the name, such as 'res*'.")] = "*",
    family: Annotated[str | None, typer.Option(help="Only this architecture family.")] = None,
    task: Annotated[str | None, typer.Option(help="Only models that serve this task.")] = None,
    as_json: Json = False,
) -> None:
    """List the models; exit code 2 if none matches."""
    from zoo.commands.describe import list_and_print

    list_and_print(pattern, family, task, as_json)


@app.command()
def describe(name: Annotated[str, typer.Argument(help="A model's name.")], as_json: Json = False) -> None:
    """Describe a model: settings and defaults, parameters, FLOPs, paper."""
    from zoo.commands.describe import describe_and_print

    describe_and_print(name, as_json)


@app.command()
def recipes(as_json: Json = False) -> None:
    """List the recipes."""
    from zoo.recipe.compose import summaries

    print_table(summaries(), ["name", "task", "source", "model", "description"], as_json)


@app.command()
def show(recipe: Recipe, overrides: Overrides = None, as_json: Json = False) -> None:
    """Print a recipe, fully resolved, with the place each value came from."""
    from zoo.recipe import load_recipe

    loaded = load_recipe(recipe, overrides or [])
    if as_json:
        print_json(
            {"name": loaded.name, "recipe": loaded.recipe.model_dump(mode="json"), "origins": loaded.origin_names()}
        )
        return
    for line, origin in loaded.annotated():
        OUT.print(Text(f"{line:<60}  ").append(f"# {origin}", style="dim") if origin else Text(line))


@app.command()
def check(
    recipe: Annotated[
        list[str] | None,
        typer.Argument(metavar="[RECIPE]… [KEY=VALUE]…", help="Recipes (all, where none is named), and overrides."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Check recipes without training: schema, combinations, model settings, search."""
    from zoo.commands.check import check_and_print

    if not check_and_print(recipe or [], as_json):
        raise typer.Exit(2)


@app.command()
def schema() -> None:
    """Print the JSON Schema of recipes, for editors."""
    from zoo.recipe.jsonschema import json_schema

    print_json(json_schema())


@app.command()
def init(
    path: Annotated[Path, typer.Argument(help="A table (.csv, .parquet, .jsonl), arrays (.npz) or a folder.")],
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
    coordinator: Annotated[
        str | None, typer.Option(help="HOST:PORT of the first of several processes that train together (JAX).")
    ] = None,
    process: Annotated[int | None, typer.Option(help="Number of this process, from 0.")] = None,
    processes: Annotated[int | None, typer.Option(help="How many there are.")] = None,
    as_json: Json = False,
) -> None:
    """Train a recipe, evaluate it against its baseline, report, and export."""
    from zoo.backend.processes import Place, watch, watched
    from zoo.commands.init import is_data, recipe_for
    from zoo.commands.train import train_together
    from zoo.utils.files import read_json

    place = Place.of(coordinator, process, processes)
    if place is not None and not watched():
        raise typer.Exit(watch(place, [*sys.argv[1:], *context.obj]))
    if recipe is not None and is_data(recipe):
        recipe = recipe_for(recipe, target, ERR)
    elif target is not None:
        raise ZooError("--target is for data (zoo train customers.csv --target churned); a recipe has data.target")
    stop = StopRequests()
    with stop.listening():
        folder = train_together(
            place, recipe, overrides or [], runs=runs, resume=resume, export=export, console=ERR, stop=stop
        )
    if folder is not None:
        print_result({"run": str(folder), **read_json(folder / "report.json")}, [str(folder)], as_json)


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


@app.command()
def evaluate(
    run: Run,
    data: Annotated[
        Path | None,
        typer.Argument(help="New labelled data in the form of the recipe's source, in place of the test split."),
    ] = None,
    output: Annotated[Path | None, typer.Option(help="JSON file to write the result to.")] = None,
    as_json: Json = False,
) -> None:
    """Evaluate a run's saved model on the test split again, or its exported file on new labelled data."""
    from zoo.commands import evaluate as evaluating

    result = evaluating.evaluate(run, data, output=output, console=ERR)
    print_result(result, evaluating.metric_lines(result), as_json)


@app.command()
def report(run: Run, as_json: Json = False) -> None:
    """Evaluate a run's saved model again, and write its report anew."""
    from zoo.commands.report import report as report_run

    found = report_run(run, console=ERR)
    print_result({"run": str(run), **found}, [str(run / "report.html")], as_json)


@app.command()
def export(run: Run, as_json: Json = False) -> None:
    """Export a run to ONNX, proved equal to the Keras model on the test split."""
    from zoo.commands.export import export as export_run

    result = export_run(run, console=ERR)
    print_result(result, [result["path"]], as_json)


@app.command()
def predict(
    file: Annotated[Path, typer.Argument(help="An ONNX file that `zoo export` wrote.")],
    inputs: Annotated[
        list[Path],
        typer.Argument(help="Images, folders of images or texts, CSV, JSON Lines, Parquet, npz or text files."),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            help="File to write in place of printing: .csv, .parquet or .jsonl; a folder for pictures of boxes or "
            "masks."
        ),
    ] = None,
    verify: Verify = True,
    as_json: Json = False,
) -> None:
    """Predict with an exported file; needs onnxruntime, not TensorFlow."""
    from zoo.commands.predict import predict_and_print

    predict_and_print(file, inputs, output=output, verify=verify, as_json=as_json)


@app.command()
def sample(
    file: Annotated[Path, typer.Argument(help="An ONNX file of a model that makes images.")],
    count: Annotated[int, typer.Option(min=1, max=10_000, help="Images to make.")] = 40,
    seed: Annotated[int, typer.Option(min=0, help="The same seed makes the same images.")] = 0,
    label: Annotated[str | None, typer.Option(help="Class of the images; all in turn where it is left out.")] = None,
    guidance: Annotated[float | None, typer.Option(min=0, help="Weight of the class, for diffusion models.")] = None,
    output: Annotated[Path, typer.Option(help="PNG file to write.")] = Path("samples.png"),
    verify: Verify = True,
) -> None:
    """Make images with an exported generator or diffusion model; needs onnxruntime, not TensorFlow."""
    from zoo.serving.exported_model import ExportedModel
    from zoo.utils.image_grid import write_grid

    labels = None if label is None else [label] * count
    write_grid(output, ExportedModel(file, verify=verify).sample(count, seed=seed, labels=labels, guidance=guidance))
    OUT.print(str(output), markup=False)


def main() -> None:
    """Run the command line; problems the user can put right end with one message and exit code 2."""
    run(app)
