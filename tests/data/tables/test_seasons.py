import pytest

from zoo.data.tables.seasons import fitting_seasons, usual_seasons
from zoo.data.tables.times import Step

HOUR = 3_600_000_000


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (Step("us", HOUR), (24, 168)),
        (Step("us", HOUR // 2), (48, 336)),
        (Step("us", HOUR // 60), (1440, 10_080)),
        (Step("us", 7 * HOUR), ()),  # does not divide a day
        (Step("us", 24 * HOUR), (7, 365)),
        (Step("us", 48 * HOUR), ()),
        (Step("us", 7 * 24 * HOUR), (52,)),
        (Step("business_day", 1), (5, 261)),
        (Step("month", 1), (12,)),
        (Step("month", 3), (4,)),
        (Step("month", 5), ()),
        (Step("month", 12), ()),
    ],
)
def test_usual_seasons(step, expected):
    assert usual_seasons(step) == expected


def test_seasons_that_a_series_shows_often_enough():
    half_hours = Step("us", HOUR // 2)
    assert fitting_seasons(half_hours, 6 * 336) == (48, 336)
    assert fitting_seasons(half_hours, 6 * 336 - 1) == (48,)
    assert fitting_seasons(half_hours, 287) == ()
