"""Arguments and options that several commands take."""

from pathlib import Path
from typing import Annotated

import typer

from zoo.utils.execution import MAX_THREADS, PROVIDERS

Recipe = Annotated[str, typer.Argument(help="A shipped recipe (cnn/digits) or a recipe file (mine.yaml).")]
Overrides = Annotated[
    list[str] | None, typer.Argument(metavar="KEY=VALUE", help="Override settings, for example training.epochs=5.")
]
Run = Annotated[Path, typer.Argument(help="A run folder: the one that `zoo train` named.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on standard output.")]
Plot = Annotated[Path | None, typer.Option("--output", help="PNG or SVG file for the curve.")]
Target = Annotated[str | None, typer.Option(metavar="COLUMN", help="The column of a table to predict.")]
Runs = Annotated[Path, typer.Option("--runs", help="Folder for run folders.")]
Provider = Annotated[str, typer.Option(metavar="|".join(PROVIDERS), help="What runs the file.")]
Threads = Annotated[
    int | None,
    typer.Option(min=1, max=MAX_THREADS, show_default="one a core", help="Threads of one operation on the CPU."),
]
Verify = Annotated[
    bool,
    typer.Option(help="Compare the file with the certificate beside it and with the checksum that it carries."),
]
