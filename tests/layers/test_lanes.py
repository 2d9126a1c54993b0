"""A step in lanes against the same step in one, and batches that are not divided."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from zoo import registry
from zoo.layers.lanes import all_layers, call_in_lanes
from zoo.layers.recurrent import LSTM
from zoo.training.lanes import FASTER_IN_LANES

U_NET = {"input_shape": [8, 8, 1], "widths": [8, 16], "attention": [2], "groups": 4}
SMALL = {
    "lstm": {"input_shape": [6, 3], "units": 8, "layers": 2},
    "transformer": {"input_shape": [6], "vocabulary": 9, "width": 8, "depth": 1, "heads": 2},
    "ddpm": U_NET,
    "conditional_ddpm": {**U_NET, "outputs": 3},
}
LARGE = ("ddpm", "conditional_ddpm")  # half a minute


def example(model, size):
    generator = np.random.default_rng(0)
    return [
        tf.constant(generator.integers(0, 3, (size, *x.shape[1:])), tf.int32)
        if x.dtype == "int32"
        else tf.constant(generator.random((size, *x.shape[1:])), tf.float32)
        for x in model.inputs
    ]


def step(model, inputs, lanes):
    """Return the types of a step's operations, and the outputs and gradients that it gives."""

    @tf.function
    def run(*x):
        weights = [w.value for w in model.trainable_variables]
        with tf.GradientTape() as tape:
            y = call_in_lanes(model, list(x) if len(x) > 1 else x[0], lanes, training=True)
            loss = tf.reduce_mean(tf.sin(y))
        return y, tape.gradient(loss, weights, unconnected_gradients=tf.UnconnectedGradients.ZERO)

    types = [operation.type for operation in run.get_concrete_function(*inputs).graph.get_operations()]
    return types, [tf.convert_to_tensor(each).numpy() for each in tf.nest.flatten(run(*inputs))]


def compared(name, lanes, size):
    """Compare a step in lanes with one in a single lane, and return the types of both steps' operations."""
    keras.utils.set_random_seed(0)
    model = registry.build(name, **SMALL[name])
    inputs = example(model, size)
    (plain, expected), (divided, found) = (step(model, inputs, count) for count in (1, lanes))
    assert len(found) == len(expected) > 2
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-3 * (np.abs(b).max() + 1e-6))
    assert not any(layer.unrolled for layer in all_layers(model) if isinstance(layer, LSTM))
    return plain, divided


@pytest.mark.parametrize("name", [name for name in FASTER_IN_LANES if name not in LARGE])
def test_a_step_in_lanes_is_the_same_step(name):
    plain, divided = compared(name, 2, 6)
    assert divided.count("Split") > plain.count("Split")
    assert not any("While" in each for each in divided)


@pytest.mark.slow
@pytest.mark.parametrize("name", LARGE)
def test_a_step_of_a_u_net_in_lanes_is_the_same_step(name):
    plain, divided = compared(name, 3, 6)
    assert divided.count("Split") > plain.count("Split")


def test_a_batch_that_cannot_be_divided_is_not():
    plain, whole = compared("lstm", 2, 5)
    assert sorted(whole) == sorted(plain) and any("While" in each for each in whole)


def test_a_batch_of_open_size_is_not_divided():
    model, sizes = registry.build("lstm", **SMALL["lstm"]), []

    @tf.function(input_signature=[tf.TensorSpec((None, 6, 3))])
    def run(x):
        def call(part, **options):
            sizes.append(part.shape[0])
            return model(part, **options)

        return call_in_lanes(model, x, 2, call)

    assert run(tf.zeros((4, 6, 3))).shape == (4, 10)
    assert sizes == [None]


def test_parts_keep_the_structure_of_inputs_and_outputs():
    seen = []

    def call(inputs):
        seen.append(inputs)
        return {"sum": inputs["a"] + inputs["b"][0], "same": inputs["a"]}

    model = keras.Model(x := keras.Input((2,)), keras.layers.Dense(1)(x))
    a, b = np.arange(12.0).reshape(6, 2), np.ones((6, 2))
    found = call_in_lanes(model, {"a": tf.constant(a), "b": [tf.constant(b)]}, 3, call)
    assert [part["a"].shape[0] for part in seen] == [2, 2, 2]
    np.testing.assert_array_equal(found["sum"], a + b)
    np.testing.assert_array_equal(found["same"], a)
