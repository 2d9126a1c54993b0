"""Commands that look at what there is: models, recipes, and what is wrong with them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from zoo.cli.app import app
from zoo.commands.options import Json, Overrides, Recipe, Target
from zoo.utils.console import OUT, print_json, print_table


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
def weights(
    name: Annotated[str | None, typer.Argument(help="A model's name; all models with a map where left out.")] = None,
    as_json: Json = False,
) -> None:
    """List published weights: source, licence, size, figure and preprocessing, and whose files a model reads."""
    from zoo.commands.weights import weights_and_print

    weights_and_print(name, as_json)


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
        typer.Argument(
            metavar="[RECIPE]… [KEY=VALUE]…",
            help="Recipes (all, where none is named), and overrides; with --data also the path of data.",
        ),
    ] = None,
    data: Annotated[bool, typer.Option("--data", help="Read the data, too, and audit it.")] = False,
    target: Target = None,
    as_json: Json = False,
) -> None:
    """Check recipes without training: schema, combinations, model settings, search; with --data also the data."""
    from zoo.commands.check import check_and_print

    if not check_and_print(recipe or [], as_json, audit=data, target=target):
        raise typer.Exit(2)


@app.command()
def snapshot(
    source: Annotated[Path, typer.Argument(help="A run folder, a recipe file or a shipped recipe.")],
    output: Annotated[Path | None, typer.Option(help="Folder to write: Parquet files with Croissant metadata.")] = None,
    compare: Annotated[
        Path | None, typer.Option(help="Folder of a snapshot to compare the data with; exit code 2 where it differs.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Write the exact data of a run or recipe, or compare it with what was written."""
    from zoo.commands.snapshot import snapshot_and_print

    if not snapshot_and_print(source, output=output, compare=compare, as_json=as_json):
        raise typer.Exit(2)


@app.command()
def schema() -> None:
    """Print the JSON Schema of recipes, for editors."""
    from zoo.recipe.jsonschema import json_schema

    print_json(json_schema())
