"""Wide and dense blocks against NumPy."""

import keras
import numpy as np
import pytest
from keras import ops

from zoo.layers import dense_block as dense
from zoo.layers.norms import EPSILON
from zoo.layers.preactivation import wide_block

RNG = np.random.default_rng(0)
X = RNG.normal(size=(2, 5, 6, 4)).astype("float32")


def built(block, *arguments, **options):
    """Build a model of one block and give every weight a random value, moving variances a positive one."""
    inputs = keras.Input(X.shape[1:])
    model = keras.Model(inputs, block(inputs, *arguments, **options))
    model.set_weights([RNG.uniform(0.2, 1.0, w.shape) * RNG.choice([1, -1], w.shape) for w in model.get_weights()])
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.moving_variance.assign(RNG.uniform(0.5, 1.5, layer.moving_variance.shape))
    return model


def output(model):
    return ops.convert_to_numpy(model(X, training=False))


def activated(model, x, name, epsilon=EPSILON):
    gamma, beta, mean, variance = (ops.convert_to_numpy(v) for v in model.get_layer(f"{name}_norm").variables)
    return np.maximum(gamma * (x - mean) / np.sqrt(variance + epsilon) + beta, 0)


def convolved(model, x, name, stride=1):
    """Convolution with zeros of half the kernel on every side, written out."""
    kernel = model.get_layer(f"{name}_conv").get_weights()[0]
    size = kernel.shape[0]
    padded = np.pad(x, [(0, 0), (size // 2,) * 2, (size // 2,) * 2, (0, 0)])
    windows = np.lib.stride_tricks.sliding_window_view(padded, (size, size), axis=(1, 2))[:, ::stride, ::stride]
    return np.einsum("bhwcij,ijco->bhwo", windows, kernel)


@pytest.mark.parametrize(("filters", "stride"), [(4, 1), (6, 1), (6, 2), (4, 2)])
def test_wide_block_equals_numpy(filters, stride):
    model = built(wide_block, filters, stride=stride, dropout=0.5, name="b")
    y = activated(model, X, "b_1")
    shortcut = X if (filters, stride) == (4, 1) else convolved(model, y, "b_shortcut", stride)
    y = activated(model, convolved(model, y, "b_1", stride), "b_2")
    expected = shortcut + convolved(model, y, "b_2")
    assert expected.shape == (2, -(-5 // stride), -(-6 // stride), filters)
    np.testing.assert_allclose(output(model), expected, rtol=1e-4, atol=1e-3)


def test_dense_block_equals_numpy():
    model = built(dense.dense_block, 2, 3, dropout=0.5, name="b")
    x = X
    for i in (1, 2):
        y = convolved(model, activated(model, x, f"b_{i}_in", dense.EPSILON), f"b_{i}_narrow")
        assert y.shape[-1] == 12
        y = convolved(model, activated(model, y, f"b_{i}_middle", dense.EPSILON), f"b_{i}_grow")
        x = np.concatenate([x, y], -1)
    assert x.shape[-1] == 10
    np.testing.assert_allclose(output(model), x, rtol=1e-4, atol=1e-3)


def test_transition_equals_numpy():
    model = built(dense.transition, 3, name="t")
    y = convolved(model, activated(model, X, "t", dense.EPSILON), "t")[:, :4]
    expected = y.reshape(2, 2, 2, 3, 2, 3).mean((2, 4))
    np.testing.assert_allclose(output(model), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("block", [wide_block, dense.dense_block])
def test_dropout_acts_only_in_training(block):
    model = built(block, 4, **({"growth": 3} if block is dense.dense_block else {}), dropout=0.5, name="b")
    np.testing.assert_array_equal(output(model), output(model))
    assert (ops.convert_to_numpy(model(X, training=True)) != output(model)).any()
