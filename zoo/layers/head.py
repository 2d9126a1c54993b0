"""The head that every builder ends in, and functions that use it: features, and a new head."""

from __future__ import annotations

from typing import Any

import keras

from zoo.errors import ZooError

FEATURES, LOGITS = "features", "logits"


def head(
    x: keras.KerasTensor,
    outputs: int,
    *,
    dropout: float = 0.0,
    kernel_initializer: Any = "glorot_uniform",
    bias_initializer: Any = "zeros",
    use_bias: bool = True,
    offset: keras.KerasTensor | None = None,
) -> keras.KerasTensor:
    """Mark `x` as the model's features and map it to logits (or values) in float32.

    Args:
        x: pooled features, `(batch, channels)`; or those of each step or pixel, `(batch, ..., channels)`.
        outputs: number of classes or values.
        dropout: fraction of features dropped while training.
        kernel_initializer: initial weights of the features.
        bias_initializer: initial bias of the logits.
        use_bias: the logits have a bias.
        offset: what the network adds to the logits, of their shape; such a model keeps its head.

    Returns:
        A tensor of shape `(batch, outputs)` or `(batch, ..., outputs)`, without an activation.
    """
    x = keras.layers.Identity(name=FEATURES)(x)
    x = _logits(x, outputs, dropout, kernel_initializer, bias_initializer, use_bias)
    return x if offset is None else keras.layers.Add(dtype="float32", name="offset")([x, offset])


def features(model: keras.Model) -> keras.Model:
    """Return the model from the same input to the features, `(batch, channels)` or `(batch, ..., channels)`.

    The weights are shared. A model that a run saved has its network inside, behind the preprocessing: the features are
    then those of raw input.

    Raises:
        ZooError: neither the model nor one network inside it ends in `head`.
    """
    networks = [layer for layer in model.layers if isinstance(layer, keras.Model) and _holds_features(layer)]
    if _has_features(model) or len(networks) != 1:
        return keras.Model(model.input, _features(model), name=f"{model.name}_features")
    (network,) = networks
    found: list[keras.KerasTensor] = []

    def call(layer: keras.layers.Layer, *arguments: Any, **options: Any) -> Any:
        if layer is network:
            found.append(features(network)(*arguments, **options))
        return layer(*arguments, **options)

    again = keras.models.clone_model(model, clone_function=lambda layer: layer, call_function=call)
    return keras.Model(again.input, found[0], name=f"{model.name}_features")


def with_head(model: keras.Model, outputs: int, *, dropout: float = 0.0) -> keras.Model:
    """Return the model with a new head; it shares all layers up to the features, and their weights, with `model`.

    The initializers of the old head are used again.

    Args:
        model: a model that ends in `head`.
        outputs: number of classes or values of the new head, for each step or pixel if the model has such outputs; for
            detection the number of classes + 4.
        dropout: fraction of features dropped while training.

    Raises:
        ZooError: the model does not end in `head`, or adds something to its logits.
    """
    x = _features(model)
    own = [layer for layer in model.layers if layer.name == LOGITS]
    if own and model.outputs[0] is not own[0].output:
        raise ZooError(f"model '{model.name}' adds to its logits what has their shape; build it with outputs={outputs}")
    old = [(layer.kernel_initializer, layer.bias_initializer, layer.use_bias) for layer in own]
    logits = _logits(x, outputs, dropout, *(old[0] if old else ("glorot_uniform", "zeros", True)))
    return keras.Model(model.input, logits, name=model.name)


def _logits(
    x: keras.KerasTensor,
    outputs: int,
    dropout: float,
    kernel_initializer: Any,
    bias_initializer: Any,
    use_bias: bool,
) -> keras.KerasTensor:
    if dropout:
        x = keras.layers.Dropout(dropout, name="head_dropout")(x)
    return keras.layers.Dense(
        outputs,
        kernel_initializer=kernel_initializer,
        bias_initializer=bias_initializer,
        use_bias=use_bias,
        dtype="float32",  # under mixed precision too: the softmax of float16 logits overflows
        name=LOGITS,
    )(x)


def _has_features(model: keras.Model) -> bool:
    return any(layer.name == FEATURES for layer in model.layers)


def _holds_features(model: keras.Model) -> bool:
    """Return whether a model, or a network inside it, such as one behind embedded columns, ends in `head`."""
    inner = (layer for layer in model.layers if isinstance(layer, keras.Model))
    return _has_features(model) or any(map(_holds_features, inner))


def _features(model: keras.Model) -> keras.KerasTensor:
    if not _has_features(model):
        raise ZooError(f"model '{model.name}' has no layer '{FEATURES}': build its output with zoo.layers.head.head")
    return model.get_layer(FEATURES).output
