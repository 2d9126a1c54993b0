"""`sunspots`, `elnino`, `co2`: real series of statsmodels; one example holds a whole series."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from zoo.data.builtin.definition import Definition
from zoo.errors import ZooError, did_you_mean, import_extra, listing

_SEASONS = {"co2": 12, "elnino": 12, "sunspots": 11}


def season(name: str) -> int:
    """Return how many steps a season of a built-in series has.

    Raises:
        ZooError: no built-in series has this name.
    """
    if name not in _SEASONS:
        raise ZooError(f"no built-in series '{name}'{did_you_mean(name, _SEASONS)} (known: {listing(_SEASONS)})")
    return _SEASONS[name]


def sunspots() -> Definition:
    """Define the yearly number of sunspots."""
    return _series(
        "sunspots",
        "Mean number of sunspots of each year, 1700 to 2008, 309 values (National Geophysical Data Center). The solar "
        "cycle takes about 11 years, but not exactly.",
        lambda frame: frame["SUNACTIVITY"].to_numpy(),
        start="1700",
        frequency="yearly",
    )


def elnino() -> Definition:
    """Define the monthly temperature of the sea off Peru."""
    return _series(
        "elnino",
        "Mean temperature of the sea's surface in the Niño 1+2 region (off Peru and Ecuador), degrees Celsius, of each "
        "month, January 1950 to December 2010, 732 values (ERSST.v3b, National Oceanic and Atmospheric "
        "Administration).",
        lambda frame: frame.drop(columns="YEAR").to_numpy().reshape(-1),
        start="1950-01",
        frequency="monthly",
    )


def co2() -> Definition:
    """Define the monthly concentration of carbon dioxide at Mauna Loa."""
    return _series(
        "co2",
        "Concentration of carbon dioxide at Mauna Loa, parts per million by volume, of each month, March 1958 to "
        "December 2001, 526 values (Keeling & Whorf 2004): means of the weekly values of a month; the months without "
        "any are filled by linear interpolation between their neighbors.",
        lambda frame: frame["co2"].resample("MS").mean().interpolate("linear").to_numpy(),
        start="1958-03",
        frequency="monthly",
    )


def _series(name: str, description: str, values: Callable[[Any], np.ndarray], start: str, frequency: str) -> Definition:
    import tensorflow_datasets as tfds

    return Definition(
        description=description,
        features={"values": tfds.features.Tensor(shape=(None,), dtype=np.float32)},
        splits=lambda: {"train": [{"values": values(_frame(name)).astype(np.float32)}]},
        metadata={"season": season(name), "start": start, "frequency": frequency},
    )


def _frame(name: str) -> Any:
    return import_extra(f"statsmodels.datasets.{name}", f"builtin:{name}").load_pandas().data
