import keras
import numpy as np
from keras import ops

from zoo.layers.layer_scale import LayerScale

X = np.random.default_rng(0).normal(size=(2, 3, 4, 5)).astype("float32")


def test_scales_each_channel():
    layer = LayerScale(0.1)
    np.testing.assert_allclose(ops.convert_to_numpy(layer(X)), 0.1 * X, rtol=1e-6)
    gamma = np.arange(5, dtype="float32")
    layer.set_weights([gamma])
    np.testing.assert_allclose(ops.convert_to_numpy(layer(X)), gamma * X, rtol=1e-6)
    assert len(layer.trainable_variables) == 1


def test_default_is_that_of_the_paper():
    layer = LayerScale()
    layer.build((None, 3))
    np.testing.assert_allclose(layer.get_weights()[0], [1e-6] * 3)


def test_is_rebuilt_from_its_config():
    layer = LayerScale(0.5, name="scale")
    assert LayerScale.from_config(layer.get_config()).get_config() == layer.get_config()


def test_keeps_an_open_shape_and_the_mask():
    inputs = keras.Input((None, 5))
    assert keras.Model(inputs, LayerScale()(inputs)).output_shape == (None, None, 5)
    assert LayerScale()(keras.layers.Masking()(X[0]))._keras_mask is not None
