"""The command that compares new data with training."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zoo.cli.app import app
from zoo.commands.options import Json, Verify

_DRIFTED = 2  # exit code


@app.command()
def drift(
    file: Annotated[Path, typer.Argument(help="An ONNX file that `zoo export` wrote.")],
    data: Annotated[
        list[Path],
        typer.Argument(help="Images, folders of images or texts, CSV, JSON Lines, Parquet, npz or text files."),
    ],
    fail: Annotated[
        bool, typer.Option("--fail", help="End with exit code 2 on drift; else it is 0 both ways.")
    ] = False,
    verify: Verify = True,
    as_json: Json = False,
) -> None:
    """Say whether new data, and the predictions on them, are like those of training; exit code 0 both ways."""
    from zoo.commands.drift import drift_and_print

    if drift_and_print(file, data, verify=verify, as_json=as_json) and fail:
        raise typer.Exit(_DRIFTED)
