"""Dense blocks with bottlenecks (Huang, Liu, van der Maaten and Weinberger, 2016, arXiv:1608.06993: DenseNet-BC).

Every layer reads the outputs of all layers before it. The epsilon is that of Keras Applications, whose weights fit.
"""

from __future__ import annotations

import keras

from zoo.layers.preactivation import norm_relu, plain_convolution

EPSILON = 1.001e-5  # added to the variance in batch normalization


def dense_block(x: keras.KerasTensor, depth: int, growth: int, *, dropout: float = 0.0, name: str) -> keras.KerasTensor:
    """Append `growth` channels `depth` times, each from all channels before it (section 3).

    Args:
        x: tensor of shape `(batch, height, width, channels)`.
        depth: layers of the block, of two convolutions each.
        growth: channels that each layer adds; its 1x1 convolution has four times as many.
        dropout: fraction of the values of each 3x3 convolution dropped while training.
        name: prefix of the layers' names.

    Returns:
        A tensor of shape `(batch, height, width, channels + depth * growth)`.
    """
    for i in range(1, depth + 1):
        y = norm_relu(x, name=f"{name}_{i}_in", epsilon=EPSILON)
        y = plain_convolution(y, 4 * growth, 1, name=f"{name}_{i}_narrow")
        y = norm_relu(y, name=f"{name}_{i}_middle", epsilon=EPSILON)
        y = plain_convolution(y, growth, 3, name=f"{name}_{i}_grow")
        if dropout:
            y = keras.layers.Dropout(dropout, name=f"{name}_{i}_dropout")(y)
        x = keras.layers.Concatenate(name=f"{name}_{i}_concat")([x, y])
    return x


def transition(x: keras.KerasTensor, filters: int, *, name: str) -> keras.KerasTensor:
    """Narrow by a 1x1 convolution and halve by average pooling.

    Args:
        x: tensor of shape `(batch, height, width, channels)`.
        filters: output channels.
        name: prefix of the layers' names.

    Returns:
        A tensor of shape `(batch, height // 2, width // 2, filters)`.
    """
    x = plain_convolution(norm_relu(x, name=name, epsilon=EPSILON), filters, 1, name=name)
    return keras.layers.AveragePooling2D(2, name=f"{name}_pool")(x)
