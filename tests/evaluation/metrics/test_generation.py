"""Metrics of generated images against SciPy, closed forms and loops over all pairs."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import sqrtm
from scipy.spatial.distance import cdist

from zoo.evaluation.metrics import generation, generation_distances
from zoo.evaluation.metrics.generation import class_coverage, generation_metrics, image_rows
from zoo.evaluation.metrics.generation_distances import (
    frechet_distance,
    kernel_distance,
    precision_recall,
    squared_mmd,
)

seeds = st.integers(0, 10_000)


def with_moments(seed, n, mean, root):
    """Return features whose mean is `mean` and whose unbiased covariance is `root @ root.T`, exactly."""
    x = np.random.default_rng(seed).normal(size=(n, len(mean)))
    x -= x.mean(0)
    x = x @ np.linalg.inv(np.linalg.cholesky(np.atleast_2d(np.cov(x, rowvar=False)))).T
    return mean + x @ root.T


# --- Fréchet distance ---------------------------------------------------------------------------------------------


@settings(max_examples=25)
@given(seeds, st.integers(1, 8))
def test_frechet_distance_against_scipy(seed, d):
    generator = np.random.default_rng(seed)
    means, roots = generator.normal(size=(2, d)), generator.normal(size=(2, d, d)) + 0.5 * np.eye(d)
    real, generated = (with_moments(seed + i, 30 + i, means[i], roots[i]) for i in (0, 1))
    first, second = (root @ root.T for root in roots)
    product = sqrtm(first @ second).real
    expected = ((means[0] - means[1]) ** 2).sum() + np.trace(first + second - 2 * product)
    assert frechet_distance(real, generated) == pytest.approx(expected, rel=1e-7, abs=1e-7)


def test_frechet_distance_in_closed_form_with_singular_covariances():
    spreads = np.array([[3.0, 1.0, 0.0, 0.0, 2.0], [1.0, 0.0, 0.0, 0.5, 2.0]])
    mean = np.array([1.0, 0, 0, 2, 0])
    real = with_moments(0, 40, np.zeros(5), np.diag(spreads[0]))
    generated = with_moments(1, 30, mean, np.diag(spreads[1]))
    expected = 5 + ((spreads[0] - spreads[1]) ** 2).sum()
    assert frechet_distance(real, generated) == pytest.approx(expected, abs=1e-9)


@given(seeds, st.integers(2, 20), st.integers(1, 30))
def test_frechet_distance_properties_also_with_more_features_than_images(seed, n, d):
    generator = np.random.default_rng(seed)
    real, generated = generator.normal(size=(n, d)), generator.normal(size=(n + 3, d)) * 2
    found = frechet_distance(real, generated)
    assert found == pytest.approx(frechet_distance(generated, real)) and found >= 0
    assert frechet_distance(real, real) == pytest.approx(0, abs=1e-10 * d)
    turned, _ = np.linalg.qr(generator.normal(size=(d, d)))
    assert frechet_distance(real @ turned, generated @ turned) == pytest.approx(found, abs=1e-8)
    assert frechet_distance(real, real + 3) == pytest.approx(9 * d)


# --- kernel distance ----------------------------------------------------------------------------------------------


@given(seeds, st.integers(2, 7), st.integers(2, 7), st.integers(1, 4))
def test_kernel_distance_against_a_double_loop(seed, n, m, d):
    generator = np.random.default_rng(seed)
    real, generated = generator.normal(size=(n, d)), generator.normal(size=(m, d)) + 0.5

    def kernel(x, y):
        return (sum(a * b for a, b in zip(x, y, strict=True)) / d + 1) ** 3

    within = sum(kernel(real[i], real[j]) for i in range(n) for j in range(n) if i != j) / (n * (n - 1))
    others = sum(kernel(generated[i], generated[j]) for i in range(m) for j in range(m) if i != j) / (m * (m - 1))
    across = sum(kernel(x, y) for x in real for y in generated) / (n * m)
    assert squared_mmd(real, generated) == pytest.approx(within + others - 2 * across, abs=1e-9)


def test_kernel_distance_is_zero_in_the_mean_for_equal_distributions():
    generator = np.random.default_rng(0)
    real, same, other = generator.normal(size=(3, 1500, 8))
    mean, deviation = kernel_distance(real, same, subsets=60, size=50)
    assert abs(mean) < deviation and deviation > 0
    assert kernel_distance(real, other + 0.5, subsets=60, size=50)[0] > 5 * deviation
    sizes = [kernel_distance(real, other + 0.5, subsets=60, size=size)[0] for size in (50, 500)]
    assert sizes[0] == pytest.approx(sizes[1], rel=0.1)  # a biased estimate would be larger for the small subsets


def test_kernel_distance_repeats_with_the_seed_and_draws_subsets_of_few_images():
    real, generated = np.random.default_rng(0).normal(size=(2, 40, 3))
    first = kernel_distance(real, generated, seed=1, subsets=10)
    assert first == kernel_distance(real, generated, seed=1, subsets=10)
    assert first != kernel_distance(real, generated, seed=2, subsets=10) and first[1] > 0.01


# --- precision and recall -----------------------------------------------------------------------------------------


def precision_by_loop(real, generated, k):
    """Return the fraction of the generated examples that lie inside the real ones."""
    own, across = cdist(real, real), cdist(generated, real)
    radius = [sorted(np.delete(own[i], i))[k - 1] for i in range(len(real))]
    return np.mean([any(across[j, i] <= radius[i] for i in range(len(real))) for j in range(len(generated))])


@given(seeds, st.integers(6, 25), st.integers(6, 25), st.integers(1, 4), st.integers(1, 5))
def test_precision_and_recall_against_a_loop(seed, n, m, d, k):
    generator = np.random.default_rng(seed)
    real, generated = generator.normal(size=(n, d)), 1.3 * generator.normal(size=(m, d)) + 0.5
    expected = precision_by_loop(real, generated, k), precision_by_loop(generated, real, k)
    assert precision_recall(real, generated, k) == pytest.approx(expected)


def test_precision_and_recall_of_extreme_generators():
    generator = np.random.default_rng(0)
    real = generator.normal(size=(200, 4))
    assert precision_recall(real, real) == (1, 1)
    assert precision_recall(real, real + 100) == (0, 0)
    one = real[:1] + 1e-3 * generator.normal(size=(200, 4))
    precision, recall = precision_recall(real, one)
    assert precision == 1 and recall <= 0.01
    wide = np.concatenate([generator.normal(size=(100, 4)), 50 + generator.normal(size=(100, 4))])
    precision, recall = precision_recall(real, wide)
    assert 0.4 < precision < 0.6 and recall > 0.7
    twins = np.repeat(generator.normal(size=(20, 300)), 10, axis=0)  # every radius is 0, but for rounding
    assert precision_recall(twins, twins[::-1][:80]) == (1, pytest.approx(0.4))


@pytest.mark.parametrize("seed", [149, 173, 185, 188])
def test_rounding_does_not_put_a_copy_outside(seed):
    generator = np.random.default_rng(seed)
    d, different = int(generator.integers(2, 400)), int(generator.integers(2, 40))
    twins = np.repeat(generator.normal(size=(different, d)) * 10 ** generator.uniform(-3, 3), 10, axis=0)
    copies = twins[generator.permutation(len(twins))][: int(generator.integers(4, len(twins)))]
    assert precision_recall(twins, copies)[0] == 1


def test_distances_go_in_chunks(monkeypatch):
    real, generated = np.random.default_rng(0).normal(size=(2, 50, 3))
    whole = precision_recall(real, generated)
    monkeypatch.setattr(generation_distances, "_CHUNK_DISTANCES", 170)
    assert precision_recall(real, generated) == whole


# --- classes ------------------------------------------------------------------------------------------------------


def test_coverage_by_hand():
    real, generated = np.eye(4)[[0] * 50 + [1] * 40 + [2] * 10], np.eye(4)[[0] * 96 + [1] * 3 + [2] + [3] * 0]
    found = class_coverage(generated, real)
    assert (found["covered"], found["classes"], found["coverage"]) == (2, 3, pytest.approx(2 / 3))
    assert found["shares"].tolist() == [0.96, 0.03, 0.01, 0] and found["real_shares"].tolist() == [0.5, 0.4, 0.1, 0]
    p, q = np.array([96.5, 3.5, 1.5, 0.5]) / 102, np.array([50.5, 40.5, 10.5, 0.5]) / 102
    assert found["divergence"] == pytest.approx((p * np.log(p / q)).sum())
    assert class_coverage(generated, real, threshold=0.05)["covered"] == 3
    assert class_coverage(real, real)["divergence"] == 0 and class_coverage(real, real)["coverage"] == 1
    assert class_coverage(generated[:99], real, threshold=0)["covered"] == 2  # what does not occur is not covered


def test_coverage_of_one_class_of_ten():
    found = class_coverage(np.eye(10)[np.zeros(5000, int)], np.eye(10)[np.arange(5000) % 10])
    assert found["coverage"] == 0.1 and found["divergence"] == pytest.approx(math.log(10), rel=0.01)


# --- all metrics --------------------------------------------------------------------------------------------------


def generator_of(seed, n, classes=5, kept=5, noise=1.0):
    """Return rows of images: features around as many points as classes are kept, and the classes' probabilities."""
    draw = np.random.default_rng(seed)
    y = draw.integers(0, kept, n)
    return image_rows(np.eye(classes)[y], 4 * np.eye(8)[y] + noise * draw.normal(size=(n, 8)))


