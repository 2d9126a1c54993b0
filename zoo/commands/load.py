"""`zoo.load`: a trained run, or the model of a `.keras` file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.commands.run import Run
from zoo.errors import ZooError

if TYPE_CHECKING:
    from keras import Model


def load(path: str | os.PathLike[str]) -> Run | Model:
    """Load a run: `zoo.load(RUN).model` is its Keras model.

    Args:
        path: a run folder; or a `.keras` file that `zoo train` wrote, such as a copy of a run's `model.keras`.

    Returns:
        What `zoo.train` returned for the run; of a `.keras` file, which has no run, the Keras model itself.

    Raises:
        ZooError: no such run or file, or a damaged file.
    """
    path = Path(path)
    if path.suffix == ".keras":
        return _load_file(path)
    from zoo.training.run import open_run

    return Run(open_run(path).folder)


def _load_file(path: Path) -> Model:
    if not path.is_file():
        raise ZooError(f"{path} does not exist; expected a run folder, or the model.keras of a run")
    from zoo.backend.startup import start_keras

    start_keras()
    from zoo.training.registered import register_classes
    from zoo.training.saved_model import load_file

    register_classes()
    return load_file(path)
