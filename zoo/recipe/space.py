"""The space of a search: the values of each key, the recipe with some of them, and what is wrong with the space."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import ValidationError

from zoo import registry
from zoo.errors import ZooError, did_you_mean, visible
from zoo.recipe.checks import inconsistencies
from zoo.recipe.merge import merged
from zoo.recipe.problems import Problem, problems_of
from zoo.recipe.schema import Recipe
from zoo.recipe.search import Choice, Entry, Linear, Log
from zoo.recipe.source import dump_line
from zoo.recipe.task import task_of
from zoo.tasks import LOWER_IS_BETTER, TASKS

_SECTIONS = ("preprocess", "augment", "model", "loss", "optimizer", "regularization", "training", "data")
_SAME_FOR_ALL = {
    "training.seed": "the seed is not searched; search.seeds trains each trial with several seeds",
    "training.stop_after": "set training.epochs, or leave it to hyperband",
    "training.checkpoints": "it does not change what the model learns",
    "training.monitor": "it does not change what the model learns",
    "training.distribution": "it does not change what the model learns",
}
_OWN_DATA = ("data.per_class", "data.ignore", "data.categorical", "data.channels")  # the other keys change the examples
_MISSING = object()


@dataclass(frozen=True)
class Dimension:
    """One key of the recipe and its values.

    Attributes:
        key: dotted key; numbers are positions in a list.
        kind: "choice", or the distribution of numbers between two bounds.
        values: the choices, or the two bounds of a range.
        whole: whether a range holds whole numbers only.
        step: distance of the values in a linear range.
        own: the value in the recipe itself; None where it has none.
        when: values of other keys of the space on which this key depends.
    """

    key: str
    kind: Literal["choice", "linear", "log"]
    values: tuple[Any, ...]
    whole: bool = False
    step: float | None = None
    own: Any = None
    when: tuple[tuple[str, tuple[Any, ...]], ...] = ()


def objective_of(recipe: Recipe) -> str:
    """Return the metric on validation that a search optimises."""
    named = recipe.search.objective if recipe.search is not None else None
    return named or f"val_{task_of(recipe).monitor}"


def greater_is_better(recipe: Recipe) -> bool:
    """Return whether that metric is maximised."""
    return objective_of(recipe).removeprefix("val_") not in LOWER_IS_BETTER


def dimensions(recipe: Recipe, tree: Mapping[str, Any]) -> list[Dimension]:
    """Return the dimensions of a recipe's search; a key comes before those that depend on it.

    Args:
        recipe: the checked recipe.
        tree: the same as plain data.
    """
    assert recipe.search is not None
    found: dict[str, Dimension] = {}

    def add(key: str) -> None:
        if key in found or key not in space:
            return
        when = _when(space[key])
        for parent, _ in when:
            add(parent)
        entry = space[key]
        own = _own(recipe, tree, key) if all(found[p].own in allowed for p, allowed in when if p in found) else None
        if isinstance(entry, list | Choice):
            values = entry if isinstance(entry, list) else entry.choice
            own = next((v for v in values if _says(own, v)), own)  # as the space writes it
            found[key] = Dimension(key, "choice", tuple(values), own=own, when=when)
            return
        low, high = entry.linear if isinstance(entry, Linear) else entry.log
        middle = low + (high - low) * 0.5012345
        whole = bool(_refused(recipe, tree, _with_parents(space, key, middle)))
        bounds = (_whole(low), _whole(high)) if whole else (float(low), float(high))
        kind: Literal["linear", "log"] = "linear" if isinstance(entry, Linear) else "log"
        found[key] = Dimension(key, kind, bounds, whole, getattr(entry, "step", None), own, when)

    space = recipe.search.keys
    for key in sorted(space, key=lambda key: key.count(".")):
        add(key)
    return list(found.values())


def changes(tree: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of a recipe that changes with some values; a list in it is complete.

    Args:
        tree: the recipe as plain data.
        values: by dotted key.

    Raises:
        ZooError: a position is not in the list that it names.
    """
    part: dict[str, Any] = {}
    for key in sorted(values, key=lambda key: key.count(".")):
        base = merged(dict(tree), part)
        part = merged(part, _change(base, key.split("."), key, copy.deepcopy(values[key])))
    return part


