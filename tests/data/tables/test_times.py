"""Moments: how they are written, against datetime, and the steps between them."""

import datetime

import numpy as np
import pytest

from zoo.data.tables.parse_moments import ISO, with_pandas, without_pandas
from zoo.data.tables.times import (
    _STRPTIME,
    Step,
    even_step,
    likely_step,
    named_as_time,
    places,
    read_times,
    time_forms,
)

FIRST = datetime.datetime(2019, 11, 28, 13, 5)
DAYS = np.arange(np.datetime64("2023-01-02"), np.datetime64("2023-06-01")).astype("datetime64[us]")
MONTHS = np.arange(np.datetime64("2019-11"), np.datetime64("2022-05")).astype("datetime64[us]")
MONTH_ENDS = ((MONTHS.astype("datetime64[M]") + 1).astype("datetime64[D]") - 1).astype("datetime64[us]")
BUSINESS = DAYS[np.is_busday(DAYS.astype("datetime64[D]"))]
HOURS = DAYS[0] + np.arange(200) * np.timedelta64(3_600_000_000, "us")
SERIES = [(HOURS, "1 hour"), (DAYS, "1 day"), (DAYS[::7], "7 days"), (BUSINESS, "1 business day"), (MONTHS, "1 month"),
          (MONTH_ENDS, "1 month"), (MONTHS[::3], "3 months"), (MONTHS[1::12], "1 year")]  # fmt: skip


@pytest.mark.parametrize(
    "form",
    ["%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S", "%Y/%m/%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d %b %Y",
     "%b %d, %Y", "%Y%m%d", "%d.%m.%Y %H:%M", "%m/%d/%Y %I:%M %p"],
)  # fmt: skip
def test_moments_are_those_that_were_written(form):
    given = [FIRST + datetime.timedelta(days=17 * i) for i in range(12)]
    texts = [moment.strftime(form) for moment in given]
    found = time_forms(texts)
    assert len(found) == 1
    expected = [np.datetime64(datetime.datetime.strptime(text, form), "us") for text in texts]
    np.testing.assert_array_equal(read_times(texts, found[0]), expected)


def test_other_forms():
    for texts, numbers, first in (
        (["2020Q1", "2020Q2"], False, "2020-01-01"),
        (["2023-W01", "2023-W02"], False, "2023-01-02"),
        (["2023-01-01T10:00+02:00", "2023-06-01T10:00Z"], False, "2023-01-01T08:00"),
        (["1700", "1701"], True, "1700-01-01"),
        (["1700000000", "1700000030"], True, "2023-11-14T22:13:20"),
        (["1700000000000", "1700000030000"], True, "2023-11-14T22:13:20"),
    ):
        assert read_times(texts, time_forms(texts, numbers=numbers)[0])[0] == np.datetime64(first)
    assert len(time_forms(["03/04/2020", "05/06/2020"])) == 2
    assert not any(
        time_forms(texts) for texts in (["1700", "1701"], ["1.5", "2.5"], ["Mon", "Tue"], ["2020-13-01"] * 2)
    )


def test_names_that_say_time():
    assert all(map(named_as_time, ("date", "Order Date", "timestamp", "createdTime", "ds", "YEAR", "sale_month")))
    assert not any(map(named_as_time, ("update", "candidate", "sentiment", "monthly_rent", "y")))


@pytest.mark.parametrize(("times", "name"), SERIES, ids=[name for _, name in SERIES])
def test_even_steps_and_gaps(times, name):
    step = even_step(times)
    assert str(step) == name
    np.testing.assert_array_equal(places(times, step), np.arange(len(times)))
    if len(times) > 5:
        gap = np.delete(times, 3)
        assert even_step(gap) is None and likely_step(gap) == step
        np.testing.assert_array_equal(places(gap, step), np.delete(np.arange(len(times)), 3))


def test_uneven_steps():
    jitter = DAYS + np.arange(len(DAYS)) % 3 * np.timedelta64(1, "s")
    assert even_step(jitter) is None and likely_step(jitter) is None
    assert str(Step("us", 1_500_000)) == "1.5 seconds"


FORMS = (*_STRPTIME, "%Y%m%d", "%Y%m", "%Y-%m-%d", "%G-W%V-%u")
WRITTEN = tuple(
    datetime.datetime(*parts).strftime(form)
    for form in FORMS
    for parts in ((1969, 12, 31, 23, 59, 59, 999999), (2024, 2, 29), (2000, 1, 1, 12), (2021, 7, 4, 13, 5))
)
ODD = ("", "31.02.2020", "1/2/2020", "2020-1-5", "noon", "01/01/2020 13:00 PM", "29/02/2023", "2021-W53-1",
       "2020-W53-1", " 2020-01-01", "2020-01-01 ", "5 JANUARY 2020", "1.1.20 01:02:03.123456789", "2020/1/1 1:2",
       "99")  # fmt: skip
IN_ISO = ("2020-01-01", "2020-01-01 10:00", "2020-01-01T10:00:05.123456789", "1960-01-01T10:00:05.9999999",
          "2020-01-01T10:00Z", "2020-01-01 10:00 UTC", "2020-01-01T10:00+02:00", "2020-01-01T10:00-0530",
          "2020-01-01 10:00:00.5 +01:00", "2020-13-01", "2020-01-01T24:00", "2020-02-30", "2020-01-01+02:00",
          "2020-01-01Z", "")  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_without_pandas_moments_are_the_same(form):
    np.testing.assert_array_equal(with_pandas([*WRITTEN, *ODD], form), without_pandas([*WRITTEN, *ODD], form))


def test_without_pandas_moments_in_iso_8601_are_the_same():
    np.testing.assert_array_equal(with_pandas(IN_ISO, ISO), without_pandas(IN_ISO, ISO))
