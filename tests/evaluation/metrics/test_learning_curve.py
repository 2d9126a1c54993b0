"""A power law through a learning curve: known laws are found again, and the interval covers."""

import numpy as np
import pytest
from scipy.optimize import minimize

from zoo.evaluation.metrics.learning_curve import fit_power_law, resampled_laws

SIZES = np.array([100, 200, 400, 800, 1600])


def interval(errors, drawn, seed=0):
    return np.quantile([each.error(3200) for each in resampled_laws(SIZES, errors, drawn, seed=seed)], [0.025, 0.975])


def law(n, floor, gain, exponent):
    return floor + gain * (n / 1600) ** -exponent


@pytest.mark.parametrize(("floor", "gain", "exponent"), [(0.02, 0.05, 0.5), (0.0, 0.1, 0.3), (3.0, 1.0, 1.0)])
def test_a_law_is_found_again(floor, gain, exponent):
    found = fit_power_law(SIZES, law(SIZES, floor, gain, exponent))
    assert found.error(3200) == pytest.approx(law(3200, floor, gain, exponent), rel=1e-3)
    assert found.exponent == pytest.approx(exponent, rel=0.02)


def test_the_fit_is_that_of_least_squares():
    errors = law(SIZES, 0.05, 0.1, 0.4) + np.array([0.01, -0.01, 0.004, -0.003, 0.001])
    found = fit_power_law(SIZES, errors)

    def loss(values):
        return ((law(SIZES, *values) - errors) ** 2).sum()

    best = minimize(loss, [0.05, 0.1, 0.4], method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-14})
    assert loss([found.floor, found.gain, found.exponent]) <= best.fun * 1.0001 + 1e-12


def test_an_error_that_does_not_fall_promises_nothing():
    found = fit_power_law(SIZES, np.full(5, 0.3))
    assert found.error(3200) == pytest.approx(0.3, abs=1e-6)


def test_too_few_sizes_are_refused():
    with pytest.raises(ValueError, match="4 sizes or more"):
        fit_power_law(SIZES[:3], np.array([0.3, 0.2, 0.1]))


@pytest.mark.ci
def test_the_interval_covers_the_error_at_twice_the_examples():
    """Errors of 500 validation examples each, and drawn anew: the true one lies inside as often as stated."""
    generator, inside = np.random.default_rng(0), 0
    for seed in range(20):
        true = law(SIZES, 0.05, 0.1, 0.5)
        errors = generator.binomial(500, true) / 500
        drawn = np.stack([generator.binomial(500, p, 60) / 500 for p in errors], axis=1)
        low, high = interval(errors, drawn, seed)
        inside += low <= law(3200, 0.05, 0.1, 0.5) <= high
    assert inside >= 17


def test_errors_off_the_law_widen_the_interval_without_noise_of_validation():
    errors = law(SIZES, 0.05, 0.1, 0.4) + np.array([0.02, -0.02, 0.01, -0.02, 0.01])
    low, high = interval(errors, np.tile(errors, (40, 1)))
    assert high - low > 0.01
