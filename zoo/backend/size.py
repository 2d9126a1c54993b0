"""Size of a model: parameters, and floating-point operations by the backend's own profiler."""

from __future__ import annotations

import contextlib
import io
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from zoo.errors import ZooError

if TYPE_CHECKING:
    import keras


def count_parameters(model: keras.Model) -> int:
    """Count the parameters, without the moving statistics of batch norm; those of frozen layers count, too."""
    frozen = [layer for layer in _layers(model) if not layer.trainable]
    for layer in frozen:
        layer.trainable = True
    try:
        return sum(math.prod(v.shape) for v in model.trainable_variables)
    finally:
        for layer in frozen:
            layer.trainable = False


def _layers(model: keras.Model) -> Iterator[keras.Layer]:
    """Yield the layers of a model and of the models in it that are not frozen as a whole."""
    import keras

    for layer in model.layers:
        if isinstance(layer, keras.Model) and layer.trainable:
            yield from _layers(layer)
        else:
            yield layer


LENGTH = 128  # steps that `zoo describe` counts for sequences of open length


def count_flops(model: keras.Model, *, length: int | None = None) -> int:
    """Count the floating-point operations of one example's forward pass; a multiply-add counts as two.

    The backends count padding and elementwise operations differently. Recurrent layers count all their steps.

    Args:
        model: a built functional model.
        length: size to assume for open input axes.

    Raises:
        ZooError: the backend has no profiler, or an input axis other than the batch is open and no length is given.
    """
    import keras

    if length is None and any(None in x.shape[1:] for x in model.inputs):
        raise ZooError(f"cannot count the FLOPs of '{model.name}': an input shape is open")
    model = _unrolled(model, length)
    if keras.backend.backend() == "tensorflow":
        return _tensorflow(model, length)
    if keras.backend.backend() == "jax":
        return _jax(model, length)
    raise ZooError(f"cannot count FLOPs on the {keras.backend.backend()} backend; use tensorflow or jax")


def _unrolled(model: keras.Model, length: int | None) -> keras.Model:
    """Return the model with its recurrent layers unrolled: profilers count one step of a loop only."""
    import keras

    if not any(isinstance(layer, keras.layers.RNN) for layer in model.layers):
        return model

    def clone(layer: keras.Layer) -> keras.Layer:
        config = layer.get_config()
        return layer.from_config({**config, "unroll": True} if isinstance(layer, keras.layers.RNN) else config)

    inputs = keras.tree.map_structure(
        lambda x: keras.Input(batch_shape=_shape(x, length), dtype=x.dtype, name=x.name), model.input
    )
    return keras.models.clone_model(model, input_tensors=inputs, clone_function=clone)


def _tensorflow(model: keras.Model, length: int | None) -> int:
    import keras
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    inputs = keras.tree.map_structure(lambda x: tf.TensorSpec(_shape(x, length), x.dtype), model.input)
    function = tf.function(lambda x: model(x, training=False)).get_concrete_function(inputs)
    graph = convert_variables_to_constants_v2(function).graph  # inlines what the profiler does not look into
    operations = tf.compat.v1.profiler.ProfileOptionBuilder.float_operation()
    options = tf.compat.v1.profiler.ProfileOptionBuilder(operations).with_empty_output().build()
    logger = tf.get_logger()
    level = logger.level
    logger.setLevel("ERROR")  # the profiler warns of its own use of deprecated functions
    try:
        with contextlib.redirect_stderr(io.StringIO()):  # it counts up what it leaves out
            return int(tf.compat.v1.profiler.profile(graph, options=options).total_float_ops)
    finally:
        logger.setLevel(level)


def _jax(model: keras.Model, length: int | None) -> int:
    import jax
    import keras

    inputs = keras.tree.map_structure(lambda x: jax.ShapeDtypeStruct(_shape(x, length), x.dtype), model.input)
    variables = [[v.value for v in group] for group in (model.trainable_variables, model.non_trainable_variables)]
    function = jax.jit(lambda *a: model.stateless_call(*a, training=False)[0])
    cost: Any = function.lower(*variables, inputs).compile().cost_analysis()
    return int(cost["flops"])


def _shape(x: keras.KerasTensor, length: int | None) -> tuple[int | None, ...]:
    """Return the shape of a batch of one example."""
    return (1, *(length if n is None else n for n in x.shape[1:]))
