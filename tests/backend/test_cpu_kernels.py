"""Fused kernels: the values and gradients of Keras's own layers, within a training step and nowhere else."""

from functools import partial

import keras
import numpy as np
import pytest
import tensorflow as tf
from in_ci import in_ci

from zoo.backend.cpu_kernels import common, fused_kernels

GENERATOR = np.random.default_rng(0)
LAYERS = {
    "batch": ((6, 5, 4, 8), lambda: keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5)),
    "batch of vectors": ((6, 8), lambda: keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5)),
    "layer": ((6, 5, 8), lambda: keras.layers.LayerNormalization(epsilon=1e-6)),
    "layer, neither": ((6, 5, 8), lambda: keras.layers.LayerNormalization(center=False, scale=False)),
    "group": ((6, 5, 4, 8), lambda: keras.layers.GroupNormalization(4, epsilon=1e-5)),
    "group of sequences": ((6, 5, 8), lambda: keras.layers.GroupNormalization(2, epsilon=1e-5)),
    "gelu": ((6, 8), lambda: keras.layers.Activation("gelu")),
    "silu": ((6, 8), lambda: keras.layers.Activation("silu")),
    "softmax": ((6, 5, 8), lambda: keras.layers.Softmax()),
    "dense": ((6, 5, 8), lambda: keras.layers.Dense(4, activation="tanh")),
}
OPERATIONS = {"batch": "FusedBatchNormV3", "batch of vectors": "FusedBatchNormV3"}


@pytest.fixture(autouse=True)
def small_maps(monkeypatch):
    monkeypatch.setattr(common, "MIN_VALUES", 1)


def step_of(layer, x, weight):
    """Return the step's graph, what it gives, and the layer's state after it."""

    @tf.function
    def step(x):
        with tf.GradientTape(persistent=True) as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                y = layer(x, training=True) if isinstance(layer, keras.layers.BatchNormalization) else layer(x)
                loss = tf.reduce_sum(weight * y)
            gradient = inner.gradient(loss, x)
            penalty = tf.reduce_sum(tf.square(gradient))
        values = [v.value for v in layer.trainable_variables]
        return y, outer.gradient(loss, [x, *values]), outer.gradient(penalty, x)

    graph = step.get_concrete_function(x).graph
    return {op.type for op in graph.get_operations()}, tf.nest.flatten(step(x)), layer.get_weights()


@pytest.mark.parametrize("name", in_ci(LAYERS, but=["batch", "layer", "gelu", "softmax", "dense"]))
def test_values_and_gradients_are_those_of_keras(name):
    """The gradient of the gradient too, which penalties take."""
    shape, make = LAYERS[name]
    x = GENERATOR.normal(1, 2, shape).astype(np.float32)
    plain, fused = make(), make()
    plain.build(shape)
    weight = GENERATOR.normal(1, 2, plain.compute_output_shape(shape)).astype(np.float32)
    fused.build(shape)
    weights = [w + np.linspace(0.1, 0.5, w.size, dtype=np.float32).reshape(w.shape) for w in plain.get_weights()]
    plain.set_weights(weights)
    fused.set_weights(weights)
    x = tf.constant(x)
    before, expected, state = step_of(plain, x, weight)
    with fused_kernels():
        operations, found, moved = step_of(fused, x, weight)
    assert name == "dense" or OPERATIONS.get(name, "PartitionedCall") in operations - before
    for one, other in zip(found + moved, expected + state, strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-4, atol=2e-4)


def test_a_bias_is_added_to_the_product_itself():
    """Only then TensorFlow computes both in one operation; Keras changes the shape between them."""
    layer = keras.layers.Dense(4)
    layer.build((6, 5, 8))
    with fused_kernels():
        graph = tf.function(lambda x: layer(x)).get_concrete_function(tf.ones((6, 5, 8))).graph
    (bias,) = [op for op in graph.get_operations() if op.type == "BiasAdd"]
    assert bias.inputs[0].op.type == "MatMul"


def descend(optimizer, variable, curvature):
    optimizer.apply([curvature * variable.value], [variable])


@pytest.mark.parametrize("kind", [keras.optimizers.Adam, keras.optimizers.AdamW])
def test_adam_takes_the_same_steps(kind):
    start, curvature = (GENERATOR.normal(size=(3, 5)).astype(np.float32) for _ in range(2))
    ends = []
    for fuse in (False, True):
        variable, optimizer = keras.Variable(start), kind(keras.optimizers.schedules.CosineDecay(0.1, 10))
        optimizer.build([variable])
        step = tf.function(partial(descend, optimizer, variable, curvature))
        with fused_kernels(devices=1 if fuse else 2):
            assert fuse == any(
                op.type == "ResourceApplyAdam" for op in step.get_concrete_function().graph.get_operations()
            )
            for _ in range(5):
                step()
        ends.append([variable.numpy(), *(v.numpy() for v in optimizer.variables)])
    for one, other in zip(*ends, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)  # 1 - 0.999 is rounded in other places


@pytest.mark.parametrize(
    ("x", "min_values"), [(np.ones((2, 3), np.float16), 1), (np.ones((2, 3), np.float32), 7)], ids=["half", "small"]
)
def test_what_it_is_not_made_for_is_left_to_keras(monkeypatch, x, min_values):
    monkeypatch.setattr(common, "MIN_VALUES", min_values)
    with fused_kernels():
        graph = tf.function(keras.ops.silu).get_concrete_function(tf.constant(x)).graph
    assert "PartitionedCall" not in {op.type for op in graph.get_operations()}


def test_a_norm_over_another_axis_is_left_to_keras():
    layer = keras.layers.LayerNormalization(axis=1)
    layer.build((2, 3, 4))
    with fused_kernels():
        graph = tf.function(lambda x: layer(x)).get_concrete_function(tf.ones((2, 3, 4))).graph
    assert "PartitionedCall" not in {op.type for op in graph.get_operations()}


def test_a_recipe_switches_them_off():
    original = keras.layers.LayerNormalization.call
    with fused_kernels("off") as names:
        assert keras.layers.LayerNormalization.call is original
    assert names == []


def test_names_say_what_is_in_use():
    with fused_kernels() as names:
        assert {"batch_norm", "layer_norm", "adam"} <= set(names)
    with fused_kernels(devices=2) as names:
        assert names == []


def test_nothing_stays():
    before = keras.layers.LayerNormalization.call, keras.optimizers.Adam.update_step
    with pytest.raises(RuntimeError), fused_kernels():
        assert keras.layers.LayerNormalization.call is not before[0]
        raise RuntimeError
    assert (keras.layers.LayerNormalization.call, keras.optimizers.Adam.update_step) == before
