"""When numbers need 64 bits."""

import numpy as np
import pytest

from zoo.data.tables.precision import needs_double, series_needs_double, usual_step

DRAW = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("values", "double"),
    [
        (1.7e9 + DRAW.normal(0, 13, 100), True),
        (1.7e9 + 30.0 * np.arange(120), True),
        (1e-40 * DRAW.normal(size=100), True),
        (1e35 * DRAW.normal(size=100), True),
        (DRAW.normal(size=100), False),
        (DRAW.lognormal(0, 5, 100), False),
        (2000.0 + np.arange(24), False),
        (np.full(100, 1.7e9), False),
        (np.array([np.nan, 1.0, 2.0]), False),
        (np.array([np.nan, np.nan]), False),
    ],
)
def test_numbers_that_float32_would_merge(values, double):
    assert needs_double(values) is double


def test_a_series_is_measured_by_its_steps():
    steps = np.where(np.arange(500) < 250, 0.0, 1e9) + np.sin(np.arange(500))  # a wave, at two far levels
    assert series_needs_double(steps)
    assert not series_needs_double(np.sin(np.arange(500))) and not series_needs_double(1000.0 + np.arange(500))
    assert usual_step(np.array([1.0, 1.0, 3.0, 3.0, np.nan])) == 2
