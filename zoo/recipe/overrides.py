"""Overrides, `key.path=value`: merged into a recipe, and in the form that the schema expects in their place."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from zoo.errors import ZooError, visible
from zoo.recipe.compose import anchor
from zoo.recipe.merge import merge, paths
from zoo.recipe.problems import Problem
from zoo.recipe.source import KeyPath, Origin, dotted, dump_line, is_unicode, parse_value

Overrides = Sequence[str] | Mapping[str, Any]  # `key.path=value`, or a dict of key paths, which may be nested


def override_lines(overrides: Overrides) -> list[str]:
    """Return overrides as `key.path=value`.

    Raises:
        ZooError: a value of a dict has no form in YAML.
    """
    if isinstance(overrides, str):
        raise ZooError(f"overrides: expected a list of key.path=value or a dict, received the text '{overrides}'")
    if not isinstance(overrides, Mapping):
        return [str(text) for text in overrides]
    lines = []
    for key, value in overrides.items():
        try:
            lines.append(f"{key}={dump_line(_plain(value))}")
        except yaml.YAMLError as error:
            raise ZooError(f"overrides: {key}: expected plain values, received {type(value).__name__}") from error
    return lines


def _plain(value: Any) -> Any:
    """Return a value without tuples, paths and numbers of NumPy, which YAML does not know."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    return value.item() if hasattr(value, "item") and getattr(value, "ndim", None) == 0 else value


def apply_override(tree: dict[str, Any], origins: dict[KeyPath, Origin], text: str) -> None:
    """Merge `key.path=value` into a tree; a number in the path is a position in a list of the tree."""
    key, equals, value = text.partition("=")
    path: KeyPath = tuple(key.strip().split("."))
    if path[:2] == ("search", "space") and len(path) > 2:
        path = (*path[:2], ".".join(map(str, path[2:])))  # its keys have dots themselves
    if not equals or not all(path):
        raise ZooError(f"override '{visible(text)}': expected key.path=value, for example training.epochs=5")
    if not is_unicode(text):
        raise ZooError(f"override '{visible(text)}': not valid Unicode")
    if path == ("extends",):
        raise ZooError(f"override '{visible(text)}': extends cannot be overridden; write a recipe file")
    place = f"override '{text}'"
    parsed = parse_value(value)
    items, path, start = _innermost_list(tree, path, place)
    later: Any = parsed
    for part in reversed(path[start:]):
        later = {part: later}
    later_origins = {path[:length]: Origin(place) for length in range(1, len(path))}
    later_origins |= {inner: Origin(place) for inner in paths(parsed, path)} | {path: Origin(place, raw=value)}
    if items is None:
        anchor(later, Path(), later_origins)
        merge(tree, origins, later, later_origins)
    else:
        by_position = dict(enumerate(items))
        merge(by_position, origins, later, later_origins, at=path[:start])
        items[:] = by_position.values()


def _innermost_list(tree: Any, path: KeyPath, place: str) -> tuple[list[Any] | None, KeyPath, int]:
    """Return the innermost list on a path, the path with positions as numbers, and the depth of that list."""
    found: tuple[list[Any] | None, KeyPath, int] = (None, path, 0)
    value = tree
    for depth, part in enumerate(path):
        if isinstance(value, list):
            if not str(part).isdecimal() or int(part) >= len(value):
                here = dotted(path[:depth])
                raise ZooError(f"{visible(place)}: {here}: {visible(part)} is no position in a list of {len(value)}")
            part = int(part)
            path = (*path[:depth], part, *path[depth + 1 :])
            found = (value, path, depth)
        elif not isinstance(value, dict) or part not in value:
            break
        value = value[part]
    return found


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
