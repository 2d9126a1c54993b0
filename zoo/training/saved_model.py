"""A run's saved model: loading it, and running it on raw examples."""

from __future__ import annotations

import zipfile
from pathlib import Path

import keras

import zoo.layers.code
import zoo.layers.covariates
import zoo.layers.detection
import zoo.layers.diffusion_sampler
import zoo.layers.letterbox
import zoo.layers.padding
import zoo.layers.preprocessing
import zoo.layers.table  # noqa: F401 - layers that a saved model holds register themselves
from zoo import registry
from zoo.errors import ZooError
from zoo.training.run import Run
from zoo.training.run_files import check_unchanged
from zoo.training.stages import held_by


def load_model(run: Run) -> keras.Model:
    """Load the trained model of a run, from raw input to probabilities or value.

    Raises:
        ZooError: the run has no trained model, or the file is damaged.
    """
    if not run.model_path.is_file():
        user = held_by(run)
        now = f"it is in use by {user}" if user else f"resume it with zoo train --resume {run.folder}"
        raise ZooError(f"{run.folder} has no model.keras: the run did not finish its training; {now}")
    check_unchanged(run.model_path, "model_sha256")
    registry.builder(run.recipe().recipe.model.name)  # its module registers the layers of its family
    return load_file(run.model_path)


def load_file(path: Path) -> keras.Model:
    """Load a Keras file, whose classes are registered.

    Raises:
        ZooError: it is damaged.
    """
    try:
        return keras.saving.load_model(path, safe_mode=True, compile=False)
    except (ValueError, OSError, EOFError, TypeError, KeyError, zipfile.BadZipFile) as error:
        raise ZooError(f"{path}: not readable as a Keras model ({error})") from error
