"""A step of Adam, and of AdamW behind its weight decay, as one operation a variable (Kingma and Ba 2014,
arXiv:1412.6980).
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf


def adam(optimizer: keras.optimizers.Adam, gradient: Any, variable: Any, learning_rate: Any) -> Any:
    """Update a variable and its two moments, as `Adam.update_step` does."""
    plain = isinstance(gradient, tf.Tensor) and tf.inside_function() and not optimizer.amsgrad
    if not plain or variable.dtype != "float32" or gradient.dtype != tf.float32:
        return None
    index = optimizer._get_variable_index(variable)
    step = tf.cast(optimizer.iterations + 1, tf.float32)
    return tf.raw_ops.ResourceApplyAdam(
        var=_handle(variable),
        m=_handle(optimizer._momentums[index]),
        v=_handle(optimizer._velocities[index]),
        beta1_power=tf.pow(optimizer.beta_1, step),
        beta2_power=tf.pow(optimizer.beta_2, step),
        lr=tf.cast(learning_rate, tf.float32),
        beta1=optimizer.beta_1,
        beta2=optimizer.beta_2,
        epsilon=optimizer.epsilon,
        grad=gradient,
    )


def _handle(variable: Any) -> Any:
    return variable.handle if hasattr(variable, "handle") else variable.value.handle
