"""What is watched in the course of training: the gradients' norm, the updates' size, and units that are dead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from zoo.backend.devices import one_device
from zoo.optimization.grouped import innermost
from zoo.optimization.watched import WatchedOptimizer

if TYPE_CHECKING:
    from zoo.training.problem import Problem

_EXAMPLES = 512  # of the validation split, on which a unit has to be silent to count as dead


class Monitoring(keras.callbacks.Callback):
    """Add what was watched to the metrics of each epoch; it stands before the callbacks that write them.

    `gradient_norm` is the global norm before clipping, and `update_ratio` the norm of what a step adds to the weights
    as a fraction of theirs, both means over the epoch's steps; some 0.001 is usual. `dead_units` is the fraction of the
    units with a ReLU that are zero at every place of all of 512 validation examples: their gradients are zero, too.
    """

    def __init__(self, problem: Problem) -> None:
        super().__init__()
        self.problem = problem
        self.rectified = rectified(problem.views.network)
        self.examples = _examples(problem) if self.rectified is not None else None

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Read what was watched."""
        watched = innermost(self.model.optimizer, WatchedOptimizer)
        assert logs is not None and watched is not None
        logs.update(watched.read())
        if self.examples is not None:
            self.problem.views.settle()
            with one_device():
                logs["dead_units"] = dead_units(self.rectified, self.examples)


def rectified(network: keras.Model) -> keras.Model | None:
    """Return a model of what a network's ReLUs give; None where it has none."""
    for layer in network.layers:
        if isinstance(layer, keras.Model):  # behind embedded columns
            found = rectified(layer)
            return found and keras.Model(network.inputs, found(network.get_layer("embed_columns").output))
    layers = [
        layer
        for layer in network.layers
        if isinstance(layer, keras.layers.ReLU) or getattr(layer, "activation", None) is keras.activations.relu
    ]
    return keras.Model(network.inputs, [layer.output for layer in layers]) if layers else None


def dead_units(model: Any, examples: np.ndarray) -> float:
    """Return the fraction of the units, which are channels of maps, that are zero everywhere in all examples."""
    outputs = model(examples, training=False)
    outputs = outputs if isinstance(outputs, list | tuple) else [outputs]
    dead = [np.asarray(x).reshape(-1, x.shape[-1]).max(axis=0) <= 0 for x in outputs]
    return float(np.concatenate(dead).mean())


def _examples(problem: Problem) -> np.ndarray | None:
    """Return normalised validation examples, where the network takes one array of numbers."""
    if len(problem.views.network.inputs) > 1 or problem.dataset.signature.vocabulary is not None:
        return None
    first = problem.dataset.validation.part(np.arange(min(_EXAMPLES, len(problem.dataset.validation))))
    prepared, normalize = problem.prepare(first).array, problem.preprocessor.normalize()
    if not isinstance(prepared, np.ndarray):
        return None
    return np.asarray(prepared if normalize is None else normalize(prepared))
