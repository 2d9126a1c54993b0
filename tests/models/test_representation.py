"""Networks that learn representations: what is in them, and that their encoders fit the builders they come from."""

import os
import subprocess
import sys

import keras
import numpy as np
import pytest

from zoo.errors import ZooError
from zoo.layers.encoder import encoder_of, representation
from zoo.layers.unit_length import UnitLength
from zoo.losses.contrastive import MaskedPixels, NTXent
from zoo.losses.sequences import MaskedCrossentropy
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


@pytest.mark.ci
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


# --- masked autoencoder -------------------------------------------------------------------------------------------

SIZES = {"width": 8, "depth": 2, "heads": 2, "patch": 4, "mlp_ratio": 2.0}
MASKED = {**SIZES, "decoder_width": 12, "decoder_depth": 1}


def masked_autoencoder(**settings):
    return scrambled(build("masked_autoencoder", input_shape=(16, 12, 3), **{**MASKED, **settings}))


def pictures(n=6, seed=0):
    return images(n, (16, 12, 3), seed)


def cut(x, size=4):
    """Return patches `(n, patches, pixels)`, row by row."""
    n, height, width, channels = x.shape
    tiles = [x[:, i : i + size, j : j + size] for i in range(0, height, size) for j in range(0, width, size)]
    return np.stack([tile.reshape(n, size * size * channels) for tile in tiles], axis=1)


def test_the_encoder_is_vit_tiny_with_the_same_weights():
    network = masked_autoencoder()
    vit = build("vit_tiny", input_shape=(16, 12, 3), outputs=3, pool="mean", **SIZES)
    inner = encoder_of(network)
    assert representation(network) is inner and inner.name == "encoder"
    copy_by_name(inner, vit)
    np.testing.assert_allclose(representation(vit)(pictures()), inner(pictures()), rtol=0, atol=1e-6)
    assert {layer.name for layer in inner.layers[1:]} == {layer.name for layer in vit.layers[1:-1]}


def test_blocks_see_the_visible_patches_only():
    """What is hidden changes no prediction, and what is visible is the encoder's output without the others."""
    network, x = masked_autoencoder(), pictures()
    y = np.asarray(network(x))
    mask = y[..., -1]
    assert (mask.sum(1) == 9).all() and y.shape == (6, 12, 97)
    tiles = np.repeat(np.repeat(mask.reshape(6, 4, 3), 4, axis=1), 4, axis=2)[..., None]
    other = np.where(tiles == 1, pictures(seed=5), x)
    np.testing.assert_allclose(np.asarray(network(other))[..., :48], y[..., :48], atol=1e-6)
    other = np.where(tiles == 0, pictures(seed=5), x)
    assert np.abs(np.asarray(network(other))[..., :48] - y[..., :48]).max() > 1e-3

    inner = encoder_of(network)
    tokens = inner(x, part="tokens")
    assert tokens.shape == (6, 12, 8) and inner(tokens[:, :5], part="blocks").shape == (6, 5, 8)
    pooled = np.asarray(inner(tokens, part="blocks")).mean(1)
    np.testing.assert_allclose(pooled, inner(x), rtol=0, atol=1e-6)


