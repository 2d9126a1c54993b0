"""The temperature that calibrates the probabilities of a trained classifier, fitted on the validation split."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import keras
import numpy as np

from zoo.layers.temperature import NAME

if TYPE_CHECKING:
    from zoo.training.problem import Problem

LOWEST, HIGHEST = 0.1, 10.0  # temperatures that are tried


def fit_temperature(problem: Problem) -> float | None:
    """Set the temperature of a trained model to the one with the lowest log loss on validation.

    The most probable class of an example stays the same. Where the model gets every validation example right, nothing
    tells how sure it may be, and the temperature stays 1.

    Returns:
        The temperature; None where the recipe does not ask for one.
    """
    if not problem.recipe.evaluation.temperature:
        return None
    evaluated = problem.views.evaluated
    layer = evaluated.get_layer(NAME)
    logits = keras.Model(evaluated.inputs, layer.input)
    found = best_temperature(problem.outputs(problem.validation, logits), problem.dataset.validation.targets)
    layer.temperature.assign(found)
    return found


def best_temperature(logits: np.ndarray, y: np.ndarray) -> float:
    """Return the temperature, from 0.1 to 10, by which logits have the lowest log loss; 1 where all are right.

    Args:
        logits: shape `(n, classes)`.
        y: class indices, shape `(n,)`.
    """
    from scipy.optimize import minimize_scalar
    from scipy.special import log_softmax

    logits = np.asarray(logits, np.float64)
    if (logits.argmax(1) == y).all() or not np.isfinite(logits).all():
        return 1.0
    rows = np.arange(len(y))

    def log_loss(log_temperature: float) -> float:
        return float(-log_softmax(logits / np.exp(log_temperature), axis=1)[rows, y].mean())

    bounds = np.log([LOWEST, HIGHEST])
    return float(np.exp(minimize_scalar(log_loss, bounds=bounds, method="bounded", options={"xatol": 1e-6}).x))


def temperature_notes(temperature: float) -> list[str]:
    """Return what is to be said of a temperature that is at the end of what is tried."""
    if 1.05 * LOWEST < temperature < HIGHEST / 1.05:
        return []
    return [
        "the temperature is at the end of what is tried: validation has too few mistakes to calibrate by, or the "
        "training was too short; see the metrics without and with it in the report"
    ]


def temperature_of(model: keras.Model) -> float:
    """Return the temperature of a model."""
    return float(np.array(model.get_layer(NAME).temperature))


@contextmanager
def without_temperature(model: keras.Model) -> Iterator[None]:
    """Within the block, the temperature of a model is 1."""
    layer = model.get_layer(NAME)
    before = np.array(layer.temperature)
    layer.temperature.assign(1.0)
    try:
        yield
    finally:
        layer.temperature.assign(before)
