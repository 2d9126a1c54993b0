"""Errors and similarity of reconstructed images against their formulas, and principal components."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.evaluation.baselines.reconstruction import fit_pca, reconstruct
from zoo.evaluation.metrics import reconstruction as kind
from zoo.postprocessing import image_similarity as similarity
from zoo.postprocessing.image_similarity import as_rows, errors, mean_squared_error, psnr, ssim


def images(seed, n=3, height=14, width=17, channels=1):
    """Return smooth images and noisy copies of them, floats in [0, 1]."""
    generator = np.random.default_rng(seed)
    coarse = generator.random((n, -(-height // 4), -(-width // 4), channels))
    true = coarse.repeat(4, axis=1).repeat(4, axis=2)[:, :height, :width]
    return true, np.clip(true + generator.normal(0, 0.1, true.shape), 0, 1)


def ssim_by_windows(first, second, side=11):
    """Return the index of two images of shape `(height, width)`, one window after the other, as in the paper."""
    offsets = np.arange(side) - side // 2
    weights = np.exp(-(offsets[:, None] ** 2 + offsets**2) / (2 * 1.5**2))
    weights /= weights.sum()
    c1, c2, values = 0.01**2, 0.03**2, []
    for top in range(first.shape[0] - side + 1):
        for left in range(first.shape[1] - side + 1):
            x, y = (image[top : top + side, left : left + side] for image in (first, second))
            mx, my = (weights * x).sum(), (weights * y).sum()
            vx, vy = (weights * (x - mx) ** 2).sum(), (weights * (y - my) ** 2).sum()
            both = (weights * (x - mx) * (y - my)).sum()
            numerator = (2 * mx * my + c1) * (2 * both + c2)
            values.append(numerator / ((mx**2 + my**2 + c1) * (vx + vy + c2)))
    return np.mean(values)


@pytest.mark.parametrize(
    ("height", "width", "channels", "side"),
    [(14, 17, 1, 11), (11, 11, 3, 11), (12, 8, 1, 7), (9, 30, 2, 9), (1, 1, 1, 1), (2, 3, 1, 1)],
)
def test_ssim_against_the_paper(height, width, channels, side):
    true, made = images(0, 3, height, width, channels)
    expected = [
        np.mean([ssim_by_windows(a[..., c], b[..., c], side) for c in range(channels)])
        for a, b in zip(true, made, strict=True)
    ]
    np.testing.assert_allclose(ssim(true, made), expected, rtol=1e-9)


def test_ssim_of_constant_images_compares_their_luminance():
    first, second = np.full((1, 12, 12, 1), 0.3), np.full((1, 12, 12, 1), 0.6)
    assert ssim(first, second) == pytest.approx((2 * 0.18 + 1e-4) / (0.09 + 0.36 + 1e-4))


@settings(max_examples=20)
@given(st.integers(0, 10_000), st.integers(1, 15), st.integers(1, 15), st.integers(1, 3))
def test_ssim_properties(seed, height, width, channels):
    true, made = images(seed, 2, height, width, channels)
    found = ssim(true, made)
    assert (np.abs(found) <= 1 + 1e-12).all()
    np.testing.assert_allclose(found, ssim(made, true))
    np.testing.assert_allclose(ssim(true, true), 1)
    np.testing.assert_allclose(found, ssim(true[:, ::-1], made[:, ::-1]))


def test_errors_by_hand():
    true = np.zeros((2, 2, 2, 1), np.uint8)
    made = true.copy()
    made[1, 0, 0, 0] = 51
    assert mean_squared_error(true, made).tolist() == pytest.approx([0, 0.04 / 4])
    assert psnr(0.01) == pytest.approx(20) and psnr(0.0) == math.inf
    np.testing.assert_allclose(psnr(np.array([1, 1e-4])), [0, 40], atol=1e-12)


def test_bytes_and_fractions_are_the_same_images():
    true, made = (np.rint(255 * x).astype(np.uint8) for x in images(1))
    for figure in (mean_squared_error, ssim):
        np.testing.assert_allclose(figure(true, made), figure(true / 255, (made / 255).astype(np.float32)), rtol=1e-5)


def test_compact_output_is_clipped_and_keeps_what_is_not_finite():
    true, made = images(2)
    wild = made.copy()
    wild[0] = np.where(made[0] > 0.5, made[0] + 5, made[0])
    wild[1, 3, 3] = np.nan
    found = errors(true, wild)
    assert found.shape == (3, 2) and found.dtype == np.float32
    shown = np.clip(wild[:1], 0, 1)
    np.testing.assert_allclose(found[0], [mean_squared_error(true[:1], shown)[0], ssim(true[:1], shown)[0]], rtol=1e-6)
    assert np.isnan(found[1]).all() and np.isfinite(found[2]).all()


def test_many_images_go_in_parts(monkeypatch):
    true, made = images(3, n=7)
    whole = errors(true, made)
    pca = fit_pca(true, 2)
    rebuilt = reconstruct(pca, true)
    monkeypatch.setattr(similarity, "_PIXELS", 3 * true[0].size)
    np.testing.assert_allclose(errors(true, made), whole, rtol=1e-6)
    np.testing.assert_allclose(reconstruct(pca, true), rebuilt, atol=1e-6)


def test_pca_is_the_truncated_singular_value_decomposition():
    true = 0.25 + images(4, n=30)[0] / 2
    rows = true.reshape(30, -1)
    mean = rows.mean(0)
    u, s, v = np.linalg.svd(rows - mean, full_matrices=False)
    previous = np.inf
    for components in (1, 3, 10):
        found = reconstruct(fit_pca(true, components), true)
        expected = (u[:, :components] * s[:components]) @ v[:components] + mean
        np.testing.assert_allclose(found.reshape(30, -1), np.clip(expected, 0, 1), atol=1e-5)
        error = mean_squared_error(true, found).mean()
        assert error < previous
        previous = error
    assert found.shape == true.shape and found.dtype == np.float32


def test_pca_of_few_images_and_of_many(monkeypatch):
    true = images(5, n=4)[0]
    assert fit_pca(true, 100).n_components_ == 4
    monkeypatch.setattr("zoo.evaluation.baselines.reconstruction.MAX_TRAIN", 3)
    assert fit_pca(true, 100).n_samples_ == 3
    with pytest.raises(ValueError, match="received 0"):
        fit_pca(true, 0)


def test_rows():
    assert as_rows(np.full((2, 1, 3, 1), 51, np.uint8)).tolist() == [[np.float32(51 / 255)] * 3] * 2
    assert as_rows(np.full((2, 2), 51.0)).tolist() == [[51.0] * 2] * 2


@pytest.mark.parametrize(
    ("true", "made", "message"),
    [
        (np.zeros((2, 4, 4, 1)), np.zeros((2, 4, 5, 1)), r"received \(2, 4, 4, 1\) and \(2, 4, 5, 1\)"),
        (np.zeros((2, 4, 4)), np.zeros((2, 4, 4)), "expected two arrays of images"),
        (np.zeros((0, 4, 4, 1)), np.zeros((0, 4, 4, 1)), "received"),
        (np.full((1, 4, 4, 1), 255.0), np.zeros((1, 4, 4, 1)), r"in \[0, 1\]; received 255"),
    ],
)
def test_wrong_input_is_named(true, made, message):
    for figure in (mean_squared_error, ssim, errors):
        with pytest.raises(ValueError, match=message):
            figure(true, made)


# --- the kind of task ---------------------------------------------------------------------------------------------


def test_metrics_of_copied_images_equal_those_of_counted_ones():
    true, made = images(6, n=12)
    output, generator = errors(true, made), np.random.default_rng(0)
    statistic = kind.resampled(true, output)
    for _ in range(5):
        drawn = generator.integers(0, 12, 12)
        error = mean_squared_error(true[drawn], made[drawn]).mean()
        expected = [error, -10 * math.log10(error), ssim(true[drawn], made[drawn]).mean()]
        assert statistic(np.bincount(drawn, minlength=12).astype(float)) == pytest.approx(expected, rel=1e-5)


def test_perfect_reconstructions():
    true = images(7)[0]
    values = kind.resampled(true, errors(true, true))(np.ones(3))
    assert dict(zip(kind.METRICS, values, strict=True)) == {"mse": 0, "psnr": math.inf, "ssim": pytest.approx(1)}


def test_details():
    true = images(8, n=40)[0]
    noise = np.random.default_rng(1).normal(size=true.shape) * np.linspace(0, 0.2, 40)[:, None, None, None]
    output = errors(true, true + noise)
    baseline = output.copy()
    baseline[:10, 0] += 1
    found = kind.details(true, output, (), baseline)
    squared = [entry["mse"] for entry in found["worst"]]
    assert len(squared) == 24 and squared == sorted(squared, reverse=True) and squared[0] == output[:, 0].max()
    assert found["ahead"] == 0.25 and len(found["typical"]) == 4
    middle = np.median(output[:, 0])
    assert all(abs(entry["mse"] - middle) < 0.2 * middle for entry in found["typical"])
    assert kind.details(true, output, ())["ahead"] is None
    assert kind.details(true, output, (), np.full_like(output, np.nan))["ahead"] is None


def test_wrong_shapes_are_named():
    with pytest.raises(ValueError, match=r"expected y .*; received \(3, 4, 4, 1\) and \(2, 2\)"):
        kind.resampled(np.zeros((3, 4, 4, 1)), np.zeros((2, 2)))
