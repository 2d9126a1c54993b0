"""Depth of each layer of a network, for layer-wise learning rates and gradual unfreezing."""

from __future__ import annotations

import re
from collections.abc import Iterator

import keras

from zoo.layers.head import LOGITS

_UNIT = re.compile(r"[a-z]+\d+(_block\d+|_\d+)?")  # "stage2_block1" of "stage2_block1_1_conv", "block3" of "block3_mlp"


def layers_of(model: keras.Model) -> Iterator[keras.Layer]:
    """Yield the layers of a model and of the models in it."""
    for layer in model.layers:
        yield layer
        if isinstance(layer, keras.Model):
            yield from layers_of(layer)


def heights(model: keras.Model) -> dict[int, int]:
    """Map the id of each trainable variable to the number of units above its own: 0 for the head.

    A unit is a block, as the names of the layers tell. What precedes the first block (a stem, an embedding) is one
    unit; what has no block's name after that belongs to the block before it, and the head is a unit of its own.
    """
    units: list[str] = []
    unit_of: dict[int, int] = {}
    for layer in layers_of(model):
        if isinstance(layer, keras.Model) or not layer.trainable_variables:
            continue
        found = _UNIT.match(layer.name)
        name = LOGITS if layer.name == LOGITS else found[0] if found else units[-1] if units else "stem"
        if name not in units:
            units.append(name)
        for variable in layer.trainable_variables:
            unit_of[id(variable)] = units.index(name)
    return {variable: len(units) - 1 - unit for variable, unit in unit_of.items()}
