"""Running the command line: how each kind of end is said, and its exit code."""

from __future__ import annotations

import io
import os
import sys
from typing import Any

import typer
from typer.core import TyperGroup

from zoo.backend.startup import is_set
from zoo.errors import ZooError, needing_all
from zoo.utils.console import ERR
from zoo.utils.stopping import Stopped, StopRequests


class Commands(TyperGroup):
    """Commands in which a file that ends too early is an error like others; typer takes it for the user's leaving."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            with needing_all("this command"):
                return super().invoke(ctx)
        except EOFError as error:
            raise RuntimeError(f"a file ends too early ({error})") from error


def run(app: typer.Typer) -> None:
    """Run the command that `sys.argv` names.

    Exit codes: 0; 2 for what the user can put right; 128 and the signal's number where one has ended it; else 1.
    """
    debug = "--debug" in sys.argv or is_set("ZOO_DEBUG")
    sys.argv = [a for a in sys.argv if a != "--debug"]
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a file's name may be no text
    try:
        with StopRequests().listening():
            app(prog_name="zoo", obj=["--debug"] if debug else [])
    except ZooError as error:
        _fail(str(error), debug, 2)
    except Stopped as stopped:
        ERR.print(str(stopped), style="red", markup=False)
        sys.exit(stopped.exit_code)
    except SystemExit as stop:
        if stop.code == 130:  # what typer makes of Ctrl-C
            ERR.print("stopped; what the run folder holds so far is whole", style="red")
        raise
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:
        _fail(f"internal error: {type(error).__name__}: {error} (run again with --debug for the traceback)", debug, 1)


def _fail(message: str, debug: bool, code: int) -> None:
    if debug:
        raise
    ERR.print(f"error: {message}", style="red", markup=False)
    sys.exit(code)
