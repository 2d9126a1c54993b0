"""Real series: their values, and what is said without statsmodels."""

import sys

import numpy as np
import pytest
from builtin_examples import examples, sizes

from zoo.data.builtin import builtin_builder, season
from zoo.errors import ZooError

SERIES = {"co2": 526, "elnino": 732, "sunspots": 309}


@pytest.mark.parametrize("name", SERIES)
def test_a_series_is_one_example(name):
    (values,) = examples(name, "train")["values"]
    assert values.shape == (SERIES[name],) and values.dtype == np.float32 and np.isfinite(values).all()
    assert sizes(name) == {"train": 1}
    metadata = builtin_builder(name).info.metadata
    steps = metadata["season"]
    assert steps == season(name) == (11 if name == "sunspots" else 12)
    assert len(values) == (2008 - 1700 + 1 if name == "sunspots" else months(metadata["start"], name))
    around = values.astype(float) - np.convolve(np.pad(values, steps, "edge"), np.ones(2 * steps + 1), "valid") / (
        2 * steps + 1
    )
    assert np.corrcoef(around[steps:], around[:-steps])[0, 1] > 0.5
    assert np.corrcoef(around[steps // 2 :], around[: -(steps // 2)])[0, 1] < -0.3


def months(start, name):
    year, month = map(int, start.split("-"))
    return ({"elnino": 2010, "co2": 2001}[name] - year) * 12 + 12 - month + 1


def test_the_values_of_the_series():
    (spots,), (temperatures,) = (examples(name, "train")["values"] for name in ("sunspots", "elnino"))
    np.testing.assert_allclose(spots[[0, 1, 2, -2, -1]], [5, 11, 16, 7.5, 2.9])
    np.testing.assert_allclose(temperatures[[0, 1, 11, 12, -1]], [23.11, 24.2, 21.8, 24.19, 22.07])


def test_co2_is_the_mean_of_each_month():
    from statsmodels.datasets import co2

    weeks = co2.load_pandas().data["co2"].dropna()
    (values,) = examples("co2", "train")["values"]
    known = {}
    for day, value in weeks.items():
        known.setdefault((day.year - 1958) * 12 + day.month - 3, []).append(value)
    for month, found in known.items():
        assert values[month] == pytest.approx(np.mean(found), abs=1e-3)
    gaps = set(range(len(values))) - set(known)
    assert len(gaps) == 5
    for gap in gaps:
        before, after = max(m for m in known if m < gap), min(m for m in known if m > gap)
        fraction = (gap - before) / (after - before)
        assert values[gap] == pytest.approx((1 - fraction) * values[before] + fraction * values[after], abs=1e-3)


def test_season_of_what_is_no_series():
    with pytest.raises(ZooError, match=r"no built-in series 'sunspot'; did you mean 'sunspots'\?"):
        season("sunspot")


@pytest.mark.parametrize("name", SERIES)
def test_without_statsmodels(name, tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path))
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, f"statsmodels.datasets.{name}", None)
        needed = rf'^builtin:{name} needs statsmodels, which is not installed: pip install "\.\[forecast\]"'
        with pytest.raises(ZooError, match=needed):
            builtin_builder(name)
    assert builtin_builder(name).info.splits["train"].num_examples == 1  # nothing was left half done
