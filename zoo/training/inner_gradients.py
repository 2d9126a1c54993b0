"""Gradients of a model with respect to the output of one of its layers: of token embeddings, or a feature map."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.backend.gradients import input_gradient


class InnerGradients:
    """An evaluated model that can be differentiated with respect to the output of a layer of its network.

    Args:
        evaluated: prepared examples to probabilities or values (`zoo.training.views.Views.evaluated`).
        network: the network inside.
        layer: of the network, called once.
    """

    def __init__(self, evaluated: keras.Model, network: keras.Model, layer: keras.layers.Layer) -> None:
        self.before, self.after = _cut(evaluated, network, layer)

    def inner(self, x: np.ndarray) -> np.ndarray:
        """Return the layer's outputs for prepared examples."""
        return ops.convert_to_numpy(self.before(self._tensor(x)))

    def output(self, x: np.ndarray, inner: np.ndarray, index: int | None) -> np.ndarray:
        """Return one of the outputs of each example, or the mean of all, where the layer's outputs are `inner`."""
        return ops.convert_to_numpy(chosen(self._after(x, inner)[0], index))

    def of_output(self, x: np.ndarray, inner: np.ndarray, index: int | None) -> np.ndarray:
        """Return the gradient of what `output` returns with respect to `inner`."""
        return self._gradient(x, inner, index, 0)

    def of_logit(self, x: np.ndarray, index: int | None) -> np.ndarray:
        """Return that of the network's own output, before probabilities are made of it, at the layer's outputs."""
        return self._gradient(x, self.inner(x), index, 1)

    def _gradient(self, x: np.ndarray, inner: np.ndarray, index: int | None, place: int) -> np.ndarray:
        tensor = self._tensor(x)
        at = ops.convert_to_tensor(inner, dtype="float32")
        found = input_gradient(lambda values: chosen(self.after([tensor, values])[place], index), at)
        return np.zeros_like(inner) if found is None else np.nan_to_num(ops.convert_to_numpy(found))

    def _after(self, x: np.ndarray, inner: np.ndarray) -> Any:
        return self.after([self._tensor(x), ops.convert_to_tensor(inner, dtype="float32")])

    def _tensor(self, x: np.ndarray) -> Any:
        return ops.convert_to_tensor(np.asarray(x, dtype=self.before.input.dtype))


def chosen(outputs: Any, index: int | None) -> Any:
    """Return one of the outputs of each example `(examples, …)`, or their mean where `index` is None."""
    flat = ops.reshape(outputs, (ops.shape(outputs)[0], -1))
    return ops.mean(flat, axis=1) if index is None else flat[:, index]


def token_embedding(network: keras.Model) -> keras.layers.Layer | None:
    """Return the layer that looks up a vector for each token of the input, or None where there is none or several."""
    found = [
        layer
        for layer in network.layers
        if isinstance(layer, keras.layers.Embedding) and layer.input is network.input  # called once
    ]
    return found[0] if len(found) == 1 else None


def feature_map(network: keras.Model) -> keras.layers.Layer | None:
    """Return the layer with the last convolutional feature map `(batch, height, width, channels)`, or None.

    It is what the network pools, or flattens, over the whole image.
    """
    ends = (keras.layers.GlobalAveragePooling2D, keras.layers.GlobalMaxPooling2D, keras.layers.Flatten)
    pooled = [layer.input for layer in network.layers if isinstance(layer, ends) and len(layer.input.shape) == 4]
    if not pooled or pooled[-1] is network.input:
        return None
    makers = [layer for layer in network.layers if _output(layer) is pooled[-1]]
    return makers[-1] if makers else None


def _output(layer: keras.layers.Layer) -> Any:
    """Return a layer's output, None where it is called several times."""
    try:
        return layer.output
    except (AttributeError, ValueError):
        return None


def _cut(evaluated: keras.Model, network: keras.Model, layer: keras.layers.Layer) -> tuple[keras.Model, keras.Model]:
    """Return a model from prepared examples to a layer's output, and one from both to the outputs and the logits."""
    given, made = list[Any](), list[Any]()

    def record(each: keras.layers.Layer, *arguments: Any, **options: Any) -> Any:
        output = each(*arguments, **options)
        if each is network:
            given.append(arguments[0])
            made.append(output)
        return output

    again = keras.models.clone_model(evaluated, clone_function=lambda each: each, call_function=record)
    head = keras.Model(made[0], again.output)
    last = keras.Model([network.input, layer.output], network.output)
    inner = keras.Input(layer.output.shape[1:], name="inner")
    logits = last([given[0], inner])
    before = keras.Model(again.input, keras.Model(network.input, layer.output)(given[0]))
    return before, keras.Model([again.input, inner], [head(logits), logits])
