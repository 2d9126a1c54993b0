"""The command line: one function a command."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from zoo import lanes
from zoo.backend.startup import is_set
from zoo.errors import ZooError, visible

app = typer.Typer(
    help="Train recipes from the Keras model zoo and export checked ONNX files.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Start with: zoo train cnn/digits. Anywhere, --debug shows the traceback of an error.",
)
_err = Console(stderr=True, soft_wrap=True, highlight=False)
_WIDE = 240  # columns of a table that is piped or redirected
_out = Console(soft_wrap=True, highlight=False)

Recipe = Annotated[str, typer.Argument(help="A shipped recipe (cnn/digits) or a recipe file (mine.yaml).")]
Overrides = Annotated[
    list[str] | None, typer.Argument(metavar="KEY=VALUE", help="Override settings, for example training.epochs=5.")
]
Run = Annotated[Path, typer.Argument(help="A run folder: the one that `zoo train` named.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on standard output.")]
Plot = Annotated[Path | None, typer.Option("--output", help="PNG or SVG file for the curve.")]
Runs = Annotated[Path, typer.Option("--runs", help="Folder for run folders.")]


@app.command("list")
def list_(
    pattern: Annotated[str, typer.Argument(help="Wildcard on the name, such as 'res*'.")] = "*",
    family: Annotated[str | None, typer.Option(help="Only this architecture family.")] = None,
    task: Annotated[str | None, typer.Option(help="Only models that serve this task.")] = None,
    as_json: Json = False,
) -> None:
    """List the models."""
    from zoo import registry

    entries = [registry.entry(name) for name in registry.list_models(pattern, family=family, task=task)]
    rows = [
        {"name": e.name, "family": e.family, "tasks": list(e.tasks), "summary": e.summary, "paper": e.paper}
        for e in entries
    ]
    _show(rows, as_json, ["name", "family", "tasks", "summary"])


@app.command()
def describe(name: Annotated[str, typer.Argument(help="A model's name.")], as_json: Json = False) -> None:
    """Describe a model: settings and defaults, parameters, FLOPs, paper."""
    from zoo.commands.describe import describe as facts_of

    facts = facts_of(name)
    if as_json:
        _json(facts)
        return
    settings = facts.pop("defaults")
    _facts({**facts, "flops": f"{facts['flops']:,} for one example", "parameters": f"{facts['parameters']:,}"})
    _out.print("settings and defaults")
    _facts(settings, indent="  ")


@app.command()
def recipes(as_json: Json = False) -> None:
    """List the recipes."""
    from zoo.recipe.load import summaries

    _show(summaries(), as_json, ["name", "task", "source", "model", "description"])


@app.command()
def show(recipe: Recipe, overrides: Overrides = None, as_json: Json = False) -> None:
    """Print a recipe, fully resolved, with the place each value came from."""
    from zoo.recipe import load_recipe

    loaded = load_recipe(recipe, overrides or [])
    if as_json:
        _json({"name": loaded.name, "recipe": loaded.recipe.model_dump(mode="json"), "origins": loaded.origin_names()})
        return
    for line, origin in loaded.annotated():
        _out.print(Text(f"{line:<60}  ").append(f"# {origin}", style="dim") if origin else Text(line))


@app.command()
def check(
    recipe: Annotated[
        list[str] | None, typer.Argument(help="Recipes; all that are shipped, where none is named.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Check recipes without training: schema, combinations, model settings, search."""
    from zoo.recipe import check_search, list_recipes, load_recipe

    results = []
    for name in recipe or list_recipes():
        try:
            check_search(load_recipe(name))
            results.append({"recipe": name, "ok": True, "problems": []})
        except ZooError as error:
            results.append({"recipe": name, "ok": False, "problems": str(error).splitlines()})
    if as_json:
        _json(results)
    for result in results:
        if not as_json:
            verdict = Text("ok   ", style="green") if result["ok"] else Text("bad  ", style="red")
            _out.print(verdict.append(visible(result["recipe"]), style="default"))
        for problem in result["problems"]:  # type: ignore[attr-defined]
            _err.print(f"  {problem}", markup=False)
    if not all(result["ok"] for result in results):
        raise typer.Exit(2)


