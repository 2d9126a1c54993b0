"""Image features of random convolutions: the same each time, and near for images that are alike."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

from zoo.evaluation.metrics.evaluate import details, evaluate
from zoo.evaluation.metrics.image_features import unlabeled_features
from zoo.layers.random_convolutions import random_convolutions


@pytest.fixture(scope="module")
def digits():
    return np.rint(load_digits().images * (255 / 16)).astype(np.uint8)[..., None]


def test_the_network_is_the_same_each_time(digits):
    first, second = (unlabeled_features(random_convolutions((8, 8, 1)))(digits[:20]) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert first.shape == (20, 1 + 2 * (32 + 64 + 64)) and not first[:, 0].any()


def test_one_stage_is_the_mean_and_deviation_of_a_convolution(digits):
    network = random_convolutions((8, 8, 1))
    kernel = network.layers[2].get_weights()[0]
    padded = np.pad(digits[0, ..., 0] * (2 / 255) - 1, 1)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3))
    maps = np.maximum(np.einsum("xyij,ijo->xyo", windows, kernel[:, :, 0]), 0).reshape(64, 32)
    found = np.asarray(network(digits[:1]))[0]
    np.testing.assert_allclose(found[:32], maps.mean(0), atol=1e-5)
    np.testing.assert_allclose(found[32:64], maps.std(0), atol=1e-5)


@pytest.mark.ci
def test_distances_grow_with_noise_and_where_kinds_of_images_are_missing(digits):
    features = unlabeled_features(random_convolutions((8, 8, 1)))
    generator = np.random.default_rng(0)
    order = generator.permutation(len(digits))
    real, other = digits[order[:800]], digits[order[800:1600]]
    changed = [
        np.clip(other + generator.normal(0, level, other.shape), 0, 255).astype(np.uint8) for level in (0, 20, 60)
    ]
    found = [evaluate("image_generation", features(real), features(x)) for x in changed]
    assert [f["fid"] for f in found] == sorted(f["fid"] for f in found) and found[2]["fid"] > 5 * found[0]["fid"]
    assert [f["kid"] for f in found] == sorted(f["kid"] for f in found)
    few = evaluate("image_generation", features(real), features(np.repeat(other[:20], 40, axis=0)))
    assert few["recall"] < 0.5 * found[0]["recall"]
    assert "coverage" not in few and "classes" not in details("image_generation", features(real), features(other), ())
