"""The layers after the network, whose outputs are evaluated: logits to probabilities, values to their unit, boxes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import keras

from zoo.layers.detection import DecodeBoxes

if TYPE_CHECKING:
    from zoo.recipe.schema import Recipe
    from zoo.training.targets import TargetScale

Head = Callable[["Recipe", "TargetScale"], Callable[[Any], Any]]


def probabilities(recipe: Recipe, scale: TargetScale) -> Callable[[Any], Any]:
    """Return the softmax; after binary cross-entropy, the sigmoids of all classes, scaled to sum to one."""
    softmax = keras.layers.Softmax(name="probabilities", dtype="float32")
    if recipe.loss.name != "binary_crossentropy":
        return softmax
    log_sigmoid = keras.layers.Activation("log_sigmoid", name="log_sigmoid", dtype="float32")
    return lambda logits: softmax(log_sigmoid(logits))


def value(recipe: Recipe, scale: TargetScale) -> Callable[[Any], Any]:
    """Return what puts a value back into its unit."""
    return keras.layers.Rescaling(scale.std, scale.mean, name="value", dtype="float32")


def forecast(recipe: Recipe, scale: TargetScale) -> Callable[[Any], Any]:
    """Return what puts a forecast back into its unit."""
    return keras.layers.Rescaling(scale.std, scale.mean, name="forecast", dtype="float32")


def logits(recipe: Recipe, scale: TargetScale) -> Callable[[Any], Any]:
    """Return what leaves the logits as they are."""
    return keras.layers.Identity(name="logits", dtype="float32")


def boxes(recipe: Recipe, scale: TargetScale) -> Callable[[Any], Any]:
    """Return what reads boxes and scores from the maps."""
    return DecodeBoxes(name="detections", dtype="float32")