@pytest.mark.parametrize("normalize", [True, False])
def test_the_targets_are_the_images_patches(normalize):
    network, x = masked_autoencoder(normalize_targets=normalize), pictures()
    patches = cut(x)
    if normalize:
        patches = (patches - patches.mean(-1, keepdims=True)) / np.sqrt(patches.var(-1, keepdims=True) + 1e-6)
    np.testing.assert_allclose(np.asarray(network(x))[..., 48:96], patches, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("compiled", [False, True])
def test_a_masked_autoencoder_trains_and_comes_back(tmp_path, compiled):
    network, x = build("masked_autoencoder", input_shape=(16, 12, 3), mask=0.5, **MASKED), pictures()
    network.compile(keras.optimizers.Adam(0.01), MaskedPixels(), jit_compile=compiled)
    before = network.evaluate(x, np.zeros(6), verbose=0)
    assert network.evaluate(x, np.zeros(6), verbose=0) == before
    weights = [w.copy() for w in encoder_of(network).get_weights()]
    network.fit(x, np.zeros(6), epochs=30, verbose=0)
    assert network.evaluate(x, np.zeros(6), verbose=0) < before
    changed = [(w != b).any() for w, b in zip(encoder_of(network).get_weights(), weights, strict=True)]
    assert all(changed)
    network.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras", compile=False)
    np.testing.assert_array_equal(loaded(x), network(x))
    np.testing.assert_array_equal(encoder_of(loaded)(x), encoder_of(network)(x))
    assert len(loaded.weights) == len(network.weights)


@pytest.mark.slow
def test_a_masked_autoencoder_on_jax(tmp_path):
    """A fresh process loads it, has the same loss, and makes a step."""
    pytest.importorskip("jax")
    network, x = masked_autoencoder(), pictures()
    network.save(tmp_path / "model.keras")
    np.save(tmp_path / "x.npy", x)
    program = f"""
import keras, numpy as np
from zoo.registry import builder
from zoo.losses.contrastive import MaskedPixels
builder("masked_autoencoder")
x = np.load(r"{tmp_path / "x.npy"}")
model = keras.models.load_model(r"{tmp_path / "model.keras"}", compile=False)
model.compile(keras.optimizers.SGD(0.01), MaskedPixels())
encoded = abs(np.asarray(model.get_layer("encoder")(x))).sum()
found = [encoded, model.evaluate(x, np.zeros(6), verbose=0), model.train_on_batch(x, np.zeros(6))]
print(keras.backend.backend(), *map(float, found))
"""
    environment = {**os.environ, "KERAS_BACKEND": "jax"}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    backend, encoded, evaluated, trained = done.stdout.splitlines()[-1].split()
    network.compile(loss=MaskedPixels(), jit_compile=False)
    assert backend == "jax" and np.isfinite(float(trained))
    assert float(evaluated) == pytest.approx(network.evaluate(x, np.zeros(6), verbose=0), rel=1e-4)
    assert float(encoded) == pytest.approx(np.abs(encoder_of(network)(x)).sum(), rel=1e-4)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"patch": 5}, r"patches must tile the image. Received: patch=5"),
        ({"patch": 16}, r"patches must tile"),
        ({"heads": 3}, r"width must be a multiple of heads"),
        ({"decoder_width": 10}, r"multiple of 4 features, not 10"),
        ({"mask": 1.0}, r"mask: must be less than 1"),
        ({"mask": 0.0}, r"mask: must be greater than 0"),
    ],
)
def test_a_masked_autoencoder_that_cannot_be_built(settings, message):
    with pytest.raises(ZooError, match=message):
        build("masked_autoencoder", input_shape=(16, 12, 3), **{**MASKED, **settings})
    with pytest.raises(ZooError, match="needs images"):
        build("masked_autoencoder", input_shape=(16, 12), **MASKED)


# --- masked language model ----------------------------------------------------------------------------------------


def test_a_masked_language_model_is_the_text_encoder():
    settings = {"width": 8, "depth": 2, "heads": 2}
    network = scrambled(build("masked_language_model", outputs=11, vocabulary=11, input_shape=(None,), **settings))
    assert network.output_shape == (None, None, 11)
    text = build("transformer", outputs=3, vocabulary=11, input_shape=(None,), **settings)
    for layer in network.layers:
        if layer.weights and layer.name != "logits":
            text.get_layer(layer.name).set_weights(layer.get_weights())
    tokens = np.array([[3, 4, 10, 1, 0, 0], [5, 2, 0, 0, 0, 0]], "int32")
    steps = keras.Model(network.input, network.get_layer("blocks_norm").output)(tokens)
    theirs = keras.Model(text.input, text.get_layer("blocks_norm").output)(tokens)
    np.testing.assert_allclose(theirs, steps, atol=1e-6)


@pytest.mark.slow
def test_a_hidden_token_is_named_from_both_sides():
    """Every row counts up or down: what stands before and after the hidden token tells it."""
    hidden, rng = 1, np.random.default_rng(0)
    starts, up = rng.integers(2, 6, 256), rng.integers(0, 2, 256)[:, None] == 1
    rows = np.where(up, starts[:, None] + np.arange(5), starts[:, None] + np.arange(5)[::-1]).astype("int32")
    place = rng.integers(0, 5, 256)[:, None] == np.arange(5)
    network = build("masked_language_model", outputs=10, vocabulary=10, width=16, depth=1, heads=2)
    network.compile(keras.optimizers.Adam(0.01), MaskedCrossentropy(), jit_compile=False)
    network.fit(np.where(place, hidden, rows), np.where(place, rows, 0), epochs=60, batch_size=64, verbose=0)
    named = np.asarray(network(np.where(place, hidden, rows))).argmax(-1)
    assert (named == rows)[place].mean() > 0.9


def test_a_masked_language_model_needs_tokens():
    with pytest.raises(ZooError, match="needs tokens with a vocabulary"):
        build("masked_language_model", input_shape=(4,), outputs=3)
