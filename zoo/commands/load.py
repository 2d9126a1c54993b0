"""`zoo.load`: the trained model of a run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from zoo.backend.startup import start_keras
from zoo.errors import ZooError

if TYPE_CHECKING:
    from keras import Model


def load(path: str | Path) -> Model:
    """Load the trained model of a run, from raw input to probabilities, values, or what its task has.

    Args:
        path: a run folder, or a `.keras` file that `zoo train` wrote.

    Returns:
        A Keras model, not compiled. It takes uint8 images; float32 arrays; int32 token ids; a dict of `nodes` and
        `edges`; of a table a dict of `column_0`, `column_1`, …, each `(rows, 1)`, in the order of the columns.

    Raises:
        ZooError: no such run or file, a run that is not trained, or a damaged file.
    """
    start_keras()
    from zoo.training.registered import register_classes
    from zoo.training.run import open_run
    from zoo.training.saved_model import load_file, load_model

    register_classes()
    path = Path(path)
    if path.suffix != ".keras":
        return load_model(open_run(path))
    if not path.is_file():
        raise ZooError(f"{path} does not exist; expected a run folder, or the model.keras of a run")
    return load_file(path)
