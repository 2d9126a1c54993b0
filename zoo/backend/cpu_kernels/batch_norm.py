"""Batch normalization in training, by TensorFlow's fused operation (Ioffe and Szegedy 2015, arXiv:1502.03167).

First and second derivatives are TensorFlow's own.
"""

from __future__ import annotations

import math
from typing import Any

import keras
import tensorflow as tf

from zoo.backend.cpu_kernels.common import is_supported


def batch_norm(layer: keras.layers.BatchNormalization, inputs: Any, training: Any = None, mask: Any = None) -> Any:
    """Normalize `(…, channels)` and update the moving statistics, as `BatchNormalization.call` does."""
    # Keras has `renorm` from 3.14 on
    plain = layer.scale and layer.center and not (getattr(layer, "renorm", False) or layer.synchronized)
    if not (training is True and layer.trainable and plain and mask is None and is_supported(inputs, 2)):
        return None
    if layer.axis not in (-1, inputs.shape.rank - 1) or layer.compute_dtype != "float32":
        return None
    rows = math.prod(inputs.shape[:-1])
    image = inputs if inputs.shape.rank == 4 else tf.reshape(inputs, (rows, 1, 1, inputs.shape[-1]))
    gamma, beta = tf.convert_to_tensor(layer.gamma), tf.convert_to_tensor(layer.beta)
    y, mean, variance = tf.compat.v1.nn.fused_batch_norm(image, gamma, beta, epsilon=layer.epsilon, is_training=True)
    variance = variance * ((rows - 1) / rows if rows > 1 else 1.0)  # TensorFlow's is the unbiased one, Keras's is not
    for moving, value in ((layer.moving_mean, mean), (layer.moving_variance, variance)):
        moving.assign(moving * layer.momentum + tf.stop_gradient(value) * (1.0 - layer.momentum))
    return y if image is inputs else tf.reshape(y, inputs.shape)
