"""The command that compares runs."""

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
