"""A recipe that is proposed: its keys with the reason for each, and what the data leaves in doubt."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field
from typing import Any

import yaml

_WIDTH = 120


@dataclass
class Proposal:
    """A recipe, with reasons.

    Attributes:
        task: the task's name.
        reason: why this task.
        target: the column to predict; None where the source knows its targets.
        bases: shipped recipes that it extends.
        lines: each key, such as `data.source`, its value and the reason; sections in the order of a recipe.
        doubts: what a person should look at, as the data does not tell.
    """

    task: str
    reason: str = ""
    target: str | None = None
    bases: tuple[str, ...] = ()
    lines: list[tuple[str, Any, str]] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)

    def add(self, key: str, value: Any, reason: str = "") -> None:
        """Add a key such as `data.target`."""
        self.lines.append((key, value, reason))

    @property
    def reasons(self) -> list[str]:
        """Each key that has a reason, with it."""
        lines = [f"{key}: {_flow(value)}: {reason}" for key, value, reason in self.lines if reason]
        return [f"task: {self.task}: {self.reason}", *lines]

    def text(self, command: str, use: str) -> str:
        """Return the recipe file.

        Args:
            command: that made it, for a comment.
            use: the command that trains it, likewise.
        """
        out = [
            f"# Made by `{command}`, which says why for each line; change what does not fit.",
            f"#   {use}",
        ]
        for doubt in self.doubts:
            out += _comment(f"look at this: {doubt}", "")
        out += _with_reason(f"extends: {_flow(list(self.bases))}", self.reason, "")
        for section in dict.fromkeys(key.partition(".")[0] for key, _, _ in self.lines):
            keys = [(key.partition(".")[2], *more) for key, *more in self.lines if key.partition(".")[0] == section]
            out += [f"{section}:"] if keys[0][0] else []
            for key, value, reason in keys:
                out += _entry(f"  {key}" if key else section, value, reason, "  " * bool(key))
        return "\n".join(out) + "\n"


def _entry(key: str, value: Any, reason: str, indent: str) -> list[str]:
    """Return the lines of a key: one, or one for each of its values where it would be too long."""
    line = f"{key}: {_flow(value)}"
    if len(line) <= _WIDTH or not isinstance(value, dict):
        return _with_reason(line, reason, indent)
    return [*_with_reason(f"{key}:", reason, indent), *(f"{indent}  {k}: {_flow(v)}" for k, v in value.items())]


def _flow(value: Any) -> str:
    """Return a value as YAML on one line."""
    return yaml.safe_dump([value], default_flow_style=True, width=10**9, allow_unicode=True).strip()[1:-1]


def _with_reason(line: str, reason: str, indent: str) -> list[str]:
    if not reason or len(line) + len(reason) + 4 <= _WIDTH:
        return [f"{line}  # {reason}" if reason else line]
    return [*_comment(reason, indent), line]


def _comment(text: str, indent: str) -> list[str]:
    plain = " ".join(text.split())  # a name may hold a line break, which would end the comment
    lines = textwrap.wrap(plain, _WIDTH - len(indent) - 2, break_long_words=False, subsequent_indent="  ")
    return [f"{indent}# {line}" for line in lines]
