"""The command that writes a gallery."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zoo.cli.app import app
from zoo.commands.options import Json, Verify
from zoo.utils.console import print_notes, print_result


@app.command()
def gallery(
    folder: Annotated[Path, typer.Argument(help="Folder of files that `zoo export` wrote, or of runs.")],
    output: Annotated[Path, typer.Option(help="Folder of the site; a gallery that is there is replaced.")] = Path(
        "site"
    ),
    onnxruntime_web: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="An unpacked package of onnxruntime-web; else it is downloaded once."),
    ] = None,
    verify: Verify = True,
    as_json: Json = False,
) -> None:
    """Write a static site in which exported models run in the visitor's browser."""
    from zoo.commands import gallery as building

    built = building.gallery(
        folder, output, web_runtime=onnxruntime_web, verify=verify, say=lambda sentence: print_notes([sentence])
    )
    print_result(built.to_json(), building.gallery_lines(built), as_json)
