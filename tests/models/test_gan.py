"""GANs: shapes, spectral normalization against the singular values, and the projection discriminator."""

import keras
import numpy as np
import pytest

from zoo.errors import ZooError
from zoo.layers.spectral import SpectralConv2D, SpectralDense
from zoo.registry import build

SMALL = {"latent": 6, "generator_widths": (8, 4), "discriminator_widths": (4, 8)}


@pytest.mark.parametrize("name", ["dcgan", "conditional_gan"])
@pytest.mark.parametrize("shape", [(8, 8, 1), (28, 28, 1), (9, 7, 3)])
def test_images_of_any_size(name, shape):
    classes = {"outputs": 4} if name == "conditional_gan" else {}
    model = build(name, input_shape=shape, **classes, **SMALL)
    noise = np.random.default_rng(0).normal(size=(5, 6)).astype("float32")
    x = [noise, np.arange(5, dtype="int32") % 4] if classes else noise
    image = np.asarray(model.get_layer("generator")(x))
    assert image.shape == (5, *shape) and image.min() >= -1 and image.max() <= 1 and image.std() > 0
    assert np.asarray(model(x)).shape == (5, 1)


def test_the_class_changes_image_and_score():
    model = build("conditional_gan", input_shape=(8, 8, 1), outputs=3, **SMALL)
    noise = np.zeros((3, 6), "float32")
    labels = np.arange(3, dtype="int32")
    images = np.asarray(model.get_layer("generator")([noise, labels]))
    assert len({image.tobytes() for image in images}) == 3
    one = np.broadcast_to(images[:1], images.shape)
    scores = np.asarray(model.get_layer("discriminator")([one, labels]))
    assert len(np.unique(scores)) == 3


def test_too_small_images_are_refused():
    with pytest.raises(ZooError, match=r"at least 4 pixels a side.*\(3, 8, 1\)"):
        build("dcgan", input_shape=(3, 8, 1), **SMALL)


@pytest.mark.parametrize("norm", ["none", "spectral", "layer", "batch"])
def test_norms_of_the_discriminator(norm):
    discriminator = build("dcgan", input_shape=(8, 8, 1), discriminator_norm=norm, **SMALL).get_layer("discriminator")
    kinds = {type(layer).__name__ for layer in discriminator.layers}
    assert ("SpectralConv2D" in kinds) == ("SpectralDense" in kinds) == (norm == "spectral")
    assert ("BatchNormalization" in kinds) == (norm == "batch") and ("LayerNormalization" in kinds) == (norm == "layer")
    assert all(layer.name != "down1_norm" for layer in discriminator.layers)  # not after the first (DCGAN, section 3)


@pytest.mark.parametrize(
    ("kind", "config", "shape"),
    [(SpectralDense, {}, (3, 7)), (SpectralConv2D, {"kernel_size": 3, "strides": 2, "padding": "same"}, (3, 6, 6, 2))],
)
def test_spectral_layers_divide_by_the_largest_singular_value(kind, config, shape):
    keras.utils.set_random_seed(0)  # before the layer: its initializer draws a seed when it is made
    layer = kind(5, **config)
    x = np.random.default_rng(0).normal(size=shape).astype("float32")
    layer.build(x.shape)
    layer.bias.assign(np.arange(5.0))
    for _ in range(200):  # the power iteration settles
        layer(x, training=True)
    before = np.array(layer.vector)
    found = np.asarray(layer(x, training=False))
    np.testing.assert_array_equal(layer.vector, before)
    kernel = np.array(layer.kernel)
    value = np.linalg.svd(kernel.reshape(-1, 5), compute_uv=False)[0]
    plain = type(layer).__mro__[2]
    other = plain.from_config({k: v for k, v in layer.get_config().items() if k != "name"})
    other.build(x.shape)
    other.set_weights([kernel / value, np.arange(5.0)])
    np.testing.assert_allclose(found, other(x), atol=1e-4)


def test_the_gradient_flows_through_the_singular_value():
    """Miyato et al., equation 12: the gradient of the divided kernel has no part along the kernel itself."""
    import tensorflow as tf

    layer = SpectralDense(4, use_bias=False)
    x = np.random.default_rng(0).normal(size=(3, 6)).astype("float32")
    layer.build(x.shape)
    for _ in range(100):
        layer(x, training=True)
    weights = np.random.default_rng(1).normal(size=(3, 4)).astype("float32")
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(layer(x) * weights)
    gradient, kernel = np.array(tape.gradient(total, layer.kernel.value)), np.array(layer.kernel)
    assert abs((gradient * kernel).sum()) < 1e-3 * np.linalg.norm(gradient) * np.linalg.norm(kernel)
