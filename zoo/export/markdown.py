"""Names and descriptions that users choose, as text in Markdown: no markup of theirs has an effect."""

from __future__ import annotations

import re

from zoo.errors import visible

_HTML = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_MARKUP = re.compile(r"[\\`*_\[\]|~]")
_RUN_OF_BACKTICKS = re.compile("`+")


def text(value: object) -> str:
    """Return text for one line of Markdown: HTML, links, emphasis and table cells are shown as they were written."""
    escaped = _MARKUP.sub(r"\\\g<0>", visible(value))
    return "".join(_HTML.get(character, character) for character in escaped)


def code(value: object) -> str:
    """Return a code span, also in a table cell, in which nothing is markup."""
    shown = visible(value).replace("|", "\\|")
    longest = max((len(run) for run in _RUN_OF_BACKTICKS.findall(shown)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if shown[:1] in ("`", " ", "") or shown[-1:] in ("`", " ") else ""
    return f"{fence}{pad}{shown}{pad}{fence}"
