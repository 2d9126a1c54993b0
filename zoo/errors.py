"""The one error that is meant for the person at the keyboard."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class ZooError(Exception):
    """Something the user can put right: a recipe, a data file, an argument.

    The message says what is wrong, where, what was received and what would be right. The command line prints it
    without a traceback and exits with code 2.
    """


def did_you_mean(name: str, valid: Iterable[str]) -> str:
    """Return "; did you mean 'x'?" for the valid name nearest to `name`, or an empty string."""
    nearest = difflib.get_close_matches(str(name), [str(v) for v in valid], n=1, cutoff=0.5)
    return f"; did you mean '{nearest[0]}'?" if nearest else ""


def visible(text: object) -> str:
    """Return the text on one line: a line break or another character that cannot be printed is shown as its escape."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(text))


def listing(names: Iterable[object]) -> str:
    """Return the names, sorted and separated by commas, for use inside a message."""
    return ", ".join(sorted(str(n) for n in names))
