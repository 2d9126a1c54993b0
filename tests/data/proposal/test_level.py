"""Series whose forecasts depend on their level, and series whose do not."""

import numpy as np
import pytest

from zoo.data.proposal.level import depends_on_level

RANDOM = np.random.default_rng(0)


def noise_around_a_mean():
    return 5 + RANDOM.normal(size=300)


def trend_with_a_season():
    """A trend that ends far above where the maps are fitted."""
    return np.arange(300.0) ** 1.5 + 30 * np.sin(np.arange(300) * np.pi / 6) + RANDOM.normal(size=300)


@pytest.mark.parametrize(("make", "expected"), [(noise_around_a_mean, True), (trend_with_a_season, False)])
def test_level_counts_where_a_series_returns_to_its_mean(make, expected):
    values = make()
    assert depends_on_level(values, 12, 6) is expected
    values[-60:] = 1e6  # the test part
    assert depends_on_level(values, 12, 6) is expected


@pytest.mark.parametrize("values", [np.arange(40.0), np.full(300, 2.0), np.append(np.nan, np.arange(299.0))])
def test_what_tells_nothing(values):
    assert depends_on_level(values, 12, 6) is None
