"""How the variables of each type of layer are called in PyTorch, and how their values get into Keras's shapes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np

from zoo.errors import ZooError
from zoo.layers.attention import Attention
from zoo.layers.layer_scale import LayerScale
from zoo.layers.patches import ClassToken, Registers
from zoo.layers.positions import LearnedPositions
from zoo.layers.relative_positions import RelativeScores
from zoo.layers.response_norm import GlobalResponseNorm
from zoo.layers.tied_embedding import TiedEmbedding
from zoo.layers.windows import RelativeBias, WindowAttention

Transform = Callable[[np.ndarray, Any], np.ndarray]
Form = tuple[
    tuple[str, str, Transform], ...
]  # variable, its name in PyTorch behind the module's, and how it gets there
_LAYERS = keras.layers


def _same(values: np.ndarray, _: Any) -> np.ndarray:
    return values


def _convolution(values: np.ndarray, _: Any) -> np.ndarray:
    return values.transpose(*range(2, values.ndim), 1, 0)  # (out, in, height, width) to (height, width, in, out)


def _depthwise(values: np.ndarray, variable: Any) -> np.ndarray:
    height, width, channels, multiplier = variable.shape
    return values.reshape(channels, multiplier, height, width).transpose(2, 3, 0, 1)


def _dense(values: np.ndarray, variable: Any) -> np.ndarray:
    """Transpose; patches that theirs convolves are dense layers here, their pixels row by row, channels last."""
    if values.ndim == 4:
        values = values.transpose(0, 2, 3, 1).reshape(len(values), -1)
    return values.T


_AFFINE = (("gamma", ".weight", _same), ("beta", ".bias", _same))
_FORMS: dict[type, Form] = {
    _LAYERS.DepthwiseConv2D: (("kernel", ".weight", _depthwise), ("bias", ".bias", _same)),
    _LAYERS.Conv2D: (("kernel", ".weight", _convolution), ("bias", ".bias", _same)),
    _LAYERS.Dense: (("kernel", ".weight", _dense), ("bias", ".bias", _same)),
    _LAYERS.BatchNormalization: (
        *_AFFINE,
        ("moving_mean", ".running_mean", _same),
        ("moving_variance", ".running_var", _same),
    ),
    _LAYERS.LayerNormalization: _AFFINE,
    GlobalResponseNorm: _AFFINE,
    _LAYERS.RMSNormalization: (("scale", ".weight", _same),),
    _LAYERS.Embedding: (("embeddings", ".weight", _same),),
    TiedEmbedding: (("embeddings", ".weight", _same),),
    RelativeScores: (("embeddings", ".weight", _same),),
    LayerScale: (("gamma", "", lambda values, variable: values.reshape(variable.shape)),),
    ClassToken: (("token", "", _same),),
    Registers: (("tokens", "", _same),),
    RelativeBias: (("table", "", _same),),
    LearnedPositions: (("embeddings", "", lambda values, _: values.reshape(values.shape[-2:])),),
}


def form_of(layer: keras.layers.Layer, *, transposed: bool) -> Form:
    """Return the form of a layer.

    Args:
        layer: the layer.
        transposed: the file's matrices of dense layers are `(out, in)`, not `(in, out)`.

    Raises:
        ZooError: no layer of PyTorch corresponds to it.
    """
    form = next((form for kind, form in _FORMS.items() if isinstance(layer, kind)), None)
    if form is None:
        raise ZooError(
            f"layer '{layer.name}' of the type {type(layer).__name__} has no form in files of other libraries"
        )
    if not transposed and isinstance(layer, _LAYERS.Dense):
        return tuple((attribute, suffix, _same) for attribute, suffix, _ in form)
    return form


def leaves(model: keras.Model) -> Iterator[tuple[str, keras.layers.Layer]]:
    """Yield the layers that have weights of their own, with their names; those inside attention behind its name."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from leaves(layer)
        elif isinstance(layer, Attention):
            yield from _projections(layer.name, layer)
        elif isinstance(layer, WindowAttention):
            yield from _projections(layer.name, layer.attention)
            yield f"{layer.name}/bias", layer.bias
        elif layer.weights:
            yield layer.name, layer


def _projections(name: str, layer: Attention) -> Iterator[tuple[str, keras.layers.Layer]]:
    yield from ((f"{name}/{part.name}", part) for part in (layer.query, layer.key_value, layer.projection))


def own_names(model: keras.Model) -> dict[str, Any]:
    """Return the variables by the names that files of this package give them, such as `stem_conv/0`."""
    return {f"{path}/{i}": variable for path, layer in leaves(model) for i, variable in enumerate(layer.weights)}
