"""`zoo train RUN --apply 1`: the recipe of a run, changed as its diagnosis proposes."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from zoo.errors import ZooError, listing
from zoo.recipe import LoadedRecipe, load_recipe, overridden
from zoo.recipe.overrides import Overrides, override_lines
from zoo.training.run import Run, open_run
from zoo.training.run_files import read_edits


def apply_edit(
    run: str | os.PathLike[str], number: int, overrides: Overrides = (), *, runs: str | Path = "runs"
) -> LoadedRecipe:
    """Return the recipe of a run with one of the edits that its report proposes.

    Args:
        run: a run folder; or a recipe, of which the newest run in `runs` is meant.
        number: which edit, from 1.
        overrides: `key.path=value`, beside the edit.
        runs: folder of run folders.

    Raises:
        ZooError: no such run or edit, or a recipe that refuses it.
    """
    found = run_of(run, runs)
    edits = read_edits(found.folder)
    if not 1 <= number <= len(edits):
        valid = listing([str(i) for i in range(1, len(edits) + 1)]) if edits else "there are none"
        raise ZooError(
            f"--apply {number}: no such edit in the report of {found.folder} ({valid}); `zoo report` makes those of an "
            "older run"
        )
    edit = edits[number - 1]
    changed = overridden(found.recipe(), [*edit.overrides, *override_lines(overrides)])
    return replace(changed, notes=(*changed.notes, f"edit {number} of {found.folder}: {edit}"))


def run_of(name: str | os.PathLike[str], runs: str | Path = "runs") -> Run:
    """Return the run of a folder, or the newest run with a report of the recipe that is named.

    Raises:
        ZooError: there is none.
    """
    if (Path(name) / "environment.json").is_file():
        return open_run(name)
    recipe = load_recipe(str(name)).name
    found = sorted(path.parent for path in (Path(runs) / recipe).glob("*/report.json"))
    if not found:
        raise ZooError(f"{name}: no run with a report in {Path(runs) / recipe}; train it first, or name a run folder")
    return Run(found[-1])
