import math

import keras
import numpy as np
import pytest
from keras import ops

from zoo import registry
from zoo.errors import ZooError

X = np.random.default_rng(0).normal(size=(3, 2, 3, 1)).astype("float32")


def weights(model, layer):
    return [ops.convert_to_numpy(w) for w in model.get_layer(layer).variables]


def randomized(**config):
    """Build on `X`'s shape with every weight random (biases too, which otherwise start at zero)."""
    model = registry.build("mlp", input_shape=X.shape[1:], outputs=2, **config)
    rng = np.random.default_rng(1)
    model.set_weights([rng.uniform(0.1, 1.0, w.shape) for w in model.get_weights()])
    return model


def predict(model):
    return ops.convert_to_numpy(model(X, training=False))


@pytest.mark.parametrize(
    ("activation", "reference"),
    [
        ("relu", lambda x: np.maximum(x, 0)),
        ("tanh", np.tanh),
        ("sigmoid", lambda x: 1 / (1 + np.exp(-x))),
        ("swish", lambda x: x / (1 + np.exp(-x))),
        ("gelu", lambda x: x * (1 + np.vectorize(math.erf)(x / math.sqrt(2))) / 2),
        ("leaky_relu", lambda x: np.where(x > 0, x, 0.2 * x)),
    ],
)
def test_forward_pass_equals_numpy(activation, reference):
    model = randomized(widths=(5, 4), activation=activation)
    x = X.reshape(3, 6)
    for layer in ("layer1_dense", "layer2_dense"):
        kernel, bias = weights(model, layer)
        x = reference(x @ kernel + bias)
    kernel, bias = weights(model, "logits")
    np.testing.assert_allclose(predict(model), x @ kernel + bias, rtol=1e-5, atol=1e-5)


def test_residual_forward_pass_equals_numpy():
    model = randomized(widths=(4, 4), residual=True, norm="rms")
    x = X.reshape(3, 6)
    for layer, projection in (("layer1", weights(model, "layer1_projection")[0]), ("layer2", np.eye(4))):
        kernel, bias = weights(model, f"{layer}_dense")
        (scale,) = weights(model, f"{layer}_norm")
        y = x @ kernel + bias
        y = np.maximum(y / np.sqrt((y**2).mean(-1, keepdims=True) + 1e-5) * scale, 0)
        x = x @ projection + y
    kernel, bias = weights(model, "logits")
    np.testing.assert_allclose(predict(model), x @ kernel + bias, rtol=1e-4, atol=1e-4)


def test_parameters_of_the_default():
    assert registry.build("mlp").count_params() == 784 * 256 + 256 + 256 * 128 + 128 + 128 * 10 + 10


@pytest.mark.parametrize(("norm", "biased"), [("none", True), ("rms", True), ("batch", False), ("layer", False)])
def test_bias_only_where_the_norm_has_no_shift(norm, biased):
    assert registry.build("mlp", norm=norm).get_layer("layer1_dense").use_bias == biased


def test_no_hidden_layer_makes_a_linear_model():
    assert registry.build("mlp", input_shape=(8,), outputs=1, widths=()).count_params() == 9


def test_dropout_acts_only_in_training():
    model = registry.build("mlp", dropout=0.5)
    x = np.ones((1, 28, 28, 1), "float32")
    assert [layer.rate for layer in model.layers if isinstance(layer, keras.layers.Dropout)] == [0.5, 0.5]
    a, b = model(x, training=False), model(x, training=False)
    np.testing.assert_array_equal(ops.convert_to_numpy(a), ops.convert_to_numpy(b))
    a, b = model(x, training=True), model(x, training=True)
    assert (ops.convert_to_numpy(a) != ops.convert_to_numpy(b)).any()


def test_learns_exclusive_or():
    keras.utils.set_random_seed(0)
    x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], "float32")
    y = np.array([0, 1, 1, 0])
    model = registry.build("mlp", input_shape=(2,), outputs=2, widths=(16,), activation="tanh")
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.05), loss, jit_compile=False)
    model.fit(np.tile(x, (100, 1)), np.tile(y, 100), batch_size=4, shuffle=False, verbose=0)
    assert (ops.convert_to_numpy(model(x)).argmax(-1) == y).all()


@pytest.mark.parametrize(
    ("config", "count"),
    [
        ({}, 18_528_264),  # Mixer-S/16
        pytest.param(  # Mixer-B/16: timm, mixer_b16_224
            {"width": 768, "depth": 12, "token_width": 384, "channel_width": 3072}, 59_880_472, marks=pytest.mark.slow
        ),
    ],
)
def test_published_parameter_counts_of_the_mixer(config, count):
    assert registry.build("mlp_mixer", **config).count_params() == count


def test_count_of_the_mixer_is_the_sum_of_its_layers():
    settings = {"patch": 4, "width": 12, "depth": 2, "token_width": 5, "channel_width": 20}
    model = registry.build("mlp_mixer", input_shape=(28, 28, 1), outputs=10, **settings)
    tokens = (49 + 1) * 5 + (5 + 1) * 49
    channels = (12 + 1) * 20 + (20 + 1) * 12
    assert model.count_params() == (16 + 1) * 12 + 2 * (tokens + channels + 4 * 12) + 2 * 12 + (12 + 1) * 10


def test_mixer_block_equals_numpy():
    """One branch over the patches, the same for each feature; one over the features, the same for each patch."""
    model = registry.build(
        "mlp_mixer",
        input_shape=(4, 6, 1),
        outputs=3,
        patch=2,
        width=4,
        depth=1,
        token_width=5,
        channel_width=7,
        feed_forward="relu",
    )
    rng = np.random.default_rng(1)
    model.set_weights([rng.uniform(0.1, 1.0, w.shape) for w in model.get_weights()])
    images = rng.normal(size=(2, 4, 6, 1)).astype("float32")

    def dense(x, layer):
        kernel, bias = weights(model, layer)
        return x @ kernel + bias

    def normalized(x, layer):
        scale, shift = weights(model, layer)
        return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-6) * scale + shift

    def branch(x, name):
        return dense(np.maximum(dense(x, f"{name}_dense1"), 0), f"{name}_dense2")

    x = images.reshape(2, 2, 2, 3, 2).transpose(0, 1, 3, 2, 4).reshape(2, 6, 4)
    x = dense(x, "patches_embedding")
    y = normalized(x, "block1_tokens_norm").transpose(0, 2, 1)
    x = x + branch(y, "block1_tokens").transpose(0, 2, 1)
    x = x + branch(normalized(x, "block1_channels_norm"), "block1_channels")
    x = dense(normalized(x, "blocks_norm").mean(1), "logits")
    np.testing.assert_allclose(ops.convert_to_numpy(model(images)), x, rtol=1e-3, atol=1e-3)


def test_mixer_needs_patches_that_tile_the_image():
    with pytest.raises(ZooError, match=r"tile the image\. Received: patch=16, input_shape=\(28, 28, 1\)"):
        registry.build("mlp_mixer", input_shape=(28, 28, 1))


@pytest.mark.parametrize("config", [{"widths": (0,)}, {"dropout": 1.5}, {"dropout": -0.1}])
def test_values_out_of_range_are_refused(config):
    with pytest.raises(ZooError, match=r"model 'mlp': (widths|dropout): must be"):
        registry.build("mlp", **config)
