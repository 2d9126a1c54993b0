"""The size of a model: its parameters, and its floating-point operations as the backend's own profiler counts them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from zoo.errors import ZooError

if TYPE_CHECKING:
    import keras


def count_parameters(model: keras.Model) -> int:
    """Count the parameters that training fits; the moving statistics of batch norm are not among them."""
    return sum(math.prod(v.shape) for v in model.trainable_variables)


def count_flops(model: keras.Model) -> int:
    """Count the floating-point operations of one example's forward pass; a multiply-add counts as two.

    The backends differ in the small print (padding, element-wise operations); a loop's body counts once.

    Args:
        model: a built functional model.

    Raises:
        ZooError: the backend has no profiler, or an input axis other than the batch is open.
    """
    import keras

    if any(None in x.shape[1:] for x in model.inputs):
        raise ZooError(f"cannot count the FLOPs of '{model.name}': an input shape is open")
    if keras.backend.backend() == "tensorflow":
        return _tensorflow(model)
    if keras.backend.backend() == "jax":
        return _jax(model)
    raise ZooError(f"cannot count FLOPs on the {keras.backend.backend()} backend; use tensorflow or jax")


def _tensorflow(model: keras.Model) -> int:
    import keras
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    inputs = keras.tree.map_structure(lambda x: tf.TensorSpec((1, *x.shape[1:]), x.dtype), model.input)
    function = tf.function(lambda x: model(x, training=False)).get_concrete_function(inputs)
    graph = convert_variables_to_constants_v2(function).graph  # inlines what the profiler does not look into
    operations = tf.compat.v1.profiler.ProfileOptionBuilder.float_operation()
    options = tf.compat.v1.profiler.ProfileOptionBuilder(operations).with_empty_output().build()
    logger = tf.get_logger()
    level = logger.level
    logger.setLevel("ERROR")  # the profiler warns of its own use of deprecated functions
    try:
        return int(tf.compat.v1.profiler.profile(graph, options=options).total_float_ops)
    finally:
        logger.setLevel(level)


def _jax(model: keras.Model) -> int:
    import jax
    import keras

    inputs = keras.tree.map_structure(lambda x: jax.ShapeDtypeStruct((1, *x.shape[1:]), x.dtype), model.input)
    variables = [[v.value for v in group] for group in (model.trainable_variables, model.non_trainable_variables)]
    function = jax.jit(lambda *a: model.stateless_call(*a, training=False)[0])
    return int(function.lower(*variables, inputs).compile().cost_analysis()["flops"])
