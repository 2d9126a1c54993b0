"""How many lanes a run trains in (`zoo.layers.lanes`): what `training.lanes: auto` stands for, and what is refused."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import keras
from keras import ops

from zoo.backend.devices import Devices, has_accelerator
from zoo.errors import ZooError
from zoo.layers.lanes import all_layers
from zoo.training.generative.views import is_gan

if TYPE_CHECKING:
    from zoo.recipe.schema import Recipe

# The builders that were measured to train faster in lanes; the last is the U-Net of `ddpm`.
FASTER_IN_LANES = ("lstm", "transformer", "ddpm", "conditional_ddpm")
MAX_AUTO_LANES = 4  # each is a copy of the network in the graph
MIN_AUTO_WORK = 1 << 22  # weights times examples of a batch; a smaller step is too short to gain
TRIED_LENGTH = 32  # steps of a sequence of open length, where a network is tried


def lanes_for(recipe: Recipe, network: keras.Model, devices: Devices) -> int:
    """Return how many lanes a network trains in; for "auto" one where more were not measured to be faster.

    Raises:
        ZooError: the recipe asks for a number of lanes in which this network cannot be trained.
    """
    wanted = recipe.training.lanes
    lanes = _auto_lanes(recipe, network) if wanted == "auto" else wanted
    if lanes == 1:
        return 1
    obstacle = _obstacle(recipe, network, devices, lanes)
    if wanted == "auto":
        return 1 if obstacle is not None else lanes
    if obstacle is not None:
        raise ZooError(
            f"training.lanes: expected 1 or auto for this run, received {lanes}: {obstacle}; leave training.lanes out"
        )
    return lanes


def _auto_lanes(recipe: Recipe, network: keras.Model) -> int:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    faster = recipe.model.name in FASTER_IN_LANES and 2 <= cores <= MAX_AUTO_LANES
    long = recipe.training.batch_size * network.count_params() >= MIN_AUTO_WORK
    return cores if faster and long and not has_accelerator() else 1


def with_lanes(recipe: Recipe, lanes: int) -> Recipe:
    """Return a recipe with this number of lanes."""
    return recipe.model_copy(update={"training": recipe.training.model_copy(update={"lanes": lanes})})


def _obstacle(recipe: Recipe, network: keras.Model, devices: Devices, lanes: int) -> str | None:
    """Return why a run cannot train in lanes; None where it can."""
    backend = keras.backend.backend()
    if backend != "tensorflow":
        return f"lanes are for TensorFlow, and the backend is {backend}"
    if devices.count > 1:
        return f"{devices.count} devices share each batch already"
    if recipe.training.batch_size % lanes:
        return f"training.batch_size is {recipe.training.batch_size}, which is no multiple of {lanes}"
    if is_gan(network):
        return "the two players of a GAN train in one step, which is not divided"
    for layer in all_layers(network):
        kept = [v.name for v in layer.non_trainable_variables if v.name != "seed_generator_state"]
        if kept:
            return f"layer '{layer.name}' computes {kept[0]} over a whole batch"
        if isinstance(layer, keras.layers.Masking) or getattr(layer, "mask_zero", False):
            return f"layer '{layer.name}' makes a mask, which lanes do not join"
    if recipe.training.lanes != "auto" and _adds_losses(network):
        return f"a layer of '{network.name}' adds a loss of its own, a mean over the batch, once a lane"
    return None


def _adds_losses(network: keras.Model) -> bool:
    """Call a network on one example of zeros, without a change to it, and return whether its layers add losses."""
    shapes = [(1, *(n or TRIED_LENGTH for n in x.shape[1:])) for x in network.inputs]
    inputs = [ops.zeros(shape, x.dtype) for shape, x in zip(shapes, network.inputs, strict=True)]
    with keras.StatelessScope(collect_losses=True) as scope:
        network(inputs if len(inputs) > 1 else inputs[0], training=True)
    return bool(scope.losses)
