"""In what runs differ: recipe, data, versions and hardware, key by key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from zoo.training.run_files import read_run_file

if TYPE_CHECKING:
    from zoo.training.run import Run

_SPLITS = "splits"


def differences_of(runs: Sequence[Run]) -> dict[str, dict[str, list[Any]]]:
    """Return what differs: section (`recipe`, `data`, `versions`, `hardware`) to dotted key to the value of each run.

    A key that a run lacks is None there.
    """
    return {name: _differing([read(run) for run in runs]) for name, read in _SECTIONS.items()}


def flat(tree: Any, prefix: str = "") -> dict[str, Any]:
    """Return a tree as dotted key to value; places of a list that holds sections are numbers."""
    if isinstance(tree, Mapping):
        items = [(str(key), value) for key, value in tree.items()]
    elif isinstance(tree, list) and any(isinstance(value, Mapping) for value in tree):
        items = [(str(place), value) for place, value in enumerate(tree)]
    else:
        return {prefix: tree}
    found: dict[str, Any] = {}
    for key, value in items:
        found |= flat(value, f"{prefix}.{key}" if prefix else key)
    return found


def _differing(facts: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    keys = dict.fromkeys(key for each in facts for key in each)
    values = {key: [each.get(key) for each in facts] for key in keys}
    return {key: each for key, each in values.items() if any(value != each[0] for value in each)}


def _recipe(run: Run) -> dict[str, Any]:
    recipe = run.recipe().recipe.model_dump(mode="json", exclude={"description", "search"})
    return {key: value for key, value in flat(recipe).items() if value not in (None, {}, [])}


def _data(run: Run) -> dict[str, Any]:
    facts = read_run_file(run.folder / "data.json")
    return {
        **{key: facts.get(key) for key in ("source", "fingerprint")},
        **flat(facts.get(_SPLITS, {}), _SPLITS),
    }


def _versions(run: Run) -> dict[str, Any]:
    facts = run.environment
    return {**facts["versions"], "commit": facts.get("commit")}


def _hardware(run: Run) -> dict[str, Any]:
    facts = run.environment
    hardware = facts["hardware"] if isinstance(facts["hardware"], Mapping) else {"hardware": facts["hardware"]}
    backend = facts.get("backend", {})
    return {**flat(hardware), **{f"backend.{key}": backend.get(key) for key in ("name", "devices")}}


_SECTIONS = {"recipe": _recipe, "data": _data, "versions": _versions, "hardware": _hardware}
