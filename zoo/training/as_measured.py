"""The model that is kept is the one that was measured: its figures on validation, once more, and those of its epoch."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from zoo.errors import ZooError
from zoo.losses import build_loss
from zoo.tasks import TASKS, Kind
from zoo.training.saved_model import saved_outcomes

if TYPE_CHECKING:
    from zoo.training.fit import Fitted
    from zoo.training.problem import Problem

# Largest difference of a figure, relative to it where it is above 1. The same operations on the same weights: 0 was
# measured on one device, on several and in 16 bits.
_TRAINED_TOLERANCE = 1e-3
# The same of the saved file, which computes in float32 from raw examples. In 16 bits an answer in 50 was seen to tip.
_SAVED_TOLERANCE = {"float32": 5e-3, "mixed_float16": 2e-2, "mixed_bfloat16": 5e-2}
_TIPPED_EXAMPLES = 2  # answers that may tip, where few examples make each a large part of the accuracy


def check_trained(problem: Problem, row: Mapping[str, float], validation: Any) -> None:
    """Compare the trained model's figures on validation with those of the epoch that is kept.

    Where an evaluation draws random numbers, as that of a GAN or a diffusion model does, its figures are samples: then
    only the weights are compared, those of the evaluated model with those of the trained one.

    Args:
        problem: data and model, as training left it.
        row: the epoch's row in the log.
        validation: the batches that it was validated on.

    Raises:
        ZooError: they differ.
    """
    views = problem.views
    weights = zip(views.network.get_weights(), views.learner.get_weights(), strict=True)
    if not all(np.array_equal(a, b, equal_nan=True) for a, b in weights):
        raise ZooError(_message("its weights", "those of the trained network", "others"))
    with problem.devices.scope():
        seeds = [v for v in views.trained.variables if not keras.backend.is_float_dtype(v.dtype)]
        before = [np.array(v) for v in seeds]
        found = views.trained.evaluate(
            validation, verbose=0, return_dict=True, callbacks=list(problem.devices.callbacks)
        )
        drawn = any(not np.array_equal(old, np.array(v)) for old, v in zip(before, seeds, strict=True))
        for variable, old in zip(seeds, before, strict=True):
            variable.assign(old)
    if not drawn:
        _compare({f"val_{k}": float(v) for k, v in found.items()}, row, _TRAINED_TOLERANCE)


def check_saved(problem: Problem, model: keras.Model, fitted: Fitted) -> None:
    """Compare the saved file with the model that was trained: its weights, and its figures from raw examples.

    Args:
        problem: data and model, as training left it.
        model: what was loaded from the file.
        fitted: what training returned.

    Raises:
        ZooError: they differ.
    """
    trained, saved = problem.views.saved.get_weights(), model.get_weights()
    if len(trained) != len(saved) or not all(map(np.array_equal, trained, saved)):
        raise ZooError(_message("its weights", "those of the trained network", "others"))
    recipe, validation = problem.recipe, problem.dataset.validation
    figures = _FIGURES.get(TASKS[recipe.task].kind)
    if figures is None:
        return
    output = saved_outcomes(model, validation, problem.dataset.signature, TASKS[recipe.task])
    tolerance = _SAVED_TOLERANCE[recipe.training.precision]
    if TASKS[recipe.task].classifies:
        tolerance = max(tolerance, _TIPPED_EXAMPLES / len(validation))
    found = figures(problem, problem.validation.targets, output)
    _compare(found, fitted.history[fitted.kept_epoch - 1], tolerance)


def _accuracy(problem: Problem, targets: np.ndarray, output: np.ndarray) -> dict[str, float]:
    """Return the accuracy of probabilities."""
    return {"val_accuracy": float((output.argmax(1) == targets.argmax(1)).mean())}


def _errors(problem: Problem, targets: np.ndarray, output: np.ndarray) -> dict[str, float]:
    """Return the loss and the mean absolute error of values, in standard deviations."""
    scale = problem.scale
    values = ((output.reshape(targets.shape) - scale.mean) / scale.std).astype(np.float32)
    loss = build_loss(problem.recipe.loss, kind=TASKS[problem.recipe.task].kind)
    return {"val_loss": float(loss(targets, values)), "val_mae": float(np.abs(values - targets).mean())}


# Figures from the outputs of the saved model. The other kinds have none that training sees, too.
_FIGURES: dict[Kind, Callable[[Problem, np.ndarray, np.ndarray], dict[str, float]]] = {
    "classification": _accuracy,
    "regression": _errors,
    "forecasting": _errors,
}


def _compare(found: Mapping[str, float], row: Mapping[str, float], tolerance: float) -> None:
    for name in found.keys() & row.keys():
        measured, saved = row[name], found[name]
        same = measured == saved or (math.isnan(measured) and math.isnan(saved))
        if not same and not abs(measured - saved) <= tolerance * max(1.0, abs(measured)):
            raise ZooError(_message(name, f"{measured:.6g} in epoch {row['epoch']:.0f}", f"{saved:.6g}"))


def _message(what: str, measured: str, saved: str) -> str:
    return (
        f"the model to be saved is not the one that was measured: {what}: {measured} as training saw it, {saved} now. "
        "Nothing was reported or exported. A layer keeps a state that is not among its weights, or this is a fault of "
        "zoo: leave out optimizer.ema, training.precision and training.distribution one by one to see which it is"
    )
