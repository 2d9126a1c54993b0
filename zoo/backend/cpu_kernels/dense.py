"""A dense layer on more than two axes: the product of a matrix of rows, with the bias added to it.

Derivatives are TensorFlow's own.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from zoo.backend.cpu_kernels.common import is_supported


def dense(layer: keras.layers.Dense, inputs: Any, training: Any = None) -> Any:
    """Map `(…, features)` to `(…, units)`, as `Dense.call` does.

    TensorFlow computes product and bias in one operation only where nothing stands between them; Keras reshapes there.
    """
    plain = layer.bias is not None and layer.quantization_mode is None and not layer.lora_enabled
    if not (plain and is_supported(inputs) and inputs.shape.rank > 2) or layer.compute_dtype != "float32":
        return None
    rows = tf.reshape(inputs, (-1, inputs.shape[-1]))
    rows = tf.nn.bias_add(tf.matmul(rows, tf.convert_to_tensor(layer.kernel)), tf.convert_to_tensor(layer.bias))
    outputs = tf.reshape(rows, (*inputs.shape[:-1], layer.units))
    return outputs if layer.activation is None else layer.activation(outputs)
