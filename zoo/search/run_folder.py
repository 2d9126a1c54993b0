"""The run folder of a trial: what an interrupted run, a parent trial or another trial left in it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from zoo.errors import ZooError
from zoo.recipe import LoadedRecipe, load_recipe
from zoo.search.trial_job import LOG
from zoo.training.callbacks.state import read_state, state_files

CHECKPOINTS = "checkpoints"


def remove_other_trial(folder: Path, loaded: LoadedRecipe) -> None:
    """Empty a run folder that holds the run of another recipe, as it may when the search's own files were lost."""
    path = folder / "recipe.yaml"
    if not path.is_file():
        return
    try:
        same = load_recipe(path).run_yaml() == loaded.run_yaml()
    except ZooError:
        same = False
    if not same:
        for part in folder.iterdir():
            if part.is_dir():
                shutil.rmtree(part)
            elif part.name not in (".lock", LOG):
                part.unlink()


def resumable_epochs(folder: Path, parent: Path | None = None) -> list[dict[str, Any]] | None:
    """Return the log of the epochs that a run can resume after; None where it has to begin.

    Without a checkpoint of its own, a run takes those of its parent; checkpoints that are all damaged are removed.

    Args:
        folder: the run folder.
        parent: run folder of the same training for fewer epochs.
    """
    rows = _newest_rows(folder)
    if rows is None and parent is not None and _newest_rows(parent) is not None:
        _copy(parent / CHECKPOINTS, folder / CHECKPOINTS)
        rows = _newest_rows(folder)
    if rows is None and state_files(folder / CHECKPOINTS):
        shutil.rmtree(folder / CHECKPOINTS)
    return rows


def _newest_rows(folder: Path) -> list[dict[str, Any]] | None:
    """Return the log in the newest checkpoint that is whole; None where there is none."""
    for path in state_files(folder / CHECKPOINTS):
        try:
            facts, _ = read_state(path)
        except ZooError:
            continue
        return list(facts["rows"])
    return None


def _copy(source: Path, target: Path) -> None:
    """Copy a folder; the copy is whole or not there."""
    temporary = target.with_name(f".{target.name}")
    for leftover in (temporary, target):
        shutil.rmtree(leftover, ignore_errors=True)
    shutil.copytree(source, temporary)
    temporary.rename(target)
