"""What commands print: JSON, tables, facts and curves on standard output, progress on standard error."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from zoo.errors import visible
from zoo.utils.text_plot import text_plot

_AS_WRITTEN: dict[str, Any] = {"markup": False, "emoji": False, "highlight": False}  # names and descriptions are users'
OUT = Console(soft_wrap=True, **_AS_WRITTEN)
ERR = Console(stderr=True, soft_wrap=True, **_AS_WRITTEN)
_PIPED_COLUMNS = 240  # width of a table that is piped or redirected


def headline(name: str, rest: str) -> Text:
    """Return a line that begins with a name in bold."""
    return Text(name, style="bold").append(f": {rest}", style="not bold")


def print_json(value: Any) -> None:
    """Print one JSON document."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def print_json_list(values: Iterable[Any]) -> None:
    """Print one JSON document, a list, each value as soon as it comes; an error of the iteration ends the list."""
    written = 0
    sys.stdout.write("[")
    try:
        for value in values:
            text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
            sys.stdout.write((",\n" if written else "\n") + "  " + text.replace("\n", "\n  "))
            written += 1
    finally:
        sys.stdout.write("\n]\n" if written else "]\n")


def print_result(value: Any, lines: Sequence[str], as_json: bool) -> None:
    """Print a result as JSON, or as lines for a person to read."""
    if as_json:
        print_json(value)
        return
    for line in lines:
        OUT.print(line, markup=False)


def print_notes(notes: Sequence[str], console: Console = ERR, *, indent: str = "") -> None:
    """Print what a reader of the result should know; on standard error where no console is given."""
    for note in notes:
        console.print(f"{indent}note: {visible(note)}", style="yellow", markup=False)


_STYLES = {"error": "red", "warning": "yellow", "note": "dim"}  # by severity


def print_findings(findings: Iterable[Mapping[str, Any]], console: Console = ERR, *, indent: str = "") -> None:
    """Print findings of an audit, a line each, and the remedy of those that are more than a note."""
    for finding in findings:
        severity, remedy = finding["severity"], finding["remedy"]
        line = f"{indent}{severity}: {visible(finding['message'])}"
        if remedy and severity != "note":
            line += f" ({finding['name']}; remedy: {visible(remedy)})"
        console.print(line, style=_STYLES[severity], markup=False)


def print_table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], as_json: bool) -> None:
    """Print rows as JSON, or some of their columns as a table, whose first column is never wrapped."""
    if as_json:
        print_json(rows)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, no_wrap=column == columns[0])
    for row in rows:
        table.add_row(*(Text(_shown(row[column])) for column in columns))
    Console(highlight=False, width=None if sys.stdout.isatty() else _PIPED_COLUMNS).print(table)


def print_facts(facts: Mapping[str, Any], indent: str = "") -> None:
    """Print a line for each fact."""
    for key, value in facts.items():
        OUT.print(f"{indent}{key:16} {_shown(value)}", markup=False)


def print_plot(values: Sequence[float], left: str, right: str) -> None:
    """Print a curve as wide as the terminal, with the names of its ends."""
    text = text_plot(list(values), left, right, width=shutil.get_terminal_size().columns, plain=OUT.options.ascii_only)
    OUT.print(text, markup=False, no_wrap=True)


def _shown(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