@app.command()
def schema() -> None:
    """Print the JSON Schema of recipes, for editors."""
    from zoo.recipe.jsonschema import json_schema

    _json(json_schema())


@app.command()
def train(
    context: typer.Context,
    recipe: Annotated[str | None, typer.Argument(help="A shipped recipe (cnn/digits) or a recipe file.")] = None,
    overrides: Overrides = None,
    runs: Runs = Path("runs"),
    resume: Annotated[Path | None, typer.Option(help="Go on with an interrupted run, in place of a recipe.")] = None,
    export: Annotated[bool, typer.Option("--export/--no-export", help="Write the ONNX file at the end.")] = True,
    coordinator: Annotated[
        str | None, typer.Option(help="HOST:PORT of the first of several processes that train together (JAX).")
    ] = None,
    process: Annotated[int | None, typer.Option(help="Number of this process, from 0.")] = None,
    processes: Annotated[int | None, typer.Option(help="How many there are.")] = None,
    as_json: Json = False,
) -> None:
    """Train a recipe, evaluate it against its baseline, report, and export."""
    from zoo.backend.processes import Place, watch, watched
    from zoo.commands.train import train_together
    from zoo.utils.files import read_json

    place = Place.of(coordinator, process, processes)
    if place is not None and not watched():
        raise typer.Exit(watch(place, [*sys.argv[1:], *context.obj]))
    folder = train_together(place, recipe, overrides or [], runs=runs, resume=resume, export=export, console=_err)
    if folder is None:
        return
    if as_json:
        _json({"run": str(folder), **read_json(folder / "report.json")})
    else:
        _out.print(str(folder), markup=False)


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
    """Search for the best values of a recipe's `search:`; the best trial is written as a recipe. Goes on if killed."""
    from zoo.commands import tune as tuning

    if worker is not None:
        if chief is None:
            raise ZooError("--worker NAME needs --chief HOST:PORT, where the chief serves")
        count = tuning.work(recipe, overrides or [], chief=chief, worker=worker, folder=folder, console=_err)
        if as_json:
            _json({"worker": worker, "trials": count})
        return
    report = tuning.tune(
        recipe,
        overrides or [],
        folder=folder,
        workers=workers,
        in_process=in_process,
        chief=chief,
        console=_err,
    )
    if as_json:
        _json(report)
        return
    best, own = report["best"], report["own"]
    shown = f", and the recipe's own values {own['figure']:.4f}" if own and own["figure"] is not None else ""
    _out.print(f"best: trial {best['number']}, {report['objective']} {best['figure']:.4f}{shown}", markup=False)
    for key, value in best["values"].items():
        _out.print(f"  {key:32} {value}", markup=False)
    if report["at_the_edge"]:
        _out.print(
            f"note: at the edge of its range, which could be wider: {', '.join(report['at_the_edge'])}", markup=False
        )
    _out.print(f"report: {Path(report['best_recipe']).with_name('report.html')}", markup=False)
    _out.print(f"next: zoo train {report['best_recipe']}", markup=False)


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

    found = rates.schedule(recipe, overrides or [], steps_per_epoch=steps_per_epoch, output=output, console=_err)
    if as_json:
        _json(found)
        return
    for name, values in [(found["recipe"], found["rates"]), *((g["layers"], g["rates"]) for g in found["groups"])]:
        _out.print(f"{name}: learning rate {values[0]:.3g} … {max(values):.3g} … {values[-1]:.3g}", markup=False)
        _plot(values, "epoch 0", f"{found['epochs']} of {found['steps_per_epoch']:,} steps")
    if found["note"]:
        _out.print(f"note: {found['note']}", markup=False)


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

    found = rates.find_rate(recipe, overrides or [], steps=steps, low=low, high=high, output=output, console=_err)
    if as_json:
        _json(found)
        return
    _plot(found["smoothed"], f"{found['rates'][0]:.1g}", f"{found['rates'][-1]:.1g}")
    if found["suggestion"] is None:
        _out.print("the loss did not fall: lower --low, raise --high, or take more --steps")
        return
    _out.print(f"{'steepest':24} {found['suggestion']:.2g}")
    _out.print(f"{'a tenth of the lowest':24} {found['tenth_of_minimum']:.2g}")


