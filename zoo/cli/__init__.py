"""The command line: one function a command. `zoo --help` lists them in the order of these imports."""

from __future__ import annotations

from zoo.cli import compare, drift, gallery, look, serve, train, trials, use, verify  # noqa: F401 (each adds its commands)
from zoo.cli.app import app
from zoo.utils.command_line import run

__all__ = ["app", "main"]


def main() -> None:
    """Run the command line; problems the user can put right end with one message and exit code 2."""
    run(app)
