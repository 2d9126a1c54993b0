"""What overrides gave, in the form that the schema expects in their place."""

from __future__ import annotations

from typing import Any

from zoo.recipe.problems import Problem
from zoo.recipe.source import KeyPath, Origin


def as_text(tree: dict[str, Any], origins: dict[KeyPath, Origin], problems: list[Problem]) -> bool:
    """Where the schema expects text and an override gave `7` or `true`, use the override's text."""
    changed = False
    for problem in problems:
        origin = origins.get(problem.path)
        if problem.type == "string_type" and origin is not None and origin.raw is not None:
            *parents, last = problem.path
            holder: Any = tree
            for key in parents:
                holder = holder[key]
            changed |= holder[last] != origin.raw
            holder[last] = origin.raw
    return changed


def as_lists(tree: dict[str, Any], origins: dict[KeyPath, Origin], problems: list[Problem]) -> bool:
    """Where the schema expects a list, and overrides gave the positions 0, 1, … of one that is not there, make it."""
    changed = False
    for problem in problems:
        *parents, last = problem.path or ("",)
        holder: Any = tree
        for key in parents:
            holder = holder[key]
        given = holder[last] if problem.type == "list_type" else None
        if not isinstance(given, dict) or not given or list(given) != [str(i) for i in range(len(given))]:
            continue
        holder[last] = list(given.values())
        depth, changed = len(problem.path), True
        for path in [p for p in origins if len(p) > depth and p[:depth] == problem.path]:
            origins[(*path[:depth], int(path[depth]), *path[depth + 1 :])] = origins.pop(path)
    return changed
