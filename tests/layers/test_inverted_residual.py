"""Inverted residual blocks against NumPy; whole networks of them are compared in tests/models/test_cnn_reference.py."""

import keras
import numpy as np
import pytest
from keras import ops

from zoo.layers.inverted_residual import EPSILON, divisible, inverted_residual, squeeze_excite
from zoo.layers.stochastic_depth import StochasticDepth

RNG = np.random.default_rng(0)
X = RNG.normal(size=(2, 6, 8, 4)).astype("float32")


def built(block, *arguments, **options):
    """Build a model of one block and give every weight a random positive value."""
    inputs = keras.Input(X.shape[1:])
    model = keras.Model(inputs, block(inputs, *arguments, **options))
    model.set_weights([RNG.uniform(0.2, 1.0, w.shape) for w in model.get_weights()])
    return model


def output(model):
    return ops.convert_to_numpy(model(X, training=False))


def normalized(model, x, name):
    gamma, beta, mean, variance = (ops.convert_to_numpy(v) for v in model.get_layer(f"{name}_norm").variables)
    return gamma * (x - mean) / np.sqrt(variance + EPSILON) + beta


def pointwise(model, x, name):
    return normalized(model, x @ model.get_layer(f"{name}_conv").get_weights()[0][0, 0], name)


def relu6(x):
    return np.clip(x, 0, 6)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


@pytest.mark.parametrize(("stride", "filters"), [(1, 4), (1, 3), (2, 4)])
def test_block_equals_numpy(stride, filters):
    model = built(inverted_residual, filters, stride=stride, expansion=2, name="b")
    y = relu6(pointwise(model, X, "b_expand"))
    kernel = model.get_layer("b_depthwise_conv").get_weights()[0][..., 0]
    before = 0 if stride == 2 else 1  # of even sizes, a stride of 2 pads only after the last pixel
    padded = np.pad(y, [(0, 0), (before, 1), (before, 1), (0, 0)])
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2))[:, ::stride, ::stride]
    y = relu6(normalized(model, np.einsum("bhwcij,ijc->bhwc", windows, kernel), "b_depthwise"))
    y = pointwise(model, y, "b_project")
    expected = X + y if (stride, filters) == (1, 4) else y
    np.testing.assert_allclose(output(model), expected, rtol=1e-4, atol=1e-4)


def test_squeeze_excite_equals_numpy():
    model = built(squeeze_excite, 2, activation="swish", name="e")
    (w1, b1), (w2, b2) = (model.get_layer(f"e_{part}").get_weights() for part in ("reduce", "restore"))
    y = X.mean((1, 2)) @ w1[0, 0] + b1
    weight = sigmoid(y * sigmoid(y) @ w2[0, 0] + b2)
    np.testing.assert_allclose(output(model), X * weight[:, None, None], rtol=1e-4, atol=1e-5)


def test_squeeze_is_a_share_of_the_channels_that_come_in():
    model = built(inverted_residual, 4, squeeze=0.5, expansion=6, name="b")
    assert model.get_layer("b_excite_reduce").filters == 2
    assert model.get_layer("b_excite_restore").filters == 24
    assert built(inverted_residual, 4, squeeze=0.1, name="b").get_layer("b_excite_reduce").filters == 1


@pytest.mark.parametrize(("filters", "stride", "dropped"), [(4, 1, 1), (4, 2, 0), (6, 1, 0)])
def test_only_a_branch_with_a_shortcut_is_dropped(filters, stride, dropped):
    model = built(inverted_residual, filters, stride=stride, drop=0.1, name="b")
    assert sum(isinstance(layer, StochasticDepth) for layer in model.layers) == dropped


def test_no_expansion_leaves_its_layers_out():
    names = [layer.name for layer in built(inverted_residual, 4, expansion=1, name="b").layers]
    assert not any("expand" in name for name in names)


@pytest.mark.parametrize(
    ("channels", "expected"),
    [(0.5, 8), (8, 8), (11.9, 16), (12, 16), (19.9, 24), (20, 24), (17.6, 16), (35, 32), (36, 40), (448, 448)],
)
def test_divisible(channels, expected):
    assert divisible(channels) == expected


def test_divisible_never_loses_more_than_a_tenth():
    for channels in range(8, 2000):
        rounded = divisible(channels)
        assert rounded % 8 == 0
        assert rounded >= 0.9 * channels
        assert abs(rounded - channels) < 8
