"""The saved file is the model that was measured: its weights, and its figures on raw validation examples."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import keras
import numpy as np

from zoo.errors import ZooError
from zoo.losses import build_loss
from zoo.tasks import TASKS, Kind
from zoo.training.as_measured import compare, difference
from zoo.training.saved_outputs import saved_outcomes

if TYPE_CHECKING:
    from zoo.training.problem import Problem

# Largest difference of a figure of the saved file, relative to it where it is above 1, by the precision of training:
# the file computes in float32, and from raw examples. In 16 bits answers may tip.
_SAVED_TOLERANCE = {"float32": 1e-3, "mixed_float16": 5e-3, "mixed_bfloat16": 2e-2}
_TIPPED_EXAMPLES = 2  # answers that may tip, where few examples make each a large part of the accuracy


def check_saved(problem: Problem, model: keras.Model, row: Mapping[str, float]) -> None:
    """Compare the saved file with the model that was trained: its weights, and its figures from raw examples.

    Args:
        problem: data and model, as training left it.
        model: what was loaded from the file.
        row: the kept epoch's row in the log.

    Raises:
        ZooError: they differ.
    """
    trained, saved = problem.views.saved.get_weights(), model.get_weights()
    if len(trained) != len(saved) or not all(map(np.array_equal, trained, saved)):
        raise ZooError(difference("its weights", "those of the trained network", "others"))
    recipe, validation = problem.recipe, problem.dataset.validation
    figures = _FIGURES.get(TASKS[recipe.task].kind)
    if figures is None:
        return
    output = saved_outcomes(model, validation, problem.dataset.signature, TASKS[recipe.task])
    tolerance = _SAVED_TOLERANCE[recipe.training.precision]
    if TASKS[recipe.task].classifies:
        tolerance = max(tolerance, _TIPPED_EXAMPLES / len(validation))
    found = figures(problem, problem.validation.targets, output)
    compare(found, row, tolerance)


def _accuracy(problem: Problem, targets: np.ndarray, output: np.ndarray) -> dict[str, float]:
    """Return the accuracy of probabilities."""
    return {"val_accuracy": float((output.argmax(1) == targets.argmax(1)).mean())}


def _errors(problem: Problem, targets: np.ndarray, output: np.ndarray) -> dict[str, float]:
    """Return the loss and the mean absolute error of values, in standard deviations."""
    mean, std = problem.scale.units(problem.validation.split)
    values = ((output.reshape(targets.shape) - mean) / std).astype(np.float32)
    loss = build_loss(problem.recipe.loss, kind=TASKS[problem.recipe.task].kind)
    return {"val_loss": float(loss(targets, values)), "val_mae": float(np.abs(values - targets).mean())}


# Figures from the outputs of the saved model. The other kinds have none that training sees, too.
_FIGURES: dict[Kind, Callable[[Problem, np.ndarray, np.ndarray], dict[str, float]]] = {
    "classification": _accuracy,
    "regression": _errors,
    "forecasting": _errors,
}
