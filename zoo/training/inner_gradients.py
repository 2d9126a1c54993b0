"""Gradients of a model with respect to the output of one of its layers: of token embeddings, or a feature map."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.backend.gradients import compiled_gradient

_CHUNK_EXAMPLES = 128  # that are differentiated at a time


class InnerGradients:
    """An evaluated model that can be differentiated with respect to the output of a layer of its network.

    Args:
        evaluated: prepared examples to probabilities or values (`zoo.training.views.Views.evaluated`).
        network: the network inside.
        layer: of the network, called once.
    """

    def __init__(self, evaluated: keras.Model, network: keras.Model, layer: keras.layers.Layer) -> None:
        self.before, self.after = _cut(evaluated, network, layer)
        self._of_output = compiled_gradient(lambda inner, x, index: chosen(self.after([x, inner])[0], index))
        self._of_logit = compiled_gradient(lambda inner, x, index: chosen(self.after([x, inner])[1], index))

    def inner(self, x: np.ndarray) -> np.ndarray:
        """Return the layer's outputs for prepared examples."""
        return ops.convert_to_numpy(self.before(self._tensor(x)))

    def output(self, x: np.ndarray, inner: np.ndarray, index: int | None) -> np.ndarray:
        """Return one of the outputs of each example, or the mean of all, where the layer's outputs are `inner`."""
        found = [
            self.after([self._tensor(own), _float(part)])[0] for own, part in zip(parts(x), parts(inner), strict=True)
        ]
        return np.concatenate([ops.convert_to_numpy(chosen(each, place(index))) for each in found])

    def of_output(self, x: np.ndarray, inner: np.ndarray, index: int | None) -> np.ndarray:
        """Return the gradient of what `output` returns with respect to `inner`; 0 where there is none."""
        return self._gradient(self._of_output, x, inner, index)

    def of_logit(self, x: np.ndarray, index: int | None) -> np.ndarray:
        """Return that of the network's own output, before probabilities are made of it, at the layer's outputs."""
        return self._gradient(self._of_logit, x, self.inner(x), index)

    def _gradient(self, run: Callable[..., Any], x: np.ndarray, inner: np.ndarray, index: int | None) -> np.ndarray:
        pairs = zip(parts(x), parts(inner), strict=True)
        return np.concatenate([as_array(run(_float(at), self._tensor(own), place(index)), at) for own, at in pairs])

    def _tensor(self, x: np.ndarray) -> Any:
        return ops.convert_to_tensor(np.asarray(x, dtype=self.before.input.dtype))


def chosen(outputs: Any, place: Any) -> Any:
    """Return one of the outputs of each example `(examples, …)`, or their mean where `place` is below 0."""
    flat = ops.reshape(outputs, (ops.shape(outputs)[0], -1))
    one = ops.take(flat, ops.maximum(place, 0), axis=1)
    return ops.where(place < 0, ops.mean(flat, axis=1), one)


def place(index: int | None) -> Any:
    """Return what `chosen` takes, as a tensor, so that a compiled function serves all outputs."""
    return ops.convert_to_tensor(-1 if index is None else index, dtype="int32")


def parts(x: np.ndarray) -> list[np.ndarray]:
    """Return examples some at a time."""
    return [x[start : start + _CHUNK_EXAMPLES] for start in range(0, len(x), _CHUNK_EXAMPLES)]


def as_array(gradient: Any, x: np.ndarray) -> np.ndarray:
    """Return a gradient with respect to `x` as an array; 0 where there is none."""
    return np.zeros_like(x) if gradient is None else np.nan_to_num(ops.convert_to_numpy(gradient))


def _float(inner: np.ndarray) -> Any:
    return ops.convert_to_tensor(inner, dtype="float32")


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
