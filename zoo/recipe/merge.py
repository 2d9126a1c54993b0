"""Merging one recipe into another, with the origin of each value."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from zoo.recipe.source import KeyPath, Origin

_NAMES = ("name", "schedule")  # a section in which one of these changes is replaced, not merged


def merge(
    tree: dict[Any, Any],
    origins: dict[KeyPath, Origin],
    later: dict[Any, Any],
    later_origins: dict[KeyPath, Origin],
    *,
    at: KeyPath = (),
) -> None:
    """Merge `later` into `tree`, key by key. Lists and sections that change their name are replaced."""
    for key, value in later.items():
        path = (*at, key)
        old = tree.get(key)
        if isinstance(value, dict) and isinstance(old, dict) and not _renamed(old, value):
            origins[path] = later_origins[path]
            merge(old, origins, value, later_origins, at=path)
        else:
            tree[key] = value
            for known in [p for p in origins if p[: len(path)] == path]:
                del origins[known]
            origins.update({p: o for p, o in later_origins.items() if p[: len(path)] == path})


def merged(tree: dict[str, Any], later: dict[str, Any]) -> dict[str, Any]:
    """Return a copy of `tree` with `later` merged into it; neither is changed."""
    result = copy.deepcopy(tree)
    nowhere = {path: Origin("") for path in paths(later, ())}
    merge(result, {}, copy.deepcopy(later), nowhere)
    return result


def paths(value: Any, path: KeyPath) -> Iterator[KeyPath]:
    """Return the path of a value and of everything in it."""
    yield path
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from paths(inner, (*path, key))


def _renamed(old: dict[str, Any], new: dict[str, Any]) -> bool:
    return any(name in new and name in old and new[name] != old[name] for name in _NAMES)
