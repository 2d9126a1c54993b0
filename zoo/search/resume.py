"""Resuming a search: the folder must hold the same search, and a new oracle is told of its trials in their order."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console

from zoo.errors import ZooError
from zoo.recipe import LoadedRecipe, Recipe, load_recipe
from zoo.recipe.source import parse
from zoo.search.records import TrialRecord
from zoo.search.trial_job import digest, outcome_of
from zoo.search.trials import SearchTrials
from zoo.utils.files import read_json, write_json

SEARCH_FILE = "search.json"
_CHANGEABLE = ("max_trials", "max_minutes")  # what may be changed when a search is resumed
_PARTS = {"recipe": "another recipe", "search": "another search", "resolved": "other settings"}  # of the file


def claim_folder(folder: Path, loaded: LoadedRecipe, console: Console) -> None:
    """Write which search the folder holds; if it holds one already, check that it is the same.

    Raises:
        ZooError: it is another.
    """
    path, now = folder / SEARCH_FILE, _what_is_searched(loaded)
    if path.is_file():
        before = _read(path)
        if before is None:
            console.print(f"  {path} is damaged: resuming by the trials themselves", style="yellow", markup=False)
        other = _difference(before or now, now)
        if other is not None:
            raise ZooError(
                f"{folder} holds a search with {_PARTS[other]}; resume it with what it was started with, or name "
                "another --folder (max_trials and max_minutes may be raised, but for hyperband)"
            )
    write_json(path, now)


def _read(path: Path) -> dict[str, Any] | None:
    try:
        found = read_json(path)
    except ZooError:
        return None
    return found if isinstance(found, dict) else None


def _what_is_searched(loaded: LoadedRecipe) -> dict[str, Any]:
    tree = loaded.tree()["search"]
    fixed = tree["tuner"] == "hyperband"  # the sizes of its rounds follow from the number of trials
    search = {key: value for key, value in tree.items() if fixed or key not in _CHANGEABLE}
    return json.loads(json.dumps({"recipe": loaded.name, "search": search, "resolved": loaded.run_yaml()}))


def _difference(before: Mapping[str, Any], now: Mapping[str, Any]) -> str | None:
    """Return the first part in which two searches differ; None if they are the same.

    A version of the zoo may have added settings since the file was written: it is read with their defaults.
    """
    if before == now:
        return None
    try:
        resolved, _ = parse(before["resolved"], SEARCH_FILE)
        recipe = Recipe.model_validate({**resolved, "search": before["search"]})
        before = _what_is_searched(LoadedRecipe(before["recipe"], recipe, {}))
    except (KeyError, TypeError, ValueError, ZooError):
        pass  # it is compared as it is
    return next((part for part in _PARTS if before.get(part) != now[part]), None)


def replay(trials: SearchTrials, console: Console) -> None:
    """Tell a new oracle of the trials in the folder; those that were under way go to the next workers.

    Trials begin and end in the order of the first time, since proposals depend on it.
    """
    store = trials.store
    store.read()
    for path in store.damaged:
        console.print(f"  {path} is damaged: its runs are looked at again", style="yellow", markup=False)
    numbers = [int(p.name) for p in store.folder.glob("trials/[0-9]*") if p.name.isdigit()]
    known, to_end = dict(store.records), store.ended
    lost = [n for n in range(max(numbers, default=-1) + 1) if n not in known]
    free_places = sorted(set(range(len(to_end) + len(lost))) - {r.ended for r in to_end})  # in the order of ends
    running = []
    for number in range(len(known) + len(lost)):
        record = known.get(number)
        began_after = record.began_after if record is not None else number
        while to_end and (to_end[0].ended or 0) < began_after and to_end[0].number < number:
            trials.end(to_end.pop(0))
        record = trials.replay(number, record)
        if record is None:
            break
        if number not in known:
            _find_outcomes(trials, record, free_places)
            if record.ended is not None:
                to_end = sorted([*to_end, record], key=lambda r: r.ended or 0)
        if record.ended is None:
            running.append(record)
    for record in to_end:
        trials.end(record)
    for record in running:
        trials.give_back(record.number)
    if store.records:
        under_way = f", {len(running)} under way" if running else ""
        console.print(f"Resuming: {len(store.ended)} of {trials.search.max_trials} trials have ended{under_way}")


def _find_outcomes(trials: SearchTrials, record: TrialRecord, free_places: list[int]) -> None:
    """Enter what the runs say of a trial whose own file is lost."""
    path, outcomes = trials.store.recipe_file(record.number), []
    record.worker = ""  # which is not known
    for seed in trials.seeds:
        recipe = digest(load_recipe(path, [f"training.seed={seed}"]))
        outcomes.append(outcome_of(trials.store.run_folder(record.number, seed), recipe))
    found = [o for o in outcomes if o is not None]
    if len(found) == len(outcomes) and not any("failed" in o for o in found):
        record.status, record.ended = "finished", free_places.pop(0)
        trials.enter(record, found)
    trials.store.write(record)