def test_a_better_generator_has_better_metrics():
    real, poor = generator_of(0, 400), generator_of(2, 300, kept=2)
    good = generation_metrics(real, generator_of(1, 300))
    assert tuple(good) == generation.METRICS
    collapsed = generation_metrics(real, poor)
    assert collapsed["fid"] > 5 * good["fid"] and collapsed["kid"] > 5 * abs(good["kid"])
    assert collapsed["recall"] < good["recall"] - 0.3 and collapsed["precision"] > 0.8
    assert (good["coverage"], collapsed["coverage"]) == (1, 0.4)
    blurred = generation_metrics(real, generator_of(3, 300, noise=3.0))
    assert blurred["precision"] < good["precision"] - 0.3
    assert generation_metrics(real, poor) == collapsed


def test_what_is_not_finite_has_no_metrics():
    real = generator_of(0, 50)
    broken = real.copy()
    broken[3, -2] = np.nan
    assert all(math.isnan(value) for value in generation_metrics(real, broken).values())
    with pytest.raises(ValueError, match="finite"):
        generation_metrics(broken, real)


def test_precision_and_recall_compare_no_more_images_than_they_can(monkeypatch):
    compared = []
    monkeypatch.setattr(generation, "MAX_COMPARED_IMAGES", 20)
    monkeypatch.setattr(generation, "precision_recall", lambda real, made, k: compared.append((real, made)) or (1, 1))
    real = generator_of(0, 50)
    generation_metrics(real, real[:15])
    (first, second), rows = compared[0], real[:, -8:].tolist()
    assert (first.shape, second.shape) == ((20, 8), (15, 8))
    assert len({rows.index(row) for row in first.tolist()}) == 20


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: frechet_distance(np.zeros((3, 2)), np.zeros((3, 1))), r"received \(3, 2\) and \(3, 1\)"),
        (
            lambda: frechet_distance(np.zeros((3, 2)), np.zeros((1, 2))),
            "at least 2 images are needed; received 3 and 1",
        ),
        (lambda: kernel_distance(np.zeros((3, 2)), np.zeros((9, 2))), "at least 4 images"),
        (lambda: precision_recall(np.zeros((5, 2)), np.zeros((5, 2)), k=5), "at least 6 images"),
        (lambda: class_coverage(np.zeros((5, 2)), np.zeros((5, 3))), r"received \(5, 2\) and \(5, 3\)"),
        (lambda: class_coverage(np.zeros((0, 3)), np.zeros((5, 3))), "received"),
    ],
)
def test_wrong_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
