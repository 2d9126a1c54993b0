"""A recipe whose run an override makes shorter: what would come after its end comes sooner."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from zoo.recipe.checks.effect import BEYOND_THE_RUN
from zoo.recipe.problems import Problem
from zoo.recipe.source import KeyPath, Origin, dotted, dump_line, nearest_origin

EPOCHS: KeyPath = ("training", "epochs")


@dataclass
class Shorter:
    """What `shorten` did.

    Attributes:
        problems: those that remain.
        notes: what was changed or has no effect, a sentence each.
        changed: keys that have another value.
    """

    problems: list[Problem]
    notes: list[str] = field(default_factory=list)
    changed: list[KeyPath] = field(default_factory=list)


def shorten(tree: dict[str, Any], origins: dict[KeyPath, Origin], problems: list[Problem], before: Any) -> Shorter:
    """Shorten durations that a file has and that do not fit into a run that an override has shortened.

    They keep their part of the run. What counts whole epochs, and cannot act in so short a run, is left out. What an
    override says itself stays as it is.

    Args:
        tree: the recipe, which is changed.
        origins: where its values were written, which is changed.
        problems: what was found in it.
        before: epochs of the run as the files have it; None where they have none.
    """
    shortened = origins.get(EPOCHS)
    if shortened is None or not shortened.is_override or not isinstance(before, int):
        return Shorter(problems)
    after, shorter = tree["training"]["epochs"], Shorter([])
    for problem in problems:
        origin = nearest_origin(origins, problem.path)
        if problem.type != BEYOND_THE_RUN or after >= before or origin is None or origin.is_override:
            shorter.problems.append(problem)
            continue
        *parents, key = problem.path
        holder: Any = tree
        for parent in parents:
            holder = holder[parent]
        old = holder[key]
        name = f"{shortened}: {dotted(problem.path)}: {dump_line(old)} ({origin})"
        if key in _WHOLE_EPOCHS:
            path = _leave_out(holder, problem.path, tree)
            origins[path] = shortened
            shorter.changed.append(path)
            shorter.notes.append(f"{name} is left out, as it cannot act in {after} of {before} epochs")
            continue
        new_key, new = _shorter(str(key), old, after / before)
        holder[key] = None
        holder[new_key] = new
        path = (*parents, new_key)
        origins[problem.path] = origins[path] = shortened
        shorter.changed += dict.fromkeys([problem.path, path])
        shorter.notes.append(f"{name} becomes {dotted(path)}: {dump_line(new)}, the same part of a run that is shorter")
    return shorter


_WHOLE_EPOCHS = ("patience", "unfreeze_epochs", "stop_after")


def _leave_out(holder: Any, path: KeyPath, tree: dict[str, Any]) -> KeyPath:
    """Leave out what waits for some epochs, and return the key that has another value."""
    if path[-1] != "patience":
        holder[path[-1]] = None
        return path
    outside: Any = tree
    for parent in path[:-2]:
        outside = outside[parent]
    outside[path[-2]] = holder.get("initial")  # a learning rate stays at the first; early stopping has none
    return path[:-1]


def _shorter(key: str, value: Any, part: float) -> tuple[str, Any]:
    """Return the key and the value of a duration that is a part of what it was."""
    if isinstance(value, list):  # `epochs` are whole ones, `at` are any
        return "at", [_shorter("", time, part)[1] for time in value]
    if isinstance(value, str):
        return key, f"{round(part * float(value.rstrip('epochs ')), 4):g} epochs"
    return key, round(part * value, 4)
