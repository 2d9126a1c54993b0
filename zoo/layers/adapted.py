"""Layers whose weights come from examples instead of from the gradient, such as scales, bins and thresholds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
from keras import ops


class AdaptedLayer(keras.layers.Layer):
    """A layer that is adapted to the training examples once, before training, and then stays as it is.

    A subclass sets its weights, which are not trainable, in `adapt`. Until then they are those of `build`.

    Attributes:
        max_examples: number of examples that the layer is adapted to; None for all, which are given some at a time.
    """

    max_examples: int | None = 2048

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._is_adapting = False

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """Adapt to the inputs within `adapting`; then do as every layer does."""
        if self._is_adapting:
            if not self.built:
                self.build(inputs.shape)
            self.adapt(ops.convert_to_numpy(inputs))
        return super().__call__(inputs, *args, **kwargs)

    def adapt(self, examples: np.ndarray) -> None:
        """Set the weights by the layer's input of some training examples, `(examples, ...)`."""
        raise NotImplementedError

    def finish_adapting(self) -> None:
        """Set what needs all examples, after the last of them."""


def adapted_layers(model: keras.Model) -> list[AdaptedLayer]:
    """Return the layers of a model, and of models inside it, that are adapted, in their order."""
    found: list[AdaptedLayer] = []
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            found += adapted_layers(layer)
        elif isinstance(layer, AdaptedLayer):
            found.append(layer)
    return found


@contextmanager
def adapting(model: keras.Model) -> Iterator[None]:
    """Adapt these layers to what the model, or one that contains it, is given within the block."""
    layers = adapted_layers(model)
    try:
        for layer in layers:
            layer._is_adapting = True
        yield
        for layer in layers:
            layer.finish_adapting()
    finally:
        for layer in layers:
            layer._is_adapting = False
