"""Autoencoders: codes and losses against the papers' formulas, and what training makes of them."""

import keras
import numpy as np
import pytest
from keras import ops

import zoo
from zoo.errors import ZooError
from zoo.layers.code import GaussianCode, Masking, VectorQuantizer, decoder, encoder
from zoo.registry import build

NAMES = ("autoencoder", "conv_autoencoder", "denoising_autoencoder", "vae", "vq_vae")
SMALL = {"widths": (4, 6), "code": 3}


def images(n=8, shape=(8, 8, 1), seed=0):
    return np.random.default_rng(seed).uniform(size=(n, *shape)).astype(np.float32)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", [(8, 8, 1), (28, 28, 1), (9, 7, 3)])
def test_images_of_any_size_come_back_in_their_shape(name, shape):
    model = build(name, input_shape=shape, **SMALL)
    x = images(2, shape)
    y = np.asarray(model(x))
    assert y.shape == x.shape and y.min() >= 0 and y.max() <= 1
    code = np.asarray(encoder(model)(x))
    assert code.shape[0] == 2 and code.ndim == 2
    assert code.shape[1] == (3 if name != "vq_vae" else 3 * -(-shape[0] // 4) * -(-shape[1] // 4))
    np.testing.assert_allclose(decoder(model)(code), y, atol=1e-6)


@pytest.mark.parametrize("name", NAMES[1:])
def test_too_small_images_are_refused(name):
    with pytest.raises(ZooError, match=r"at least 4 pixels a side.*\(3, 8, 1\)"):
        build(name, input_shape=(3, 8, 1), **SMALL)


def test_a_model_without_a_code_has_no_decoder():
    with pytest.raises(ZooError, match="has no layer 'code'"):
        decoder(build("mlp", input_shape=(4,), outputs=2))


def test_outputs_are_refused_and_described():
    with pytest.raises(ZooError, match="has no number of outputs to choose, and outputs=3 was given"):
        build("vae", outputs=3)
    assert "outputs" not in zoo.describe("autoencoder")["defaults"]


def test_gaussian_code_draws_from_the_posterior_and_counts_the_divergence():
    rng = np.random.default_rng(0)
    mean, log_variance = rng.normal(size=(4000, 2)).astype(np.float32), np.full((4000, 2), np.log(0.25), np.float32)
    layer = GaussianCode(0.5)
    drawn = np.asarray(layer(mean, log_variance, training=True)) - mean
    assert drawn.mean(0) == pytest.approx([0, 0], abs=0.03) and drawn.std(0) == pytest.approx([0.5, 0.5], rel=0.05)
    np.testing.assert_array_equal(layer(mean, log_variance, training=False), mean)
    # KL(N(m, s²) || N(0, 1)) = log(1 / s) + (s² + m²) / 2 - 1/2, summed over the code (Kingma and Welling, appendix B)
    by_hand = (np.log(1 / 0.5) + (0.25 + mean.astype(float) ** 2) / 2 - 0.5).sum(1).mean()
    assert float(layer.losses[0]) == pytest.approx(0.5 * by_hand, rel=1e-5)


def test_vae_loss_is_the_bound_over_the_pixels():
    """With binary cross-entropy and β = 1: reconstruction in nats plus divergence, divided by the pixels."""
    keras.utils.set_random_seed(0)
    model = build("vae", input_shape=(8, 8, 1), beta=1.0, **SMALL)
    x = images(5)
    model.compile("sgd", keras.losses.BinaryCrossentropy())
    y = np.clip(np.asarray(model(x), np.float64), 1e-7, 1 - 1e-7)
    reconstruction = -(x * np.log(y) + (1 - x) * np.log(1 - y)).sum((1, 2, 3))
    heads = keras.Model(model.input, [model.get_layer("mean").output, model.get_layer("log_variance").output])
    mean, log_variance = (np.asarray(a, np.float64) for a in heads(x))
    divergence = 0.5 * (np.exp(log_variance) + mean**2 - 1 - log_variance).sum(1)
    expected = (reconstruction + divergence).mean() / 64
    assert model.evaluate(x, x, verbose=0) == pytest.approx(expected, rel=1e-5)


def test_quantizer_takes_the_nearest_vector_and_passes_gradients_through():
    import tensorflow as tf

    layer = VectorQuantizer(5, commitment=0.25)
    x = np.random.default_rng(0).normal(size=(3, 4, 2)).astype(np.float32)
    layer.build(x.shape)
    book = np.random.default_rng(1).normal(size=(5, 2)).astype(np.float32)
    layer.codebook.assign(book)
    nearest = np.square(x[..., None, :] - book).sum(-1).argmin(-1)
    np.testing.assert_array_equal(layer.indices(x), nearest)
    given = tf.constant(x)
    weights = np.random.default_rng(2).normal(size=x.shape).astype(np.float32)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(given)
        result = layer(given)
        total = ops.sum(result * weights)
        extra = layer.losses[0]
    np.testing.assert_allclose(result, book[nearest], atol=1e-6)
    np.testing.assert_allclose(tape.gradient(total, given), weights)  # straight through
    squared = np.square(x - book[nearest]).mean()
    assert float(extra) == pytest.approx(1.25 * squared, rel=1e-5)
    np.testing.assert_allclose(tape.gradient(extra, given), 0.25 * 2 * (x - book[nearest]) / x.size, atol=1e-6)
    count = np.bincount(nearest.ravel(), minlength=5)[:, None]
    pull = np.zeros_like(book)
    np.add.at(pull, nearest.ravel(), x.reshape(-1, 2))
    gradient = tf.convert_to_tensor(tape.gradient(extra, layer.codebook.value))
    np.testing.assert_allclose(gradient, 2 * (count * book - pull) / x.size, atol=1e-6)


def test_masking_sets_its_share_to_zero_while_training_only():
    x = images(40, (8, 8, 1)) + 0.1
    y = np.asarray(Masking(0.3)(x, training=True))
    assert (y == 0).mean() == pytest.approx(0.3, abs=0.03)
    np.testing.assert_array_equal(y[y != 0], x[y != 0])
    np.testing.assert_array_equal(Masking(0.3)(x, training=False), x)


@pytest.mark.parametrize("noise", ["gaussian", "masking"])
def test_denoising_sees_noise_while_training_only(noise):
    model = build("denoising_autoencoder", input_shape=(8, 8, 1), noise=noise, level=0.5, norm="none", **SMALL)
    x = images(2)
    np.testing.assert_array_equal(model(x, training=False), model(x, training=False))
    assert not np.allclose(model(x, training=True), model(x, training=True))


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.ci if n == "vq_vae" else pytest.mark.slow) for n in NAMES]
)
def test_learns_what_is_simple(name):
    """Images of one brightness each: one number is enough."""
    keras.utils.set_random_seed(1)
    shades = np.random.default_rng(0).uniform(0.1, 0.9, 256).astype(np.float32)
    x = np.broadcast_to(shades[:, None, None, None], (256, 8, 8, 1)).copy()
    settings = {"vae": {"beta": 1e-3}, "denoising_autoencoder": {"level": 0.05}}.get(name, {})
    model = build(name, input_shape=(8, 8, 1), widths=(16, 16), code=3, **settings)
    model.compile(keras.optimizers.Adam(0.01), "mse")
    model.fit(x, x, batch_size=32, epochs=12, verbose=0)
    assert np.square(np.asarray(model(x, training=False)) - x).mean() < 0.3 * shades.var()
