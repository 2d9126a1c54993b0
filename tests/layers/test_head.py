import keras
import numpy as np
import pytest
from keras import ops

from zoo.errors import ZooError
from zoo.layers.head import features, head, with_head

X = np.random.default_rng(0).normal(size=(3, 5)).astype("float32")


@pytest.fixture
def model():
    inputs = keras.Input((5,))
    x = keras.layers.Dense(4, activation="tanh", name="hidden")(inputs)
    return keras.Model(inputs, head(x, 2, dropout=0.5), name="small")


def test_head_is_a_dense_layer_on_the_features(model):
    hidden = np.tanh(X @ model.get_layer("hidden").kernel.numpy() + model.get_layer("hidden").bias.numpy())
    logits = model.get_layer("logits")
    np.testing.assert_allclose(ops.convert_to_numpy(features(model)(X)), hidden, atol=1e-6)
    expected = hidden @ np.asarray(logits.kernel) + np.asarray(logits.bias)
    np.testing.assert_allclose(ops.convert_to_numpy(model(X)), expected, atol=1e-6)


def test_dropout_comes_between_features_and_logits(model):
    names = [layer.name for layer in model.layers]
    assert names[-3:] == ["features", "head_dropout", "logits"]
    assert "head_dropout" not in [layer.name for layer in with_head(model, 2).layers]


def test_new_head_shares_the_features_and_leaves_the_model_alone(model):
    before = ops.convert_to_numpy(model(X))
    new = with_head(model, 7, dropout=0.1)
    assert new.output_shape == (None, 7)
    assert new.get_layer("hidden") is model.get_layer("hidden")
    assert new.get_layer("logits") is not model.get_layer("logits")
    np.testing.assert_array_equal(ops.convert_to_numpy(model(X)), before)


def test_features_work_after_the_model_became_part_of_another(model):
    inputs = keras.Input((5,))
    keras.Model(inputs, model(inputs))
    assert features(model).output_shape == (None, 4)
    assert with_head(with_head(model, 3), 6).output_shape == (None, 6)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_logits_are_float32_under_mixed_precision(policy):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        inputs = keras.Input((5,))
        model = keras.Model(inputs, head(keras.layers.Dense(4)(inputs), 2, dropout=0.1))
    finally:
        keras.config.set_dtype_policy(before)
    assert model.get_layer("features").compute_dtype == policy.removeprefix("mixed_")
    assert model.output.dtype == "float32"
    assert keras.backend.standardize_dtype(model(X).dtype) == "float32"


@pytest.mark.parametrize("operation", [features, lambda model: with_head(model, 2)])
def test_a_model_without_the_head_is_refused(operation):
    inputs = keras.Input((5,))
    with pytest.raises(ZooError, match="model 'bare' has no layer 'features'"):
        operation(keras.Model(inputs, keras.layers.Dense(2)(inputs), name="bare"))


def test_head_on_each_pixel():
    inputs = keras.Input((2, 4, 5))
    model = keras.Model(inputs, head(inputs, 3))
    x = np.random.default_rng(0).normal(size=(2, 2, 4, 5)).astype("float32")
    kernel = ops.convert_to_numpy(model.get_layer("logits").kernel)
    np.testing.assert_allclose(ops.convert_to_numpy(model(x)), x @ kernel, atol=1e-6)
    assert features(model).output_shape == (None, 2, 4, 5)
    assert with_head(model, 7).output_shape == (None, 2, 4, 7)


def test_a_new_head_starts_with_the_bias_of_the_old_one():
    inputs = keras.Input((5,))
    model = keras.Model(inputs, head(inputs, 2, bias_initializer=keras.initializers.Constant(-3.0)))
    for logits in (model, with_head(model, 4), with_head(with_head(model, 4), 1)):
        np.testing.assert_array_equal(ops.convert_to_numpy(logits.get_layer("logits").bias), -3)
    model.get_layer("logits").bias.assign([7.0, 7.0])
    np.testing.assert_array_equal(ops.convert_to_numpy(with_head(model, 2).get_layer("logits").bias), -3)
    assert with_head(features(model), 3).output_shape == (None, 3)


def test_features_of_a_model_with_the_network_inside_take_raw_input(model):
    raw = keras.Input((5,))
    outer = keras.Model(raw, keras.layers.Softmax()(model(keras.layers.Rescaling(2.0, name="normalize")(raw))))
    found = features(outer)
    np.testing.assert_allclose(ops.convert_to_numpy(found(X)), ops.convert_to_numpy(features(model)(2 * X)), atol=1e-6)
    assert found.weights[0] is model.weights[0]


def test_features_of_a_network_that_is_inside_another_which_is_inside(model):
    inputs = keras.Input((5,))
    wrapped = keras.Model(inputs, model(keras.layers.Rescaling(2.0)(inputs)), name="wrapped")
    raw = keras.Input((5,))
    saved = keras.Model(raw, keras.layers.Softmax()(wrapped(keras.layers.Rescaling(0.5)(raw))))
    np.testing.assert_allclose(features(saved)(X), features(model)(X), atol=1e-6)


def test_features_of_two_networks_are_refused(model):
    raw = keras.Input((5,))
    with pytest.raises(ZooError, match="has no layer 'features'"):
        features(keras.Model(raw, keras.layers.Softmax()(keras.layers.Dense(2)(raw))))
