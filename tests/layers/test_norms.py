from typing import get_args

import keras
import numpy as np
import pytest
from keras import ops

from zoo.layers.norms import EPSILON, Norm, groups, has_shift, normalization

IMAGES = np.random.default_rng(0).normal(2.0, 3.0, (4, 5, 6, 32)).astype("float32")


def apply(kind, x, training=False, **options):
    inputs = keras.Input(x.shape[1:])
    return ops.convert_to_numpy(keras.Model(inputs, normalization(inputs, kind, **options))(x, training=training))


def standardized(x, axes):
    return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + EPSILON)


def by_group(x):
    grouped = x.reshape(*x.shape[:-1], groups(x.shape[-1]), -1)
    axes = (*range(1, x.ndim - 1), x.ndim)
    return standardized(grouped, axes).reshape(x.shape)


@pytest.mark.parametrize("x", [IMAGES, IMAGES[:, 0, 0]], ids=["images", "vectors"])
@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("none", lambda x: x),
        ("batch", lambda x: standardized(x, tuple(range(x.ndim - 1)))),
        ("layer", lambda x: standardized(x, -1)),
        ("group", by_group),
        ("rms", lambda x: x / np.sqrt((x**2).mean(-1, keepdims=True) + EPSILON)),
    ],
)
def test_equals_numpy(kind, expected, x):
    np.testing.assert_allclose(apply(kind, x, training=True), expected(x), atol=1e-4)


@pytest.mark.parametrize("kind", get_args(Norm))
def test_has_shift_is_true_where_there_is_a_beta(kind):
    inputs = keras.Input((4,))
    weights = keras.Model(inputs, normalization(inputs, kind)).trainable_variables
    assert has_shift(kind) == any(w.name == "beta" for w in weights)


@pytest.mark.parametrize("kind", ["batch", "layer", "group"])
def test_gamma_can_start_at_zero(kind):
    assert not apply(kind, IMAGES, gamma_initializer="zeros").any()


def test_layer_is_named():
    inputs = keras.Input((4,))
    assert keras.Model(inputs, normalization(inputs, "rms", name="norm")).get_layer("norm")


@pytest.mark.parametrize(
    ("channels", "count"), [(1, 1), (7, 1), (16, 2), (64, 8), (100, 10), (256, 32), (512, 32), (101, 1)]
)
def test_groups(channels, count):
    assert groups(channels) == count


def test_groups_always_divide():
    for channels in range(1, 1025):
        count = groups(channels)
        assert channels % count == 0
        assert count <= 32
        assert count == 1 or channels // count >= 8


def test_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="kind='instance'"):
        normalization(keras.Input((4,)), "instance")
