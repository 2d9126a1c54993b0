"""The mixture of Gaussians: what it draws has the statistics of what it was fitted on."""

import numpy as np
import pytest

from zoo.evaluation.baselines import gaussian_mixture
from zoo.evaluation.baselines.gaussian_mixture import PixelMixture, fit
from zoo.evaluation.metrics.generation_distances import frechet_distance


@pytest.fixture(scope="module")
def images():
    """Return images of two kinds, one lit from the left and rare, one from above and common."""
    generator = np.random.default_rng(0)
    ramp = np.linspace(0, 1, 6)
    left = generator.random(800) < 0.25
    strength = 60 + 8 * generator.normal(size=(800, 1, 1))
    light = np.where(left[:, None, None], ramp[None, None, :], ramp[None, :, None])
    pixels = 60 + 2 * strength * light + 3 * generator.normal(size=(800, 6, 6))
    return np.clip(pixels, 0, 255).astype(np.uint8)[..., None]


def kinds(images):
    """Return how many images are lit from the left, and how many from above."""
    x = images[..., 0].astype(float)
    across = x[:, :, 3:].mean((1, 2)) - x[:, :, :3].mean((1, 2))
    down = x[:, 3:].mean((1, 2)) - x[:, :3].mean((1, 2))
    return ((across > 30) & (down < 15)).sum(), ((down > 30) & (across < 15)).sum()


def test_samples_have_the_statistics_of_the_images(images):
    mixture = fit(images, seed=0, gaussians=2)
    drawn = mixture.draw(4000, seed=1)
    assert drawn.shape == (4000, 6, 6, 1) and drawn.dtype == np.uint8
    np.testing.assert_allclose(drawn.mean(0), images.mean(0), atol=2.5)
    left, above = kinds(drawn)
    assert left + above > 3900 and left / 4000 == pytest.approx(kinds(images)[0] / 800, abs=0.03)
    one = fit(images, seed=0, gaussians=1).draw(4000, seed=1)  # a single Gaussian blends the two
    assert sum(kinds(one)) < 3500
    values = images.reshape(800, -1) / 255
    assert frechet_distance(values, drawn.reshape(4000, -1) / 255) < 0.1 * values.var(0).sum()


def test_moments_of_one_gaussian_are_those_of_the_codes(images):
    mixture = fit(images, variance_fraction=0.99, gaussians=1)
    codes = (images.reshape(800, -1) / 255 - mixture.mean) @ mixture.basis.T
    covariance = mixture.factors[0] @ mixture.factors[0].T
    np.testing.assert_allclose(covariance, np.cov(codes, rowvar=False, bias=True), atol=1e-5 * codes.var(0).sum())
    np.testing.assert_allclose(mixture.centers[0], 0, atol=1e-5)


def test_draws_follow_weights_centers_and_factors():
    factor = np.array([[0.02, 0], [0.01, 0.03]])
    mixture = PixelMixture(
        shape=(1, 2, 1),
        mean=np.array([0.5, 0.4]),
        basis=np.eye(2),
        weights=np.array([0.2, 0.8]),
        centers=np.array([[-0.3, 0.0], [0.2, 0.2]]),
        factors=np.stack([np.zeros((2, 2)), factor]),
        variance_fraction=1.0,
        converged=True,
    )
    x = mixture.draw(20_000, 0).reshape(-1, 2) / 255
    first = x[:, 0] < 0.4
    assert first.mean() == pytest.approx(0.2, abs=0.01)
    np.testing.assert_allclose(x[first], [[51 / 255, 0.4]] * first.sum())
    np.testing.assert_allclose(x[~first].mean(0), [0.7, 0.6], atol=0.002)
    np.testing.assert_allclose(np.cov(x[~first], rowvar=False), factor @ factor.T, atol=5e-5)


def test_components_keep_the_fraction_of_variance_or_are_as_many_as_allowed(images):
    values = images.reshape(800, -1) / 255
    spread = np.linalg.svd(values - values.mean(0), compute_uv=False) ** 2
    held = spread.cumsum() / spread.sum()
    few, many = fit(images, variance_fraction=0.8, gaussians=1), fit(images, variance_fraction=0.97, gaussians=1)
    for mixture, fraction in ((few, 0.8), (many, 0.97)):
        kept = int((held < fraction).sum()) + 1
        assert mixture.basis.shape == (kept, 36) and mixture.variance_fraction == pytest.approx(
            held[kept - 1], abs=1e-4
        )
    assert fit(images, variance_fraction=0.999, most=2, gaussians=1).basis.shape == (2, 36)


def test_the_same_seed_draws_the_same(images):
    first = fit(images, seed=3)
    np.testing.assert_array_equal(first.draw(20, 5), fit(images, seed=3).draw(20, 5))
    assert (first.draw(20, 5) != first.draw(20, 6)).any() and first.draw(0, 1).shape == (0, 6, 6, 1)


def test_floats_are_the_same_images(images):
    drawn = fit(images, seed=1).draw(50, 0).astype(int)
    assert np.abs(drawn - fit(images / 255, seed=1).draw(50, 0)).max() <= 1


def test_few_images_and_many(images, monkeypatch):
    assert len(fit(images[:25]).weights) == 2 and len(fit(images[:5]).weights) == 1
    monkeypatch.setattr(gaussian_mixture, "MAX_TRAIN", 30)
    assert len(fit(images).weights) == 3


@pytest.mark.parametrize("wrong", [np.zeros((4, 6, 6)), np.zeros((1, 6, 6, 1)), np.ones((9, 6, 6, 1))])
def test_wrong_input_is_named(wrong):
    with pytest.raises(ValueError, match=r"expected different images of shape .* received"):
        fit(wrong)
