"""Lanes: a network takes equal parts of a batch side by side, each on a CPU core of its own.

The gradients of the parts add up to those of the batch, but for rounding and the draws of dropout.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import keras
from keras import ops

from zoo.layers.recurrent import LSTM


def call_in_lanes(
    network: keras.Model, inputs: Any, lanes: int, call: Callable[..., Any] | None = None, **options: Any
) -> Any:
    """Call a network on `lanes` equal parts of a batch, and join the results.

    TensorFlow divides each operation among the cores, and they wait for one another at its end. Lanes wait for one
    another once a step, and the maps of a part stay in the cache of its core. A batch whose size is open or no multiple
    of `lanes` is not divided.

    Args:
        network: a model that treats each example alone.
        inputs: tensors that share their first axis, in the structure of the network's inputs.
        lanes: number of parts.
        call: what is called in place of the network itself.
        **options: passed on.
    """
    call = call or network
    flat = keras.tree.flatten(inputs)
    size = flat[0].shape[0]
    if lanes == 1 or not size or size % lanes or any(x.shape[0] != size for x in flat):
        return call(inputs, **options)
    parts = zip(*(ops.split(x, lanes) for x in flat), strict=True)
    with _unrolled(network):
        results = [call(keras.tree.pack_sequence_as(inputs, list(part)), **options) for part in parts]
    return keras.tree.map_structure(lambda *each: ops.concatenate(each), *results)


@contextmanager
def _unrolled(network: keras.Model) -> Iterator[None]:
    """Unroll the LSTMs of a network that is called within: one core gains nothing from a loop's large operations."""
    recurrent = [layer for layer in all_layers(network) if isinstance(layer, LSTM)]
    try:
        for layer in recurrent:
            layer.unrolled = True
        yield
    finally:
        for layer in recurrent:
            layer.unrolled = False


def all_layers(network: keras.Model) -> Iterator[keras.Layer]:
    """Yield the layers of a model and of the models in it."""
    for layer in network.layers:
        if isinstance(layer, keras.Model):
            yield from all_layers(layer)
        else:
            yield layer
