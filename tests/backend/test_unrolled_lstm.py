"""The unrolled LSTM against Keras's loop, and the layers and shapes that are left to the loop."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from zoo.backend.unrolled_lstm import MAX_STEPS, unrolled_lstm
from zoo.layers.recurrent import LSTM

SIZE, UNITS, FEATURES = 3, 5, 4


def built(steps=6, **options):
    layer = LSTM(UNITS, return_sequences=True, bias_initializer="random_normal", **options)
    layer.build((None, steps, FEATURES))
    return layer


def example(steps=6):
    generator = np.random.default_rng(steps)
    shapes = [(SIZE, steps, FEATURES), (SIZE, UNITS), (SIZE, UNITS)]
    return [tf.constant(generator.normal(size=shape), tf.float32) for shape in shapes]


def run(loop, layer, x, hidden, cell):
    """Return what a loop gives for sequences and first states, and the gradients of all that it gives."""

    @tf.function
    def both(x, hidden, cell):
        weights = [w.value for w in layer.trainable_variables]
        with tf.GradientTape() as tape:
            tape.watch([x, hidden, cell])
            last, outputs, states = loop(x, [hidden, cell])
            total = sum(tf.reduce_sum(tf.sin(3.0 * each)) for each in (last, outputs, *states))
        return [last, outputs, *states], tape.gradient(total, [x, hidden, cell, *weights])

    return [each.numpy() for each in tf.nest.flatten(both(x, hidden, cell))]


@pytest.mark.parametrize("steps", [2, 6, 40])
def test_values_and_gradients_are_those_of_the_loop(steps):
    keras.utils.set_random_seed(steps)
    layer, given = built(steps), example(steps)
    expected = run(lambda x, states: layer.inner_loop(x, states, None), layer, *given)
    found = run(lambda x, states: unrolled_lstm(layer, x, states), layer, *given)
    assert len(found) == len(expected) == 10
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("options", "steps"),
    [
        ({"activation": "relu"}, 6),
        ({"recurrent_activation": "hard_sigmoid"}, 6),
        ({"use_bias": False}, 6),
        ({"dropout": 0.5}, 6),
        ({"recurrent_dropout": 0.5}, 6),
        ({"go_backwards": True}, 6),
        ({"dtype": "mixed_bfloat16"}, 6),
        ({}, 1),
        ({}, MAX_STEPS + 1),
    ],
)
def test_what_it_is_not_made_for_is_left_to_the_loop(options, steps):
    x, *states = example(steps)
    assert unrolled_lstm(built(steps, **options), x, states) is None
    assert unrolled_lstm(built(), example()[0], states) is not None


def test_an_unknown_number_of_steps_is_left_to_the_loop():
    layer, found = built(), []

    @tf.function(input_signature=[tf.TensorSpec((SIZE, None, FEATURES))])
    def trace(x):
        found.append(unrolled_lstm(layer, x, layer.get_initial_state(SIZE)))
        return x

    trace.get_concrete_function()
    assert found == [None]


def test_second_derivatives_are_refused():
    layer, (x, *states) = built(), example()

    @tf.function
    def twice(x):
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                y = tf.reduce_sum(unrolled_lstm(layer, x, states)[1])
            norm = tf.reduce_sum(inner.gradient(y, x) ** 2)
        return outer.gradient(norm, x)

    with pytest.raises(NotImplementedError, match="second derivatives of an LSTM"):
        twice(x)


def test_a_layer_is_unrolled_where_it_is_told_to_be():
    keras.utils.set_random_seed(0)
    layer, (x, *_) = built(), example()

    def types():
        graph = tf.function(lambda x: layer(x, training=True)).get_concrete_function(x).graph
        return {operation.type for operation in graph.get_operations()}

    expected = layer(x).numpy()
    assert any("While" in each for each in types())
    layer.unrolled = True
    assert not any("While" in each for each in types())
    np.testing.assert_allclose(layer(x), expected, rtol=1e-4, atol=1e-5)
    assert "unrolled" not in layer.get_config()
