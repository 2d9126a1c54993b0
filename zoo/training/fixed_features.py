"""Features that training does not change are computed once, not in every epoch."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import keras
import numpy as np

from zoo.data.prepared import MAX_RESIDENT_BYTES, Prepared
from zoo.layers.adapted import AdaptedLayer
from zoo.tasks import TASKS

if TYPE_CHECKING:
    from zoo.training.problem import Problem

_KINDS = ("classification", "multi_label", "regression")  # whose trained model is the network on normalised examples
_BATCH = 256


def compute_fixed_features(problem: Problem) -> Problem:
    """Return a problem whose trained model takes the features of the network's first layer, where that stays as it is.

    Nothing changes where that layer learns, where examples differ from epoch to epoch, or where the features of all
    examples would not fit in memory.
    """
    recipe, views = problem.recipe, problem.views
    fixed = _fixed_part(views.network)
    blended = recipe.regularization.mixup or recipe.regularization.cutmix
    size = 0 if fixed is None else (len(problem.train) + len(problem.validation)) * 4 * fixed.output_shape[-1]
    if (
        fixed is None
        or TASKS[recipe.task].kind not in _KINDS
        or views.learner is not views.network
        or problem.devices.count > 1
        or recipe.training.teacher is not None
        or recipe.augment
        or blended
        or problem.train.array is None
        or size > MAX_RESIDENT_BYTES
    ):
        return problem
    prepared = keras.Input(problem.preprocessor.shape, dtype=problem.preprocessor.dtype)
    normalize = problem.preprocessor.normalize()
    features = keras.Model(prepared, fixed(prepared if normalize is None else normalize(prepared)))
    rest = keras.Model(fixed.output, views.network.output)
    inputs = keras.Input(fixed.output_shape[1:], name="features")
    trained = type(views.trained)(inputs, rest(inputs), name="trained")
    if hasattr(views.trained, "penalty"):
        trained.penalty = views.trained.penalty
    return replace(
        problem,
        views=replace(views, trained=trained),
        features=(_on(features, problem.train), _on(features, problem.validation)),
    )


def _fixed_part(network: keras.Model) -> keras.Model | None:
    """Return the network up to its first layer, if that is adapted to the examples and has nothing to learn."""
    first = next(layer for layer in network.layers if not isinstance(layer, keras.layers.InputLayer))
    if not isinstance(first, AdaptedLayer) or first.trainable_variables or len(network.inputs) > 1:
        return None
    return keras.Model(network.input, first.output)


def _on(features: keras.Model, prepared: Prepared) -> Prepared:
    """Return a split whose examples are their features."""
    array = prepared.array
    parts = [features.predict_on_batch(array[i : i + _BATCH]) for i in range(0, len(array), _BATCH)]
    return replace(prepared, array=np.concatenate(parts))
