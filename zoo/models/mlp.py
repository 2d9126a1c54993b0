"""Multilayer perceptron: Rumelhart, Hinton and Williams, "Learning representations by back-propagating errors", 1986.

Optional skip connections as in He, Zhang, Ren and Sun, 2015, arXiv:1512.03385.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras

from zoo.layers.activations import Activation, kernel_initializer
from zoo.layers.head import head
from zoo.layers.norms import Norm, has_shift, normalization
from zoo.layers.types import Count, DropRate
from zoo.registry import register


@register(
    tasks=("image_classification", "tabular_classification", "tabular_regression"),
    input_shape=(28, 28, 1),
    outputs=10,
    paper="Rumelhart, Hinton and Williams (1986), doi:10.1038/323533a0",
)
def mlp(
    *,
    input_shape: Sequence[int],
    outputs: int,
    widths: Sequence[Count] = (256, 128),
    activation: Activation = "relu",
    norm: Norm = "none",
    dropout: DropRate = 0.0,
    residual: bool = False,
) -> keras.Model:
    """Multilayer perceptron on the flattened input.

    Args:
        input_shape: shape of one example, of any rank.
        outputs: number of classes or values.
        widths: units of each hidden layer; none makes a linear model.
        activation: activation of the hidden layers.
        norm: normalization between each hidden layer and its activation.
        dropout: share of units dropped after each hidden layer while training.
        residual: add each layer's input to its output, through a linear projection where the widths differ.

    Returns:
        A model from `(batch, *input_shape)` to `(batch, outputs)`.
    """
    # === Layers ===
    inputs = keras.Input(input_shape)
    x = keras.layers.Flatten(name="flatten")(inputs)
    initializer = kernel_initializer(activation)
    for i, width in enumerate(widths, start=1):
        y = keras.layers.Dense(
            width, use_bias=not has_shift(norm), kernel_initializer=initializer, name=f"layer{i}_dense"
        )(x)
        y = normalization(y, norm, name=f"layer{i}_norm")
        y = keras.layers.Activation(activation, name=f"layer{i}_{activation}")(y)
        if dropout:
            y = keras.layers.Dropout(dropout, name=f"layer{i}_dropout")(y)
        if residual:
            if x.shape[-1] != width:
                x = keras.layers.Dense(width, use_bias=False, name=f"layer{i}_projection")(x)
            y = keras.layers.Add(name=f"layer{i}_add")([x, y])
        x = y

    # === Functional model ===
    return keras.Model(inputs, head(x, outputs), name="mlp")
