"""Commands on several runs: which is better, and one model of them all."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zoo.cli.app import app
from zoo.commands.options import Json
from zoo.utils.console import ERR, print_result


@app.command()
def compare(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN RUN…", help="Run folders; the first is compared with.")],
    output: Annotated[Path | None, typer.Option(help="Page (.html) or JSON file to write as well.")] = None,
    as_json: Json = False,
) -> None:
    """Compare runs: metrics, significance on the same test examples, what differs in recipe, data and versions."""
    from zoo.commands import compare as comparing

    found = comparing.compare(*runs, output=output, console=ERR)
    print_result(found, comparing.comparison_lines(found), as_json)


@app.command()
def soup(
    given: Annotated[list[Path], typer.Argument(metavar="RUN RUN…", help="Runs that began with the same weights.")],
    uniform: Annotated[
        bool, typer.Option("--uniform", help="Keep all runs, also where validation is worse with one.")
    ] = False,
    runs: Annotated[Path, typer.Option(help="Folder for run folders.")] = Path("runs"),
    export: Annotated[bool, typer.Option("--export/--no-export", help="Write the ONNX file at the end.")] = True,
    as_json: Json = False,
) -> None:
    """Average the weights of runs with which validation gets no worse; evaluate, report and export the result."""
    from zoo.commands import soup as mixing

    run = mixing.soup(given, uniform=uniform, runs=runs, export=export, console=ERR)
    print_result({"run": str(run), **run.metrics}, [str(run)], as_json)
