"""The head that every builder ends in, and the operations that it makes possible on every model."""

from __future__ import annotations

import keras

from zoo.errors import ZooError

FEATURES = "features"


def head(x: keras.KerasTensor, outputs: int, *, dropout: float = 0.0) -> keras.KerasTensor:
    """Mark `x` as the model's features and map it to logits (or values) in float32.

    Args:
        x: pooled features, `(batch, channels)`.
        outputs: number of classes or values.
        dropout: share of features dropped while training.

    Returns:
        A tensor of shape `(batch, outputs)`, without an activation.
    """
    return _logits(keras.layers.Identity(name=FEATURES)(x), outputs, dropout)


def features(model: keras.Model) -> keras.Model:
    """Return the model from the same input to the pooled features, `(batch, channels)`; the weights are shared.

    Raises:
        ZooError: the model does not end in `head`.
    """
    return keras.Model(model.input, _features(model), name=f"{model.name}_features")


def with_head(model: keras.Model, outputs: int, *, dropout: float = 0.0) -> keras.Model:
    """Return the model with a new head; everything up to the features is shared with `model`, weights included.

    Args:
        model: a model that ends in `head`.
        outputs: number of classes or values of the new head.
        dropout: share of features dropped while training.

    Raises:
        ZooError: the model does not end in `head`.
    """
    return keras.Model(model.input, _logits(_features(model), outputs, dropout), name=model.name)


def _logits(x: keras.KerasTensor, outputs: int, dropout: float) -> keras.KerasTensor:
    if dropout:
        x = keras.layers.Dropout(dropout, name="head_dropout")(x)
    # float32 under mixed precision too: the softmax of float16 logits overflows
    return keras.layers.Dense(outputs, dtype="float32", name="logits")(x)


def _features(model: keras.Model) -> keras.KerasTensor:
    if all(layer.name != FEATURES for layer in model.layers):
        raise ZooError(f"model '{model.name}' has no layer '{FEATURES}': build its output with zoo.layers.head.head")
    return model.get_layer(FEATURES).output
