"""Progress in a notebook: one output that is updated, in which a new epoch takes the place of the one before."""

from __future__ import annotations

import io
import re
import sys
import time
from collections.abc import Callable
from html import escape
from typing import Any

from rich.console import Console

_EPOCH = re.compile(r" *epoch +\d+/\d+ ")  # the line of an epoch, of which the last is shown
_SECONDS = 0.2  # between two updates
_COLUMNS = 120
_STYLE = "white-space: pre-wrap; margin: 0; line-height: 1.3"


def default_console() -> Console:
    """Return where commands show their progress in Python: the cell of a notebook, and elsewhere nowhere."""
    if not in_notebook():
        return Console(quiet=True, stderr=True, markup=False, emoji=False)
    return notebook_console(sys.modules["IPython"].display.display)


def in_notebook() -> bool:
    """Return whether this is the kernel of a notebook."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None and hasattr(ipython, "get_ipython") else None
    return type(shell).__name__ == "ZMQInteractiveShell"


def notebook_console(display: Callable[..., Any]) -> Console:
    """Return a console that writes to one output of a notebook.

    Args:
        display: IPython's `display`.
    """
    return Console(
        file=CellOutput(display),  # type: ignore[arg-type]  # what a console asks of a file
        force_terminal=False,
        force_jupyter=False,
        width=_COLUMNS,
        soft_wrap=True,
        markup=False,
        emoji=False,
        highlight=False,
    )


class CellOutput(io.TextIOBase):
    """A file whose text is one output of a notebook's cell."""

    def __init__(self, display: Callable[..., Any]) -> None:
        self._display, self._handle = display, None
        self._lines: list[str] = []
        self._rest = ""
        self._shown_at = 0.0

    def write(self, text: str) -> int:
        """Add text; the line of an epoch takes the place of the one before."""
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            if _EPOCH.match(line) and self._lines and _EPOCH.match(self._lines[-1]):
                self._lines.pop()
            self._lines.append(line)
        in_training = bool(self._lines) and _EPOCH.match(self._lines[-1]) is not None
        if lines and not (in_training and time.monotonic() - self._shown_at < _SECONDS):
            self._show()
        return len(text)

    def writable(self) -> bool:
        """Return that it takes text."""
        return True

    def _show(self) -> None:
        text = "\n".join(self._lines)
        shown = {"text/plain": text, "text/html": f'<pre style="{_STYLE}">{escape(text)}</pre>'}
        if self._handle is None:
            self._handle = self._display(shown, raw=True, display_id=True)
        else:
            self._handle.update(shown, raw=True)
        self._shown_at = time.monotonic()