def space_problems(recipe: Recipe, tree: Mapping[str, Any]) -> list[Problem]:
    """Return the problems of a recipe's search, each with its key. Every value that the space names is checked."""
    search = recipe.search
    assert search is not None
    found = list(_objective_problems(recipe))
    if not search.keys:
        found.append(Problem(("search", "space"), "inconsistent", "no key is left to vary: all are null"))
    for key, entry in search.keys.items():
        text = _key_problem(recipe, key) or _range_problem(entry) or _when_problem(search.keys, key)
        if text is None:
            for value in _named_values(entry):
                refused = _refused(recipe, tree, _with_parents(search.keys, key, value))
                if refused:
                    shown = "" if isinstance(value, dict | list) else f"{dump_line(value)} is refused: "
                    text = f"{shown}{refused}"
                    break
        if text is not None:
            found.append(Problem(("search", "space", key), "inconsistent", text))
    return found


def _objective_problems(recipe: Recipe) -> Iterator[Problem]:
    search, task = recipe.search, task_of(recipe)
    assert search is not None
    metrics = list(dict.fromkeys(["val_loss", f"val_{TASKS[recipe.task].monitor}", f"val_{task.monitor}"]))
    objective = objective_of(recipe)
    if recipe.loss.name == "adversarial":
        text = "the losses of a GAN do not measure the quality of the images, so there is no objective to search by"
        yield Problem(("search",), "inconsistent", text)
    elif objective not in metrics:
        near = did_you_mean(objective, metrics)
        text = f"{visible(objective)} is no metric of {recipe.task}{near} (valid: {', '.join(metrics)})"
        yield Problem(("search", "objective"), "inconsistent", text)
    if search.tuner == "hyperband" and recipe.training.epochs < search.factor:
        epochs = recipe.training.epochs
        text = (
            f"hyperband divides epochs among trials; set training.epochs to {search.factor} or more, received {epochs}"
        )
        yield Problem(("search", "tuner"), "inconsistent", text)
    if search.tuner == "hyperband" and search.median_stopping is not None:
        text = "hyperband itself stops trials early; leave it out"
        yield Problem(("search", "median_stopping"), "inconsistent", text)


def _key_problem(recipe: Recipe, key: str) -> str | None:
    search, first = recipe.search, key.partition(".")[0]
    assert search is not None
    for held, why in _SAME_FOR_ALL.items():
        if key == held or key.startswith(f"{held}."):
            return f"{held} must be the same for all trials: {why}"
    if first == "data" and key not in _OWN_DATA:
        return f"trials must be compared on the same examples; of data, only these can vary: {', '.join(_OWN_DATA)}"
    if first in Recipe.model_fields and first not in _SECTIONS:
        return f"{first} does not change what the model learns (possible: {', '.join(_SECTIONS)})"
    if search.tuner == "hyperband" and key == "training.epochs":
        return "hyperband itself sets the epochs of each trial, up to training.epochs"
    if objective_of(recipe) == "val_loss" and first == "loss":
        return "trials with different losses cannot be compared by val_loss"
    return None


def _range_problem(entry: Entry) -> str | None:
    if isinstance(entry, Linear | Log):
        low, high = entry.linear if isinstance(entry, Linear) else entry.log
        if low >= high:
            return f"the range is empty: the first bound, {low:g}, must be below the second, {high:g}"
        step = getattr(entry, "step", None)
        if step is not None and step > high - low:
            return f"the step, {step:g}, is longer than the range"
        return None
    values = [dump_line(value) for value in _named_values(entry)]
    twice = next((value for value in values if values.count(value) > 1), None)
    return None if twice is None else f"{twice} is listed twice"


