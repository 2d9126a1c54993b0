"""The application that commands are added to, with the options that stand before a command."""

from __future__ import annotations

from typing import Annotated

import typer

from zoo.utils.command_line import Commands
from zoo.utils.console import OUT
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
