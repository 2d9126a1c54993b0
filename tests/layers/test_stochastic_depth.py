import keras
import numpy as np
import pytest
from keras import ops

from zoo.layers.stochastic_depth import StochasticDepth, linear_rates

X = np.random.default_rng(0).uniform(1.0, 2.0, (2000, 2, 3)).astype("float32")


def call(layer, x=X, **options):
    return ops.convert_to_numpy(layer(x, **options))


def test_each_example_is_dropped_whole_or_divided_by_the_share_kept():
    y = call(StochasticDepth(0.2, seed=0), training=True)
    dropped = (y == 0).all((1, 2))
    np.testing.assert_allclose(y[~dropped], X[~dropped] / 0.8, rtol=1e-6)
    assert dropped.mean() == pytest.approx(0.2, abs=0.03)


def test_draws_anew_at_each_call():
    layer = StochasticDepth(0.5, seed=0)
    assert (call(layer, training=True) != call(layer, training=True)).any()


@pytest.mark.parametrize(("rate", "training"), [(0.5, False), (0.0, True)])
def test_is_the_identity_at_inference_and_at_rate_zero(rate, training):
    np.testing.assert_array_equal(call(StochasticDepth(rate), training=training), X)


@pytest.mark.parametrize("shape", [(5,), (None, 4), (6, 6, 3)])
def test_inside_a_model_with_a_dynamic_batch(shape):
    inputs = keras.Input(shape)
    model = keras.Model(inputs, StochasticDepth(0.5)(inputs))
    assert model.output_shape == (None, *shape)
    x = np.ones((7, *(n or 3 for n in shape)), "float32")
    assert set(np.unique(ops.convert_to_numpy(model(x, training=True)))) <= {0.0, 2.0}


def test_keeps_the_mask_and_the_type_of_its_input():
    x = keras.layers.Masking()(X)
    assert StochasticDepth(0.1)(x)._keras_mask is not None
    layer = StochasticDepth(0.5, dtype="mixed_float16")
    assert keras.backend.standardize_dtype(layer(X, training=True).dtype) == "float16"


def test_is_rebuilt_from_its_config():
    layer = StochasticDepth(0.25, seed=3)
    assert StochasticDepth.from_config(layer.get_config()).get_config() == layer.get_config()


@pytest.mark.parametrize("rate", [-0.1, 1.0])
def test_rate_out_of_range_is_refused(rate):
    with pytest.raises(ValueError, match=f"rate={rate}"):
        StochasticDepth(rate)


def test_linear_rates():
    assert linear_rates(5, 0.2) == pytest.approx([0, 0.05, 0.1, 0.15, 0.2])
    assert linear_rates(1, 0.2) == [0]
    assert linear_rates(0, 0.2) == []
