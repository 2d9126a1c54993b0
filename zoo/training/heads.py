"""The layers after the network, whose outputs are evaluated: logits to probabilities, values to their unit, boxes."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import TYPE_CHECKING, Any

import keras

from zoo.layers.detection import DecodeBoxes
from zoo.layers.preprocessing import DoubleRescaling
from zoo.layers.temperature import NAME as TEMPERATURE
from zoo.layers.temperature import Temperature

if TYPE_CHECKING:
    from zoo.recipe.schema import Recipe
    from zoo.training.targets import TargetScale

Head = Callable[["Recipe", "TargetScale"], Callable[[Any], Any]]


def probabilities(recipe: Recipe, scale: TargetScale) -> Callable[[Any], Any]:
    """Return the softmax, of logits that a temperature divides where the recipe asks for it.

    After binary cross-entropy, it is the sigmoids of all classes, scaled to sum to one.
    """
    layers: list[Any] = []
    if recipe.loss.name == "binary_crossentropy":
        layers.append(keras.layers.Activation("log_sigmoid", name="log_sigmoid", dtype="float32"))
    if recipe.evaluation.temperature:
        layers.append(Temperature(name=TEMPERATURE, dtype="float32"))
    layers.append(keras.layers.Softmax(name="probabilities", dtype="float32"))
    return lambda logits: reduce(lambda x, layer: layer(x), layers, logits)


def label_probabilities(recipe: Recipe, scale: TargetScale) -> Callable[[Any], Any]:
    """Return the sigmoid of each label: labels do not exclude each other."""
    return keras.layers.Activation("sigmoid", name="probabilities", dtype="float32")


def in_own_unit(scale: TargetScale, name: str) -> keras.layers.Layer:
    """Return the layer that puts standardised values back into their unit, in float64 where float32 would lose them."""
    mean, std = scale.lists()
    if scale.double:
        return DoubleRescaling(std, mean, "float64", name=name)
    if len(mean) > 1:
        return keras.layers.Rescaling(std, mean, name=name, dtype="float32")
    return keras.layers.Rescaling(std[0], mean[0], name=name, dtype="float32")


def value(recipe: Recipe, scale: TargetScale) -> Callable[[Any], Any]:
    """Return what puts a value back into its unit."""
    return in_own_unit(scale, "value")


def forecast(recipe: Recipe, scale: TargetScale) -> Callable[[Any], Any]:
    """Return what puts a forecast back into its unit."""
    return in_own_unit(scale, "forecast")


def logits(recipe: Recipe, scale: TargetScale) -> Callable[[Any], Any]:
    """Return what leaves the logits as they are."""
    return keras.layers.Identity(name="logits", dtype="float32")


def boxes(recipe: Recipe, scale: TargetScale) -> Callable[[Any], Any]:
    """Return what reads boxes and scores from the maps."""
    return DecodeBoxes(name="detections", dtype="float32")
