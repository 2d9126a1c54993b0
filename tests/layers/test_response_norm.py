import numpy as np
import pytest
from keras import ops

from zoo.layers.response_norm import EPSILON, GlobalResponseNorm

X = np.random.default_rng(0).normal(size=(2, 4, 5, 3)).astype("float32")


def test_starts_as_the_identity():
    np.testing.assert_array_equal(ops.convert_to_numpy(GlobalResponseNorm()(X)), X)


def test_equals_numpy():
    layer = GlobalResponseNorm()
    layer.build(X.shape)
    gamma, beta = np.array([0.5, -1.0, 2.0]), np.array([0.1, 0.2, -0.3])
    layer.set_weights([gamma, beta])
    norms = np.linalg.norm(X.reshape(2, 20, 3), axis=1)[:, None, None]
    expected = X + gamma * X * norms / (norms.mean(-1, keepdims=True) + EPSILON) + beta
    np.testing.assert_allclose(ops.convert_to_numpy(layer(X)), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", ["float16", "float32"])
def test_empty_and_large_maps_stay_finite(kind):
    layer = GlobalResponseNorm(dtype=kind)
    layer.build((None, 4, 5, 3))
    layer.set_weights([np.ones(3), np.zeros(3)])
    for x in (np.zeros_like(X), np.full_like(X, 300.0)):  # whose squares float16 cannot hold
        assert np.isfinite(ops.convert_to_numpy(layer(x.astype(kind)))).all()
