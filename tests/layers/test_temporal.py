"""Blocks of dilated causal convolutions against NumPy."""

import keras
import numpy as np
import pytest
from keras import ops

from zoo.layers.norms import EPSILON
from zoo.layers.temporal import temporal_block

RNG = np.random.default_rng(0)
X = RNG.normal(size=(2, 9, 3)).astype("float32")


def built(filters, **options):
    inputs = keras.Input((None, 3))
    model = keras.Model(inputs, temporal_block(inputs, filters, name="b", **options))
    model.set_weights([RNG.normal(size=w.shape) for w in model.get_weights()])
    return model


def causal(x, kernel, dilation):
    y = np.zeros((*x.shape[:2], kernel.shape[2]))
    for tap in range(len(kernel)):
        back = (len(kernel) - 1 - tap) * dilation
        y[:, back:] += x[:, : x.shape[1] - back] @ kernel[tap]
    return y


@pytest.mark.parametrize("norm", ["layer", "none"])
@pytest.mark.parametrize(("filters", "kernel_size", "dilation"), [(3, 2, 1), (4, 3, 2), (5, 2, 4)])
def test_block_equals_numpy(filters, kernel_size, dilation, norm):
    model = built(filters, kernel_size=kernel_size, dilation=dilation, norm=norm, dropout=0.2)
    y = X
    for i in (1, 2):
        weights = model.get_layer(f"b_{i}_conv").get_weights()
        y = causal(y, weights[0], dilation)
        if norm == "layer":
            gamma, beta = model.get_layer(f"b_{i}_norm").get_weights()
            y = (y - y.mean(-1, keepdims=True)) / np.sqrt(y.var(-1, keepdims=True) + EPSILON) * gamma + beta
        else:
            y = y + weights[1]
        y = np.maximum(y, 0)
    x = X
    if filters != 3:
        kernel, bias = model.get_layer("b_shortcut").get_weights()
        x = X @ kernel[0] + bias
    np.testing.assert_allclose(ops.convert_to_numpy(model(X)), np.maximum(x + y, 0), rtol=1e-4, atol=1e-4)
