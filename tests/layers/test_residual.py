"""Residual blocks against NumPy."""

import keras
import numpy as np
import pytest
from keras import ops

from zoo.layers.norms import EPSILON
from zoo.layers.residual import basic_block, bottleneck, convolution, shortcut_to

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


def conv_norm(model, x, name, stride=1):
    """Convolution with zeros of half the kernel on every side, then batch normalization, written out."""
    kernel = ops.convert_to_numpy(model.get_layer(f"{name}_conv").kernel)
    size = kernel.shape[0]
    padded = np.pad(x, [(0, 0), (size // 2,) * 2, (size // 2,) * 2, (0, 0)])
    windows = np.lib.stride_tricks.sliding_window_view(padded, (size, size), axis=(1, 2))[:, ::stride, ::stride]
    y = np.einsum("bhwcij,ijco->bhwo", windows, kernel)
    norm = model.get_layer(f"{name}_norm")
    gamma, beta, mean, variance = (ops.convert_to_numpy(v) for v in norm.variables)
    return gamma * (y - mean) / np.sqrt(variance + EPSILON) + beta


def relu(x):
    return np.maximum(x, 0)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("size", [1, 3, 7])
def test_convolution_pads_both_sides_alike(size, stride):
    model = built(convolution, 3, size, stride=stride, name="c")
    expected = conv_norm(model, X, "c", stride)
    assert expected.shape == (2, -(-5 // stride), -(-6 // stride), 3)
    np.testing.assert_allclose(output(model), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("filters", "stride"), [(4, 1), (8, 2)])
def test_basic_block_equals_numpy(filters, stride):
    model = built(basic_block, filters, stride=stride, name="b")
    y = conv_norm(model, relu(conv_norm(model, X, "b_1", stride)), "b_2")
    shortcut = X if stride == 1 else conv_norm(model, X, "b_shortcut", stride)
    np.testing.assert_allclose(output(model), relu(y + shortcut), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("filters", "stride"), [(1, 1), (2, 2)])
def test_bottleneck_equals_numpy(filters, stride):
    model = built(bottleneck, filters, stride=stride, name="b")
    y = relu(conv_norm(model, X, "b_1"))
    y = conv_norm(model, relu(conv_norm(model, y, "b_2", stride)), "b_3")
    shortcut = X if stride == 1 else conv_norm(model, X, "b_shortcut", stride)
    np.testing.assert_allclose(output(model), relu(y + shortcut), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("filters", "before", "after"), [(8, 2, 2), (7, 1, 2)])
def test_identity_shortcut_takes_every_second_pixel_and_pads_channels(filters, before, after):
    model = built(shortcut_to, filters, 2, "batch", "identity", "s")
    assert model.count_params() == 0
    np.testing.assert_array_equal(output(model), np.pad(X[:, ::2, ::2], [(0, 0)] * 3 + [(before, after)]))


def test_identity_shortcut_cannot_narrow():
    with pytest.raises(ValueError, match="4 channels for 2 filters"):
        built(shortcut_to, 2, 1, "batch", "identity", "s")


@pytest.mark.parametrize("block", [basic_block, bottleneck])
def test_a_new_block_is_its_shortcut(block):
    inputs = keras.Input(X.shape[1:])
    model = keras.Model(inputs, block(inputs, 4 if block is basic_block else 1, name="b"))
    np.testing.assert_array_equal(output(model), relu(X))
