"""Sums in one order: no operation of a training step adds three and more values in an order of its own choice."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from zoo.training.determinism import start_from_seed


@pytest.fixture
def step():
    """Return a function that computes a loss and its gradient by a value that is used five times."""
    start_from_seed(0)
    x = tf.constant(np.random.default_rng(0).normal(size=(64, 8)).astype("float32"))

    @tf.function
    def gradient():
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = sum(tf.reduce_sum(x**power) for power in (1.0, 2.0, 3.0, 4.0, 5.0))
        return loss, tape.gradient(loss, x)

    return gradient, x


def test_gradients_are_sums_of_two(step):
    gradient, x = step
    graph = gradient.get_concrete_function().graph
    assert [len(op.inputs) for op in graph.get_operations() if op.type == "AddN" and len(op.inputs) > 2] == []
    expected = sum(power * np.asarray(x, np.float64) ** (power - 1) for power in (1, 2, 3, 4, 5))
    np.testing.assert_allclose(gradient()[1], expected, rtol=1e-5)


def test_sums_are_not_joined_again():
    start_from_seed(0)
    options = tf.config.optimizer.get_experimental_options()
    assert (options["arithmetic_optimization"], options["remapping"]) == (False, False)


def test_gradients_of_looked_up_rows_are_added():
    """Of a table that is used in two look-ups and as a whole, as where embeddings are tied."""
    start_from_seed(0)
    table = tf.Variable(np.ones((3, 2), np.float32))
    with tf.GradientTape() as tape:
        rows = tf.reduce_sum(tf.gather(table, [0, 1])) + tf.reduce_sum(tf.gather(table, [1, 1]))
        loss = rows + 2 * tf.reduce_sum(table)
    gradient = tf.convert_to_tensor(tape.gradient(loss, table))
    np.testing.assert_array_equal(gradient, [[3, 3], [5, 5], [2, 2]])


def test_a_seed_gives_the_same_numbers():
    start_from_seed(7)
    first = np.array(keras.random.normal((3,)))
    start_from_seed(7)
    np.testing.assert_array_equal(keras.random.normal((3,)), first)
