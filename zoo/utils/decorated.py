"""Decorated functions of a Python file, read from its text without importing it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Decorated:
    """One function: its name, its docstring's first line, and the decorator's keyword arguments."""

    name: str
    summary: str
    arguments: dict[str, Any]


def decorated_functions(path: Path, decorator: str) -> Iterator[Decorated]:
    """Yield the functions at the top of a file that have a decorator, whose arguments are literals."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        for used in node.decorator_list if isinstance(node, ast.FunctionDef) else ():
            if isinstance(used, ast.Call) and getattr(used.func, "id", None) == decorator:
                assert isinstance(node, ast.FunctionDef)
                yield Decorated(
                    name=node.name,
                    summary=first_line(ast.get_docstring(node)),
                    arguments={str(k.arg): ast.literal_eval(k.value) for k in used.keywords},
                )


def first_line(docstring: str | None) -> str:
    """Return the first line of a docstring; "" for none."""
    return (docstring or "").strip().partition("\n")[0]