def _when_problem(space: Mapping[str, Entry], key: str, seen: tuple[str, ...] = ()) -> str | None:
    for parent, allowed in _when(space[key]):
        if parent not in space:
            return f"when: {visible(parent)} is no key of the space{did_you_mean(parent, space)}"
        if isinstance(space[parent], Linear | Log):
            return f"when: {parent} must be a choice, and is a range"
        if parent in (*seen, key):
            return f"when: {parent} depends on itself"
        unknown = [v for v in allowed if v not in _named_values(space[parent])]
        if unknown or not allowed:
            valid = ", ".join(map(dump_line, _named_values(space[parent])))
            return f"when: {parent} is never {dump_line(unknown[0]) if unknown else 'nothing'} (its values: {valid})"
        deeper = _when_problem(space, parent, (*seen, key))
        if deeper:
            return deeper
    return None


def _when(entry: Entry) -> tuple[tuple[str, tuple[Any, ...]], ...]:
    given = {} if isinstance(entry, list) else entry.when or {}
    return tuple((key, tuple(value) if isinstance(value, list) else (value,)) for key, value in given.items())


def _named_values(entry: Entry) -> list[Any]:
    if isinstance(entry, Linear | Log):
        return [_whole(bound) for bound in (entry.linear if isinstance(entry, Linear) else entry.log)]
    return entry if isinstance(entry, list) else list(entry.choice)


def _with_parents(space: Mapping[str, Entry], key: str, value: Any) -> dict[str, Any]:
    """Return a value, with the first allowed values of the keys that it depends on."""
    found = {key: value}
    for parent, allowed in _when(space[key]):
        found = {**_with_parents(space, parent, allowed[0]), **found}
    return found


def _refused(recipe: Recipe, tree: Mapping[str, Any], values: Mapping[str, Any]) -> str:
    """Return why the recipe with these values would be refused; "" where it would be accepted."""
    plain = {key: value for key, value in tree.items() if key != "search"}
    try:
        tried = Recipe.model_validate(changed := merged(plain, changes(plain, values)))
    except ZooError as error:
        return str(error)
    except ValidationError as error:
        return "; ".join(str(problem) for problem in problems_of(error, changed))
    return "; ".join(str(problem) for problem in inconsistencies(tried))


def _change(tree: Any, path: list[str], key: str, value: Any) -> Any:
    """Return the part of a tree that changes with one value, for `merged`."""
    if not path:
        return value
    first, *rest = path
    if isinstance(tree, list):
        if not first.isdigit() or int(first) >= len(tree):
            raise ZooError(f"{key}: {first} is no position in a list of {len(tree)} (they count from 0)")
        items = list(tree)
        inner = _change(items[int(first)], rest, key, value)
        old = items[int(first)]
        items[int(first)] = merged(old, inner) if isinstance(old, dict) and isinstance(inner, dict) else inner
        return items
    return {first: _change(tree.get(first) if isinstance(tree, dict) else None, rest, key, value)}


def _own(recipe: Recipe, tree: Mapping[str, Any], key: str) -> Any:
    value: Any = tree
    for part in key.split("."):
        if isinstance(value, list) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        elif isinstance(value, dict) and part in value:
            value = value[part]
        else:
            value = _MISSING
            break
    if value is not _MISSING:
        return copy.deepcopy(value)
    first, _, name = key.partition(".")
    return registry.defaults(recipe.model.name).get(name) if first == "model" else None


def _says(own: Any, value: Any) -> bool:
    """Return whether merging a value into a section leaves the section as it was."""
    return isinstance(own, dict) and isinstance(value, dict) and merged(own, value) == own


def _whole(value: float) -> Any:
    """Return a number as an int where it is whole: in YAML, a list of floats may hold whole numbers."""
    return int(value) if math.isfinite(value) and float(value).is_integer() else value
