"""Mixup and CutMix against their formulas."""

import numpy as np
import pytest

from zoo.backend.startup import start_keras
from zoo.data.augmentation.blending import build_blending, cutmix, mixup

start_keras()
RNG = np.random.default_rng(0)
IMAGES = RNG.uniform(0, 255, (16, 12, 10, 3)).astype(np.float32)


def test_mixup_follows_the_formula():
    import tensorflow as tf

    y = np.eye(16, dtype=np.float32)
    mixed_x, mixed_y = (v.numpy() for v in mixup(tf.constant(IMAGES), tf.constant(y), 0.4, tf.constant([3, 4])))
    weight = np.diag(mixed_y)
    assert ((weight >= 0) & (weight <= 1)).all() and len(set(weight)) == 16
    np.testing.assert_allclose(mixed_y, weight[:, None] * y + (1 - weight[:, None]) * y[::-1], atol=1e-6)
    wide = weight[:, None, None, None]
    np.testing.assert_allclose(mixed_x, wide * IMAGES + (1 - wide) * IMAGES[::-1], rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("alpha", [0.2, 1.0, 4.0])
def test_mixup_draws_its_weights_from_a_beta_distribution(alpha):
    import tensorflow as tf
    from scipy import stats

    count = 20_000
    y = np.repeat(np.eye(2, dtype=np.float32), count // 2, axis=0)  # the partner is always of the other class
    x = np.zeros((count, 1), np.float32)
    weight = mixup(tf.constant(x), tf.constant(y), alpha, tf.constant([0, 1]))[1].numpy()[y == 1]
    assert weight.mean() == pytest.approx(0.5, abs=0.02)
    assert weight.var() == pytest.approx(1 / (4 * (2 * alpha + 1)), rel=0.05)
    assert stats.kstest(weight[:2000], "beta", args=(alpha, alpha)).pvalue > 1e-3


def test_cutmix_pastes_one_rectangle_and_counts_its_pixels():
    import tensorflow as tf

    count = 400
    images = np.arange(1, count + 1, dtype=np.float32).reshape(-1, 1, 1, 1) + np.zeros((count, 12, 10, 2), np.float32)
    y = np.eye(count, dtype=np.float32)
    mixed_x, mixed_y = (v.numpy() for v in cutmix(tf.constant(images), tf.constant(y), 1.0, tf.constant([0, 1])))
    pasted = mixed_x[..., 0] != images[..., 0]
    np.testing.assert_array_equal(mixed_x, np.where(pasted[..., None], images[::-1], images))
    weight = 1 - pasted.mean(axis=(1, 2), keepdims=True)[..., 0]
    np.testing.assert_allclose(mixed_y, weight * y + (1 - weight) * y[::-1], atol=1e-6)
    for mask in pasted:
        assert mask.sum() == mask.any(0).sum() * mask.any(1).sum()
    assert len(np.unique(weight)) > 30 and pasted.any(0).all()


@pytest.mark.parametrize("alpha", [0.3, 1.0])
def test_cutmix_draws_as_the_papers_algorithm(alpha):
    """Algorithm 1 of the paper in NumPy: the same distribution of the fraction that is kept."""
    import tensorflow as tf
    from scipy import stats

    count, size = 5000, 16
    y = np.repeat(np.eye(2, dtype=np.float32), count // 2, axis=0)
    x = np.zeros((count, size, size, 1), np.float32)
    found = cutmix(tf.constant(x), tf.constant(y), alpha, tf.constant([0, 1]))[1].numpy()[y == 1]
    rng = np.random.default_rng(0)
    side = (size * np.sqrt(1 - rng.beta(alpha, alpha, count))).astype(int)
    covered = []
    for _ in range(2):
        first = rng.integers(0, size, count) - side // 2
        covered.append(np.clip(first + side, 0, size) - np.clip(first, 0, size))
    expected = 1 - covered[0] * covered[1] / size**2
    assert found.mean() == pytest.approx(expected.mean(), abs=0.015)
    assert stats.ks_2samp(found, expected).statistic < 0.05


def test_with_both_each_batch_takes_one_of_the_two():
    import tensorflow as tf

    y = np.eye(16, dtype=np.float32)
    blend = build_blending(1.0, 1.0)
    chosen = []
    for step in range(60):
        seed = tf.constant([0, step], tf.int64)
        found = blend(tf.constant(IMAGES), tf.constant(y), seed)
        ones = [one(tf.constant(IMAGES), tf.constant(y), 1.0, seed) for one in (mixup, cutmix)]
        same = [all(np.array_equal(a, b) for a, b in zip(found, one, strict=True)) for one in ones]
        assert sum(same) == 1
        chosen.append(same[0])
    assert 15 < sum(chosen) < 45
    assert build_blending(0.0, 0.0) is None
