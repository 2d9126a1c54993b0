"""`shop_sales`: daily sales of several shops, made from a seed; one example holds the series of one shop."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from zoo.data.builtin.definition import Definition

SHOPS = 24
DAYS = 500
SEASON = 7  # days
_REGIONS = {  # by region, sales of each day from Monday to Sunday
    "coast": (0.8, 0.7, 0.8, 0.9, 1.2, 1.5, 1.1),
    "city": (1.0, 1.0, 1.1, 1.1, 1.4, 1.2, 0.2),
    "village": (0.7, 1.1, 0.7, 1.1, 1.2, 1.3, 0.9),
}
_LATEST_OPENING = 120  # days after the first shop
_PROMOTION_DAYS = 3
_UPLIFT = (1.4, 2.2)  # of sales on the days of a promotion, from shop to shop
_HOLIDAY = 0.35  # of the usual sales
_FIRST_DAY = np.datetime64("2022-01-03")


def shop_sales() -> Definition:
    """Define the daily sales of several shops, with promotions and holidays that are known in advance."""
    import tensorflow_datasets as tfds

    steps = tfds.features.Tensor(shape=(None,), dtype=np.float32)
    return Definition(
        description=(
            f"Daily sales of {SHOPS} shops in three regions over up to {DAYS} days: counts drawn from a Poisson "
            "distribution (seed 2022), whose mean is a shop's level times a weekly pattern of its region, a yearly "
            "wave and a slow trend, multiplied where there is a promotion, which shops hold at random, and divided on "
            "holidays, which all have in common. Shops open at different times. Both are known in advance."
        ),
        features={
            "shop": tfds.features.Text(),
            "region": tfds.features.Text(),
            "day": tfds.features.Tensor(shape=(None,), dtype=np.int32),
            "sold": steps,
            "promotion": steps,
            "holiday": steps,
        },
        splits=lambda: {"train": _shops()},
        metadata={"season": SEASON, "days": "day", "frequency": "daily"},
    )


def _shops() -> Iterator[dict[str, Any]]:
    holidays = np.random.default_rng([2022, SHOPS]).random(DAYS) < 1 / 40
    for shop in range(SHOPS):
        generator = np.random.default_rng([2022, shop])
        region = sorted(_REGIONS)[shop % len(_REGIONS)]
        opening = int(generator.integers(0, _LATEST_OPENING)) * (shop % 4 == 3)
        day = np.arange(opening, DAYS)
        starts = generator.random(DAYS) < 1 / 15
        promotion = np.convolve(starts, np.ones(_PROMOTION_DAYS))[:DAYS][day] > 0
        level = 10 ** generator.uniform(1, 3)
        trend = 1 + generator.normal(0, 0.3) * day / DAYS
        wave = 1 + 0.25 * np.sin(2 * np.pi * (day - generator.normal(180, 15)) / 365)
        effect = np.where(promotion, generator.uniform(*_UPLIFT), 1) * np.where(holidays[day], _HOLIDAY, 1)
        mean = level * np.array(_REGIONS[region])[day % SEASON] * trend * wave * effect
        yield {
            "shop": f"shop {shop + 1:02d}",
            "region": region,
            "day": (_FIRST_DAY + day - np.datetime64("1970-01-01")).astype(np.int32),
            "sold": generator.poisson(mean * generator.gamma(50, 1 / 50, len(day))).astype(np.float32),
            "promotion": promotion.astype(np.float32),
            "holiday": holidays[day].astype(np.float32),
        }