@app.command()
def evaluate(run: Run, as_json: Json = False) -> None:
    """Evaluate a run's saved model on the test split again."""
    from zoo.commands.evaluate import evaluate as evaluate_run

    result = evaluate_run(run, console=_err)
    if as_json:
        _json(result)
        return
    for name, value in result["metrics"].items():
        interval = result["intervals"].get(name)
        bounds = f"  95% interval {interval[0]:.4f} to {interval[1]:.4f}" if interval else ""
        _out.print(f"{name:28} {value:.4f}{bounds}")


@app.command()
def export(run: Run, as_json: Json = False) -> None:
    """Export a run to ONNX, proved equal to the Keras model on the test split."""
    from zoo.commands.export import export as export_run

    result = export_run(run, console=_err)
    if as_json:
        _json(result)
    else:
        _out.print(result["path"], markup=False)


@app.command()
def predict(
    file: Annotated[Path, typer.Argument(help="An ONNX file that `zoo export` wrote.")],
    inputs: Annotated[list[Path], typer.Argument(help="Images, folders of images, CSV, Parquet, npz or text files.")],
    as_json: Json = False,
) -> None:
    """Predict with an exported file; needs onnxruntime, not TensorFlow."""
    from zoo.serving.predict import in_one_line
    from zoo.serving.predict import predict as predict_files

    results = predict_files(file, inputs)
    if as_json:
        _json(results)
        return
    for result in results:
        _out.print(f"{result['input']}  {in_one_line(result)}", markup=False)


@app.command()
def sample(
    file: Annotated[Path, typer.Argument(help="An ONNX file of a model that makes images.")],
    count: Annotated[int, typer.Option(min=1, max=10_000, help="Images to make.")] = 40,
    seed: Annotated[int, typer.Option(min=0, help="The same seed makes the same images.")] = 0,
    label: Annotated[str | None, typer.Option(help="Class of the images; all in turn where it is left out.")] = None,
    guidance: Annotated[float | None, typer.Option(min=0, help="Weight of the class, for diffusion models.")] = None,
    output: Annotated[Path, typer.Option(help="PNG file to write.")] = Path("samples.png"),
) -> None:
    """Make images with an exported generator or diffusion model; needs onnxruntime, not TensorFlow."""
    from zoo.serving.exported_model import ExportedModel
    from zoo.utils.image_grid import write_grid

    labels = None if label is None else [label] * count
    write_grid(output, ExportedModel(file).sample(count, seed=seed, labels=labels, guidance=guidance))
    _out.print(str(output), markup=False)


def main() -> None:
    """Run the command line; problems the user can put right end with one message and exit code 2."""
    debug = "--debug" in sys.argv or is_set("ZOO_DEBUG")
    sys.argv = [a for a in sys.argv if a != "--debug"]
    lanes.alone()
    try:
        app(prog_name="zoo", obj=["--debug"] if debug else [])
    except ZooError as error:
        _fail(str(error), debug, 2)
    except SystemExit as stop:
        if stop.code == 130:  # what typer makes of Ctrl-C
            _err.print("stopped; what the run folder holds so far is whole", style="red")
        raise
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:
        _fail(f"internal error: {type(error).__name__}: {error} (run again with --debug for the traceback)", debug, 1)


def _fail(message: str, debug: bool, code: int) -> None:
    if debug:
        raise
    _err.print(f"error: {message}", style="red", markup=False)
    sys.exit(code)


def _json(value: Any) -> None:
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def _show(rows: list[dict[str, Any]], as_json: bool, columns: list[str]) -> None:
    if as_json:
        _json(rows)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, no_wrap=column == columns[0])
    for row in rows:
        table.add_row(*(Text(", ".join(v) if isinstance(v := row[c], list) else str(v)) for c in columns))
    Console(highlight=False, width=None if sys.stdout.isatty() else _WIDE).print(table)


def _plot(values: list[float], left: str, right: str) -> None:
    from zoo.utils.text_plot import text_plot

    text = text_plot(values, left, right, width=shutil.get_terminal_size().columns, plain=_out.options.ascii_only)
    _out.print(text, markup=False, no_wrap=True)


def _facts(facts: dict[str, Any], indent: str = "") -> None:
    for key, value in facts.items():
        shown = ", ".join(map(str, value)) if isinstance(value, list | tuple) else value
        _out.print(f"{indent}{key:16} {shown}", markup=False)
