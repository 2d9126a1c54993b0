"""Opening a run again, with the data that it was trained on."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from rich.console import Console

from zoo.errors import ZooError
from zoo.training.run_files import read_run_file

if TYPE_CHECKING:
    from zoo.data.dataset import Dataset
    from zoo.data.memory.given import MemoryData
    from zoo.recipe import LoadedRecipe
    from zoo.training.run import Run

SILENT = Console(quiet=True, stderr=True, markup=False, emoji=False)


def reopen(folder: str | os.PathLike[str], memory: MemoryData | None = None) -> tuple[Run, LoadedRecipe, Dataset]:
    """Return run, recipe and data set, and check that the data is still the same.

    Args:
        folder: the run; a `zoo.Run` that `zoo.train` returned knows the data that it was given.
        memory: the data that was given in Python, where the run was trained on such.
    """
    memory = memory or getattr(folder, "memory", None)
    from zoo.data.sources.load import load_dataset
    from zoo.tasks import TASKS
    from zoo.training.run import open_run

    run = open_run(folder)
    loaded = run.recipe()
    dataset = load_dataset(loaded.recipe.data, TASKS[loaded.recipe.task], loaded.recipe.preprocess, memory)
    check_same_data(run, dataset)
    return run, loaded, dataset


def check_same_data(run: Run, dataset: Dataset) -> None:
    """Refuse data that is not what a run was trained on."""
    known = read_run_file(run.folder / "data.json")["fingerprint"]
    if dataset.fingerprint != known:
        raise ZooError(
            f"{dataset.name} is not the data that {run.folder} was trained on: its fingerprint is "
            f"{dataset.fingerprint[:16]}, and was {known[:16]}; put the data back, or train again"
        )
