"""Networks that learn representations: what is in them, and that their encoders fit the builders they come from."""

import keras
import numpy as np
import pytest

from zoo.errors import ZooError
from zoo.layers.encoder import encoder_of, representation
from zoo.layers.unit_length import UnitLength
from zoo.losses.contrastive import NTXent
from zoo.registry import build

SMALL = {"encoder": "cnn", "encoder_config": {"widths": [4, 8], "depth": 1}}
CONTRASTIVE, EMBEDDING = ("simclr", "supcon"), ("siamese", "triplet")


def images(n=6, shape=(16, 16, 1), seed=0):
    return np.random.default_rng(seed).uniform(size=(n, *shape)).astype("float32")


def copy_by_name(source, target):
    """Put the weights of all layers of `source` into the layers of `target` with the same names."""
    for layer in source.layers:
        if layer.weights:
            target.get_layer(layer.name).set_weights(layer.get_weights())


def scrambled(model):
    """Return the model with weights none of which is at its initial value."""
    rng = np.random.default_rng(1)
    model.set_weights([w + 0.1 * np.abs(rng.normal(size=w.shape)).astype(w.dtype) for w in model.get_weights()])
    return model


@pytest.mark.parametrize("name", CONTRASTIVE + EMBEDDING)
def test_outputs_have_length_one(name):
    model = build(name, input_shape=(16, 16, 1), **SMALL)
    z = np.asarray(model(images()))
    assert z.shape == (6, 64)
    np.testing.assert_allclose(np.linalg.norm(z, axis=1), 1, rtol=1e-5)


def test_features_stand_before_the_projection_and_are_the_embedding():
    x = images()
    for name in CONTRASTIVE:
        model = build(name, input_shape=(16, 16, 1), projection=[5], **SMALL)
        np.testing.assert_array_equal(representation(model)(x), encoder_of(model)(x))
        assert model.output_shape == (None, 5) and representation(model).output_shape == (None, 8)
    for name in EMBEDDING:
        model = build(name, input_shape=(16, 16, 1), embedding=5, **SMALL)
        np.testing.assert_array_equal(representation(model)(x), model(x))
        assert model.output_shape == (None, 5) and encoder_of(model).output_shape == (None, 8)


@pytest.mark.parametrize("encoder", ["cnn", "resnet20", "vit_tiny", "mlp"])
def test_the_encoder_goes_by_name_into_the_builder(encoder):
    config = {"vit_tiny": {"width": 8, "depth": 2, "heads": 2, "patch": 8}}.get(encoder)
    network = scrambled(build("simclr", input_shape=(16, 16, 1), encoder=encoder, encoder_config=config))
    inner = network.get_layer("encoder")
    assert isinstance(inner, keras.Model)
    classifier = build(encoder, input_shape=(16, 16, 1), outputs=3, **(config or {}))
    copy_by_name(inner, classifier)
    x = images()
    np.testing.assert_allclose(representation(classifier)(x), inner(x), rtol=0, atol=1e-6)


def test_two_views_train_together():
    """As the loss takes them: the views of an example side by side."""
    model = build("simclr", input_shape=(16, 16, 1), projection=[5], **SMALL)
    views = keras.Input((2, 16, 16, 1))
    z = keras.layers.TimeDistributed(model)(views)
    pairs = keras.Model(views, z)
    pairs.compile(keras.optimizers.Adam(0.01), NTXent(temperature=0.5), jit_compile=False)
    x = np.stack([images(seed=1), images(seed=2)], axis=1)
    history = pairs.fit(x, np.zeros(6), epochs=12, verbose=0, shuffle=False).history["loss"]
    assert np.isfinite(history).all() and history[-1] < history[0]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"encoder": "resnet2"},
            r"simclr.*no model for image_classification is called 'resnet2'; did you mean 'resnet",
        ),
        ({"encoder": "gpt"}, r"no model for image_classification is called 'gpt'"),
        ({"encoder": "cnn", "encoder_config": {"widht": [4]}}, r"'cnn' has no setting 'widht'; did you mean 'widths'"),
        ({"encoder": "cnn", "encoder_config": {"outputs": 4}}, r"'cnn' has no setting 'outputs'"),
        ({"encoder": "cnn", "encoder_config": {"depth": 0}}, r"'cnn': depth: must be at least 1"),
        ({"encoder": "vit_tiny", "encoder_config": {"patch": 5}}, r"patches must tile the image"),
        ({"encoder_config": [4]}, r"encoder_config: must be a valid dictionary"),
        ({"projection": []}, r"projection"),
        ({"outputs": 4}, r"'simclr' has no number of outputs to choose"),
    ],
)
def test_what_cannot_be_built_is_said(settings, message):
    with pytest.raises(ZooError, match=message):
        build("simclr", input_shape=(16, 16, 1), **settings)


def test_models_without_an_encoder_have_none():
    with pytest.raises(ZooError, match="model 'mlp' has no encoder"):
        encoder_of(build("mlp", input_shape=(4,), outputs=2))


def test_unit_length_is_that_of_numpy_and_safe_at_zero():
    import tensorflow as tf

    x = np.concatenate([images(5, (3,)) - 0.5, 1e-3 * images(1, (3,)), np.zeros((1, 3), "float32")])
    z = np.asarray(UnitLength()(x))
    np.testing.assert_allclose(z[:6], x[:6] / np.linalg.norm(x[:6], axis=1, keepdims=True), rtol=1e-5)
    assert (z[6] == 0).all()
    variable = tf.Variable(x)
    with tf.GradientTape() as tape:
        value = tf.reduce_sum(UnitLength()(variable) ** 3)
    assert np.isfinite(tape.gradient(value, variable)).all()
    assert UnitLength()(x.astype("float16")).dtype == "float32"
