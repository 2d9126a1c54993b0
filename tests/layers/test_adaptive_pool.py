import keras
import numpy as np
import pytest
from keras import ops

from zoo.layers.adaptive_pool import AdaptiveAveragePooling


@pytest.mark.parametrize("shape", [(7, 7), (2, 3), (10, 16), (7, 9)])
def test_each_output_is_the_mean_of_its_window(shape):
    x = np.random.default_rng(0).normal(size=(2, *shape, 3)).astype("float32")
    expected = np.zeros((2, 7, 7, 3))
    for i in range(7):
        for j in range(7):
            rows, columns = (slice(k * n // 7, -(-(k + 1) * n // 7)) for k, n in zip((i, j), shape, strict=True))
            expected[:, i, j] = x[:, rows, columns].mean((1, 2))
    layer = AdaptiveAveragePooling(7)
    np.testing.assert_allclose(ops.convert_to_numpy(layer(x)), expected, rtol=1e-5, atol=1e-6)
    assert layer.compute_output_shape(x.shape) == (2, 7, 7, 3)


def test_a_saved_model_gives_the_same(tmp_path):
    inputs = keras.Input((5, 6, 2))
    model = keras.Model(inputs, AdaptiveAveragePooling(3)(inputs))
    model.save(tmp_path / "x.keras")
    x = np.random.default_rng(0).normal(size=(2, 5, 6, 2)).astype("float32")
    loaded = keras.models.load_model(tmp_path / "x.keras", safe_mode=True)
    np.testing.assert_array_equal(ops.convert_to_numpy(loaded(x)), ops.convert_to_numpy(model(x)))
