"""The model that is kept is the one that was measured: its figures on validation, once more, and those of its epoch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from zoo.errors import ZooError
from zoo.training.lora import merged_weights

if TYPE_CHECKING:
    from zoo.training.problem import Problem

# Largest difference of a figure, relative to it where it is above 1. The operations and weights are the same, so that
# only rounding may differ.
_TRAINED_TOLERANCE = 1e-4


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
    weights = zip(views.network.get_weights(), merged_weights(views.learner), strict=True)
    if not all(np.array_equal(a, b, equal_nan=True) for a, b in weights):
        raise ZooError(difference("its weights", "those of the trained network", "others"))
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
        compare({f"val_{k}": float(v) for k, v in found.items()}, row, _TRAINED_TOLERANCE)


def compare(found: Mapping[str, float], row: Mapping[str, float], tolerance: float) -> None:
    """Compare figures with those of an epoch's row that have the same names.

    Raises:
        ZooError: one differs by more than the tolerance, relative to it where it is above 1.
    """
    for name in found.keys() & row.keys():
        measured, saved = row[name], found[name]
        same = measured == saved or (math.isnan(measured) and math.isnan(saved))
        if not same and not abs(measured - saved) <= tolerance * max(1.0, abs(measured)):
            raise ZooError(difference(name, f"{measured:.6g} in epoch {row['epoch']:.0f}", f"{saved:.6g}"))


def difference(what: str, measured: str, saved: str) -> str:
    """Return the message for a model that is not the one that was measured."""
    return (
        f"the model to be saved is not the one that was measured: {what}: {measured} as training saw it, {saved} now. "
        "Nothing was reported or exported. A layer keeps a state that is not among its weights, or this is a fault of "
        "zoo: leave out optimizer.ema, training.precision and training.distribution one by one to see which it is"
    )
