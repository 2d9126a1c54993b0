"""Images that a model makes in the course of its training, from the same noise each time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from zoo.backend.devices import one_device
from zoo.training.generative.views import conditional, make_images
from zoo.utils.image_grid import write_grid

if TYPE_CHECKING:
    from zoo.training.problem import Problem

GRID_IMAGES = 40  # in a grid
MAX_GRIDS = 8  # in a run


class SampleGrids(keras.callbacks.Callback):
    """Write a grid of images to `epoch-NNNN.png` at a few epochs, closer together at the beginning.

    The weights are those that were just validated.
    """

    def __init__(self, problem: Problem, folder: Path) -> None:
        super().__init__()
        self.problem, self.folder = problem, folder
        epochs = problem.recipe.training.epochs
        self.epochs = {round(e) for e in np.geomspace(1, epochs, min(MAX_GRIDS, epochs))}

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Write the grid, if it is time."""
        if epoch + 1 in self.epochs:
            self.problem.views.settle()
            with one_device():
                write_grid(self.folder / f"epoch-{epoch + 1:04}.png", draw(self.problem, GRID_IMAGES, seed=0))


def draw(problem: Problem, count: int, *, seed: int, model: keras.Model | None = None) -> np.ndarray:
    """Return images that the model makes, of all classes in turn, uint8 `(count, height, width, channels)`."""
    labels = None
    if conditional(problem.views.network):
        labels = np.arange(count, dtype=np.int32) % len(problem.dataset.signature.labels)
    preprocessor = problem.preprocessor
    scale, offset = float(preprocessor.scale[0]), float(preprocessor.offset[0])
    return make_images(model or problem.views.saved, count, seed, labels, scale=scale, offset=offset)
