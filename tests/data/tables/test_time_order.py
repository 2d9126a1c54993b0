"""The column of time of a series: found, in order, even, filled."""

import numpy as np
import pytest
from loading import load, refused

FORECAST = "forecasting"
DAYS = np.arange(np.datetime64("2023-01-01"), np.datetime64("2023-07-20")).astype(str)
VALUES = np.round(10 + np.sin(np.arange(len(DAYS))), 4)
WINDOW = {"history": 14, "horizon": 7, "season": 7}


@pytest.fixture
def series(tmp_path):
    def write(rows, header="date,y"):
        path = tmp_path / "s.csv"
        path.write_text(header + "\n" + "\n".join(",".join(map(str, row)) for row in rows), encoding="utf-8")
        return f"csv:{path}"

    return write


def rows(days=DAYS, values=VALUES):
    return list(zip(days, values, strict=True))


def whole(dataset):
    return dataset.series.values


def load_series(source, **settings):
    return load(source, FORECAST, target="y", window=WINDOW, **settings)


def test_rows_in_order_are_taken_as_they_are(series):
    dataset = load_series(series(rows()))
    np.testing.assert_array_equal(whole(dataset), np.float32(VALUES))
    time = dataset.signature.time
    assert (time.name, str(time.step), time.last) == ("date", "1 day", "2023-07-19")
    assert any("column 'date' is time, from 2023-01-01 to 2023-07-19, a row every 1 day" in n for n in dataset.notes)


@pytest.mark.parametrize("order", [slice(None, None, -1), np.random.default_rng(0).permutation(len(DAYS))])
def test_rows_in_another_order_are_refused_or_sorted(series, order):
    source = series(rows(DAYS[order], VALUES[order]))
    row = int(np.flatnonzero(np.diff(DAYS[order].astype("datetime64[D]").astype(int)) < 0)[0]) + 2
    refused(rf"row {row} \(line {row + 1}\) has 2023-.* before the row above.* data\.sort: true", source, FORECAST,
            target="y", window=WINDOW)  # fmt: skip
    dataset = load_series(source, sort=True)
    np.testing.assert_array_equal(whole(dataset), np.float32(VALUES))
    assert any("rows are sorted by column 'date'" in note for note in dataset.notes)


@pytest.mark.parametrize(("fill", "expected"), [("previous", VALUES[9]), ("linear", (VALUES[9] + VALUES[11]) / 2)])
def test_missing_days_are_refused_or_filled(series, fill, expected):
    kept = [i for i in range(len(DAYS)) if i not in (10, 50)]
    source = series(rows(DAYS[kept], VALUES[kept]))
    refused(r"row 11 \(line 12\) has 2023-01-12, more than 1 day after 2023-01-10 \(2 gaps, 2 steps missing\); set "
            r"data\.fill", source, FORECAST, target="y", window=WINDOW)  # fmt: skip
    dataset = load_series(source, fill=fill)
    assert len(whole(dataset)) == len(DAYS) and whole(dataset)[10] == np.float32(expected)
    assert any("2 steps were added and 0 missing values filled" in note for note in dataset.notes)


def test_doubled_days_and_stacked_series_are_refused(series):
    refused(r"row 2 \(line 3\) has 2023-01-01 again \(200 such of 400 rows\); leave one row for each moment",
            series([r for r in rows() for _ in range(2)]), FORECAST, target="y", window=WINDOW)  # fmt: skip
    stacked = [(day, shop, value) for shop in ("north", "south") for day, value in rows()]
    refused(r"row 201 \(line 202\) has 2023-01-01 again .* column 'shop' seems to tell several series apart",
            series(stacked, "date,shop,y"), FORECAST, target="y", window=WINDOW)  # fmt: skip


def test_the_column_of_time_is_named_or_ignored(series):
    plain = series([(d, d, v) for d, v in rows()], "sent,date,y")
    assert load_series(plain).signature.time.name == "date"
    named = load_series(plain, time="sent")
    assert named.signature.time.name == "sent"
    assert any("column 'date' reads as time, too, and is left out" in note for note in named.notes)
    backwards = series(rows()[::-1])
    np.testing.assert_array_equal(whole(load_series(backwards, ignore=["date"])), np.float32(VALUES[::-1]))
    refused("data.time names the column 'day', which the table lacks", backwards, FORECAST, target="y", window=WINDOW,
            time="day")  # fmt: skip


def test_without_a_column_of_time_the_order_of_the_file_is_said(series):
    dataset = load_series(series([(v,) for v in VALUES], "y"))
    assert dataset.signature.time.name == "" and any("no column reads as time" in note for note in dataset.notes)


def test_the_columns_of_a_series(series):
    table = [(i, d, i % 7 == 0, "MTWTFSS"[i % 7], f"{1000 + i:,}".join('""'), v) for i, (d, v) in enumerate(rows())]
    dataset = load_series(series(table, ",date,promo,weekday,visits,y"))
    assert [c.name for c in dataset.signature.columns] == ["y", "promo", "visits"]
    x = dataset.train.take([0])[0]
    np.testing.assert_array_equal(x, np.float32([[VALUES[i], i % 7 == 0, 1000 + i] for i in range(14)]))
    assert any("'weekday' holds text (5 different) and is left out" in note for note in dataset.notes)
    assert any("without a name holds row numbers" in note for note in dataset.notes)


def test_an_offset_leaves_the_series_what_it_is(series):
    plain, lifted = load_series(series(rows())), load_series(series(rows(values=VALUES + 1.7e9)))
    assert whole(plain).dtype == np.float32 and whole(lifted).dtype == np.float64
    np.testing.assert_allclose(whole(lifted) - 1.7e9, whole(plain), atol=1e-6)
    np.testing.assert_allclose(lifted.test.targets[:, -1], plain.test.targets[:, -1], rtol=1e-5)  # MASE's scale


def test_a_gap_in_a_column_is_refused_by_row_or_filled(series):
    table = rows(values=[v if i != 5 else "NA" for i, v in enumerate(VALUES)])
    refused(r"1 of 200 steps lack a value, in column 'y' \(1\): row 6 \(line 7\)", series(table), FORECAST, target="y",
            window=WINDOW)  # fmt: skip
    assert whole(load_series(series(table), fill="previous"))[5] == np.float32(VALUES[4])


@pytest.mark.parametrize(("part", "most", "step"), [("month", 12, "1 month"), ("quarter", 4, "3 months")])
def test_year_and_month_are_one_column_of_time(series, part, most, step):
    table = [(f"{1990 + i // most}.0", i % most + 1, v) for i, v in enumerate(VALUES)]
    dataset = load_series(series(table, f"Year,{part},y"))
    assert (dataset.signature.time.name, str(dataset.signature.time.step)) == (f"year-{part}", step)
    source = series(table[::-1], f"Year,{part},y")
    refused(r"row 2 \(line 3\) has .* before the row above", source, FORECAST, target="y", window=WINDOW)


def test_years_written_with_a_decimal_are_time(series):
    dataset = load_series(series([(f"{1700 + i}.0", v) for i, v in enumerate(VALUES)], "YEAR,y"))
    assert (dataset.signature.time.name, str(dataset.signature.time.step)) == ("YEAR", "1 year")
