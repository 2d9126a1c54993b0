"""The command that examines an exported file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zoo.cli.app import app
from zoo.commands.options import Json, Provider, Threads
from zoo.utils.console import print_result


@app.command()
def verify(
    file: Annotated[Path, typer.Argument(help="An ONNX file that `zoo export` wrote, or a run that has one.")],
    provider: Provider = "cpu",
    threads: Threads = None,
    as_json: Json = False,
) -> None:
    """Check that a file is the certified one and repeats its sample; needs onnxruntime, not TensorFlow."""
    from zoo.commands import verify as verifying

    result = verifying.verify(file, providers=provider, threads=threads)
    print_result(result, verifying.verify_lines(result), as_json)
    if not result["ok"]:
        raise typer.Exit(2)
