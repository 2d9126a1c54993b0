"""`python -m zoo.commands.export_process RUN`, or `RECIPE --trial`: the export of a training on another backend.

The training holds the run's lock. It prints the certificate as JSON; --trial exports a model that is not yet trained.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

from zoo.backend.startup import start_keras
from zoo.commands.export import export_held
from zoo.errors import ZooError


def main(arguments: Sequence[str]) -> None:
    """Export the run that the command line names, or try a recipe's model."""
    path, *options = arguments
    try:
        if options == ["--trial"]:
            _try(path)
        else:
            print(json.dumps(export_held(path)))
    except ZooError as error:
        sys.exit(f"error: {error}")


def _try(path: str) -> None:
    start_keras()
    from zoo.data.sources.load import load_dataset
    from zoo.export.trial import try_export
    from zoo.recipe import load_recipe
    from zoo.tasks import TASKS
    from zoo.training.problem import set_up

    loaded = load_recipe(path, ["training.distribution=null"])  # devices are the training's affair
    dataset = load_dataset(loaded.recipe.data, TASKS[loaded.recipe.task], loaded.recipe.preprocess)
    try_export(loaded, dataset, set_up(loaded.recipe, dataset).views.saved)


if __name__ == "__main__":
    main(sys.argv[1:])
