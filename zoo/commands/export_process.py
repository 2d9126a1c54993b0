"""`python -m zoo.commands.export_process RUN [--trial]`: the export of a training on another backend.

The training holds the run's lock. The certificate is printed as JSON; with --trial the model is not trained yet.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from zoo.backend.startup import start_keras
from zoo.commands.export import export_held
from zoo.errors import ZooError


def main(arguments: Sequence[str]) -> None:
    """Export the run that the command line names, or try to."""
    folder, *options = arguments
    try:
        if options == ["--trial"]:
            _try(Path(folder))
        else:
            print(json.dumps(export_held(folder)))
    except ZooError as error:
        sys.exit(f"error: {error}")


def _try(folder: Path) -> None:
    start_keras()
    from zoo.data.sources.load import load_dataset
    from zoo.export.trial import try_export
    from zoo.tasks import TASKS
    from zoo.training.run import open_run
    from zoo.training.saved_model import load_model

    run = open_run(folder)
    loaded = run.recipe()
    dataset = load_dataset(loaded.recipe.data, TASKS[loaded.recipe.task], loaded.recipe.preprocess)
    try_export(loaded, dataset, load_model(run))


if __name__ == "__main__":
    main(sys.argv[1:])
