import keras
import numpy as np
import pytest
from keras import ops

from zoo.layers.unet import double_convolution, double_size

X = np.random.default_rng(0).normal(size=(4, 8, 6, 64)).astype("float32")


def apply(block, x, *args, **options):
    inputs = keras.Input(x.shape[1:])
    return ops.convert_to_numpy(keras.Model(inputs, block(inputs, *args, name="block", **options))(x))


def test_transposed_convolution_doubles_the_size_and_keeps_the_variance():
    keras.utils.set_random_seed(0)
    y = apply(double_size, X, 128, "transpose")
    assert y.shape == (4, 16, 12, 128)
    assert y.var() == pytest.approx(1, rel=0.1)


def test_interpolation_is_linear_between_the_centers_of_pixels():
    keras.utils.set_random_seed(0)
    ramp = np.broadcast_to(np.arange(8.0, dtype="float32")[:, None, None], (1, 8, 6, 1))
    y = apply(double_size, ramp, 3, "bilinear")
    assert y.shape == (1, 16, 12, 3)
    expected = np.clip((np.arange(16) + 0.5) / 2 - 0.5, 0, 7)
    np.testing.assert_allclose(y[0] / y[0, -1] * 7, np.broadcast_to(expected[:, None, None], (16, 12, 3)), atol=1e-5)


def test_two_convolutions():
    y = apply(double_convolution, X, 16, norm="batch")
    assert y.shape == (4, 8, 6, 16)
    assert (y >= 0).all()
