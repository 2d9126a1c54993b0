"""Several series in one table: each in its own order, cut at the same moments, no window across two of them."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from zoo.data.memory.datasets import hold
from zoo.data.sources.load import load_dataset
from zoo.data.sources.table import load_table
from zoo.errors import ZooError
from zoo.evaluation.baselines.data import BaselineData
from zoo.evaluation.baselines.run import fit_and_run_baseline
from zoo.evaluation.metrics.evaluate import evaluate
from zoo.recipe.data_section import Data
from zoo.tasks import TASKS

HISTORY, HORIZON, SEASON = 6, 2, 3
RANDOM = np.random.default_rng(5)


def frame(lengths=(40, 30, 40), begins=(0, 10, 0), step="D"):
    """Return series of different levels and lengths, one behind the other."""
    generator = np.random.default_rng(0)
    days = pd.date_range("2024-01-01", periods=60, freq=step)
    parts = [
        pd.DataFrame(
            {
                "day": days[begin : begin + length].strftime("%Y-%m-%d"),
                "store": name,
                "sold": (level + generator.normal(0, 1, length)).round(3),
                "price": generator.normal(5, 1, length).round(3),
            }
        )
        for name, level, length, begin in zip("ABCDEFGH", (10, 1000, 100, 5, 6, 7, 8, 9), lengths, begins, strict=False)
    ]
    return pd.concat(parts, ignore_index=True)


def load(table, tmp_path, suffix="csv", **options):
    """Write a table, and load it as the recipe says."""
    path = tmp_path / f"data.{suffix}"
    if isinstance(table, str):
        path.write_text(table)
    elif suffix == "parquet":
        table.to_parquet(path)
    elif suffix == "jsonl":
        table.to_json(path, orient="records", lines=True)
    else:
        table.to_csv(path, index=False)
    window = {"history": HISTORY, "horizon": HORIZON, "season": SEASON}
    settings = {"source": f"{suffix}:{path}", "target": "sold", "series": "store", "window": window, **options}
    data = Data.model_validate({"validation": 0.2, "test": 0.2, **settings})
    return load_table(str(path), data, TASKS["forecasting"])


def expected_windows(table, train_end="2024-01-25", test_start="2024-02-02"):
    """Return windows by pandas: of each split, history, future and scale, series by series."""
    found = {"train": [], "validation": [], "test": []}
    for _, group in table.groupby("store", sort=False):
        sold = group["sold"].to_numpy()
        train = group[group["day"] < train_end]["sold"]
        scale = train.diff(SEASON).abs().mean()
        for origin in range(HISTORY, len(group) - HORIZON + 1):
            first, last = group["day"].iloc[origin], group["day"].iloc[origin + HORIZON - 1]
            parts = {"train": ("", train_end), "validation": (train_end, test_start), "test": (test_start, "9")}
            for split in [name for name, (begin, end) in parts.items() if begin <= first and last < end]:
                history = group[["sold", "price"]].iloc[origin - HISTORY : origin].to_numpy()
                found[split].append((history, [*sold[origin : origin + HORIZON], scale]))
    return {split: tuple(np.array(part) for part in zip(*rows, strict=True)) for split, rows in found.items()}


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_windows_are_those_of_each_series_by_itself(suffix, tmp_path):
    table = frame()
    found, expected = load(table, tmp_path, suffix), expected_windows(table)
    for name, split in found.splits.items():
        history, targets = expected[name]
        np.testing.assert_array_equal(split.take(np.arange(len(split))), np.float32(history))
        np.testing.assert_allclose(split.targets, targets, rtol=1e-5)
    assert found.signature.series == ("store",) and found.series.names == ("A", "B", "C")
    assert "at the same moments in all 3 series: validation from 2024-01-25, test from 2024-02-02" in found.notes[-1]
    of_window = found.series.series_of("test")
    assert [found.series.before("test", i)[0] for i in range(len(of_window))] == [
        np.float32(table[table.store == "ABC"[s]]["sold"].iloc[0]) for s in of_window
    ]


def test_rows_may_be_mixed_and_two_columns_may_tell_series_apart(tmp_path):
    table = frame()
    whole = load(table, tmp_path)
    mixed = load(table.sort_values(["day", "store"]), tmp_path)
    for name, split in whole.splits.items():
        np.testing.assert_array_equal(mixed.splits[name].targets, split.targets)
    shuffled = load(table.sample(frac=1, random_state=1), tmp_path, sort=True)
    assert shuffled.series.names == ("A", "B", "C") and "sorted by column 'day' in 3 of 3" in shuffled.notes[0]
    table["item"] = np.where(table["store"] == "A", "x", "y")
    assert load(table, tmp_path, series=["store", "item"]).series.names == ("A / x", "B / y", "C / y")


def test_gaps_are_filled_in_each_series(tmp_path):
    table = frame()
    table.loc[[3, 45], "sold"] = np.nan
    holes = table.drop(index=[20, 21, 50])
    found = load(holes, tmp_path, fill="previous")
    filled = table.copy()
    filled.loc[[20, 21, 50]] = np.nan
    filled[["store", "day"]] = table[["store", "day"]]
    filled[["sold", "price"]] = filled.groupby("store")[["sold", "price"]].ffill()
    np.testing.assert_allclose(found.splits["train"].targets, expected_windows(filled)["train"][1], rtol=1e-5)
    assert any("3 steps were added and 2 missing values filled in 2 of 3 series" in note for note in found.notes)


def test_series_that_are_too_short_are_left_out_and_said(tmp_path):
    table = frame((40, 7, 40, 20, 40), (0, 0, 0, 23, 0))
    found = load(table, tmp_path)
    assert found.series.names == ("A", "C", "E")
    assert "left out are 2 of 5 series: 1 are shorter than a window of 6 + 2 steps: 'B'; 1 have fewer" in str(
        found.notes
    )
    constant = frame()
    constant.loc[constant.store == "B", "sold"] = 3
    assert "1 of 3 series repeat themselves in the training part" in str(load(constant, tmp_path).notes)


def test_baselines_are_fitted_to_each_series(tmp_path):
    """A series that is too short for one gets the seasonal naive forecast."""
    found = load(frame((50, 35, 50)), tmp_path)
    series, targets = found.series, {name: split.targets for name, split in found.splits.items()}
    common = {"season": SEASON, "history": HISTORY}
    data = BaselineData(
        targets, series=series.values, origins=series.origins, starts=series.starts, train_ends=series.train_ends,
        names=series.names, **common,
    )  # fmt: skip
    for name in ("seasonal_naive", "drift", "ridge"):
        together = fit_and_run_baseline("forecasting", name, data)
        for place, (start, end) in enumerate(zip(series.starts, [*series.starts[1:], None], strict=True)):
            own = {s: series.origins[s][series.series_of(s) == place] - start for s in ("validation", "test")}
            train_ends = series.train_ends[place : place + 1] - start
            one = BaselineData(targets, series=series.values[start:end], origins=own, train_ends=train_ends, **common)
            alone = fit_and_run_baseline("forecasting", name, one)
            np.testing.assert_allclose(together["test"][series.series_of("test") == place], alone["test"])
    short = load(frame((40, 30, 40)), tmp_path)
    parts = {name: getattr(short.series, name) for name in ("origins", "starts", "train_ends")}
    targets = {name: split.targets for name, split in short.splits.items()}
    data = replace(data, targets=targets, series=short.series.values, **parts)
    of_b = short.series.series_of("test") == 1
    ridge, naive = (fit_and_run_baseline("forecasting", name, data) for name in ("ridge", "seasonal_naive"))
    assert (ridge["test"] == naive["test"]).all(axis=1).tolist() == of_b.tolist()
    assert (
        "1 of 3 series get the seasonal naive forecast: series 'B': ridge: the training part has" in ridge["notes"][0]
    )


def changed(**columns):
    return frame().assign(**columns)


def without(row):
    return frame().drop(index=row)


def lacking(row):
    return changed(sold=frame()["sold"].mask(np.arange(110) == row))


BAD = {
    "no such column": (frame(), {"series": "shop"}, r"data.series names the column 'shop', which the table lacks"),
    "one series": (changed(store="A"), {}, "all rows belong to the series 'A'; leave it out"),
    "no series named": (
        changed(store=[None, *frame()["store"][1:]]),
        {},
        r"1 of 110 rows do not say .*row 1 \(line 2\)",
    ),
    "no time": (frame().drop(columns="day"), {}, "no column reads as time, by which the series are split"),
    "time that is none": (frame(), {"time": "price"}, "column 'price' does not read as time"),
    "a moment that is none": (changed(day=["soon", *frame()["day"][1:]]), {"time": "day"}, "does not read as time"),
    "a step is missing": (without(50), {}, r"series 'B': column 'day' is time, and row 51 \(line 52\) has 2024-01-22"),
    "steps of two are missing": (without([50, 80]), {}, "2 of 3 series have such a fault, also 'C'"),
    "a moment twice": (
        pd.concat([frame(), frame()[41:42]]),
        {},
        r"series 'B': .* row 111 \(line 112\) has 2024-01-12 again",
    ),
    "not in order": (
        frame().iloc[[0, 2, 1, *range(3, 110)]],
        {},
        r"series 'A': .*before the row above.*data.sort: true",
    ),
    "another step": (frame().drop(index=range(41, 70, 2)), {}, "series 'B': column 'day' has a row every 2 days"),
    "another column beside": (
        pd.concat([frame().assign(item="x"), frame().assign(item="y")]),
        {},
        "data.series: item",
    ),
    "text as target": (changed(sold="many"), {}, "column 'sold' holds text, and forecasting predicts numbers"),
    "text in a number": (changed(sold=["?x", *frame()["sold"][1:]]), {}, r"row 1 \(line 2\)"),
    "no value": (lacking(70), {}, r"1 of 110 steps lack .*row 71 \(line 72\)"),
    "a gap at the start": (
        lacking(0),
        {"fill": "linear"},
        "series 'A': data.fill: the series begins",
    ),
    "all too short": (
        frame((7, 7, 40)),
        {},
        "2 of 3 series: 2 are shorter than a window of 6 . 2 steps: 'A', 'B'; too many",
    ),
    "no window fits a part": (frame(), {"validation": 0.02}, "the validation part has 1 of 40 steps, too few"),
    "half a line": ("day,store,sold\n2024-01-01,A,1\n2024-01-02,A\n", {}, "line 3|1 of 2 rows"),
    "empty file": ("", {}, "data.csv"),
    "header alone": ("day,store,sold\n", {}, "no rows"),
    "no target": (frame().drop(columns="sold"), {}, "data.target"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_panels_are_refused(name, tmp_path):
    table, options, message = BAD[name]
    with pytest.raises(ZooError, match=message):
        load(table, tmp_path, **options)


def shops():
    return frame().assign(promo=(np.arange(110) % 5 == 0) * 1, region=np.repeat(["n", "s", "n"], [40, 30, 40]))


COVARIATES = {"known_covariates": ["promo"], "static_covariates": ["region", "store"]}


def test_covariates_of_each_window(tmp_path):
    table = shops()
    found = load(table, tmp_path, **COVARIATES)
    plain = load(table.drop(columns=["promo", "region"]), tmp_path)
    assert [column.name for column in found.signature.columns] == ["sold", "price", "promo"]
    assert found.signature.input_names == ["array", "known_covariates", "region", "store"]
    for name, split in found.splits.items():
        given = split.take(np.arange(len(split)))
        np.testing.assert_array_equal(given["array"][..., :2], plain.splits[name].take(np.arange(len(split))))
        of_window = found.series.series_of(name)
        assert given["region"].tolist() == ["nsn"[i] for i in of_window]
        assert given["store"].tolist() == ["ABC"[i] for i in of_window]
        for row, origin in enumerate(found.series.origins[name]):  # the series stand as in the table
            expected = table["promo"].to_numpy()[origin - HISTORY : origin + HORIZON]
            np.testing.assert_array_equal(given["array"][row, :, 2], expected[:HISTORY])
            np.testing.assert_array_equal(given["known_covariates"][row, :, 0], expected[HISTORY:])
    alone = load(table[table.store == "A"], tmp_path, series=None, known_covariates=["promo"])
    assert alone.signature.kind == "series" and alone.signature.input_names == ["array", "known_covariates"]
    chosen = load(table, tmp_path, past_covariates=[])
    assert chosen.signature.kind == "array" and chosen.signature.shape == (HISTORY, 1)
    assert "no inputs, as data.past_covariates names others: 3 columns: 'price', 'promo', 'region'" in chosen.notes


BAD_COVARIATES = {
    "no known column": (shops(), {"known_covariates": ["holiday"]}, "data.known_covariates names the column 'holiday'"),
    "no past column": (shops(), {"past_covariates": ["prise"]}, "data.past_covariates names .*did you mean 'price'"),
    "no static column": (shops(), {"static_covariates": ["area"]}, "data.static_covariates names the column 'area'"),
    "text known": (
        shops().assign(promo="yes"),
        COVARIATES,
        "column 'promo' holds text, and write its values as numbers",
    ),
    "text past": (shops(), {"past_covariates": ["region"]}, "column 'region' holds text, and a covariate is a number"),
    "known lacks a value": (
        shops().assign(promo=shops()["promo"].mask(np.arange(110) == 4)),
        COVARIATES,
        r"1 of 110 steps lack a value, in column 'promo' \(1\): row 5",
    ),
    "static changes": (
        shops().assign(region=[*["n"] * 39, "w", *shops()["region"][40:]]),
        COVARIATES,
        "of 3 series 1 have several: 'A' \\(n, w\\)",
    ),
    "static lacks a value": (
        shops().assign(region=shops()["region"].mask(np.arange(110) > 60)),
        COVARIATES,
        "of 3 series 2 lack a value: 'B', 'C'",
    ),
}


@pytest.mark.parametrize("name", BAD_COVARIATES)
def test_bad_covariates_are_refused(name, tmp_path):
    table, options, message = BAD_COVARIATES[name]
    with pytest.raises(ZooError, match=message):
        load(table, tmp_path, **options)


def test_windows_of_several_targets(tmp_path):
    table = frame()
    both = load(table, tmp_path, target=["sold", "price"])
    sold, price = (load(table, tmp_path, target=name) for name in ("sold", "price"))
    for name, split in both.splits.items():
        np.testing.assert_allclose(split.targets[..., 0], sold.splits[name].targets, rtol=1e-5)
        np.testing.assert_allclose(split.targets[..., 1], price.splits[name].targets, rtol=1e-5)
        y, output = split.targets, split.targets[:, :-1] + RANDOM.normal(size=(len(split), HORIZON, 2))
        parts = [evaluate("forecasting", y[..., i], output[..., i]) for i in (0, 1)]
        found = evaluate("forecasting", y, output)
        assert found == pytest.approx({key: (parts[0][key] + parts[1][key]) / 2 for key in found})
    ridge = forecast_with("ridge", both)
    for i, one in enumerate((sold, price)):
        np.testing.assert_allclose(ridge[..., i], forecast_with("ridge", one), rtol=1e-4)


def forecast_with(name, source):
    """Return a baseline's forecasts of the test split."""
    own = {key: getattr(source.series, key) for key in ("origins", "starts", "train_ends", "names", "known")}
    targets = {name: split.targets for name, split in source.splits.items()}
    data = BaselineData(targets, series=source.series.values, season=SEASON, history=HISTORY, **own)
    return fit_and_run_baseline("forecasting", name, data)["test"]


def test_ridge_regression_sees_what_is_known_in_advance(tmp_path):
    table = frame((60, 60, 60), (0, 0, 0)).assign(promo=(RANDOM.random(180) < 0.4) * 1)
    table["sold"] += 50 * table["promo"]
    plain = load(table, tmp_path)
    found = load(table, tmp_path, known_covariates=["promo"])
    y = found.splits["test"].targets
    errors = [evaluate("forecasting", y, forecast_with("ridge", each))["mae"] for each in (plain, found)]
    assert errors[1] < 0.3 * errors[0]


def test_a_frame_is_read_as_its_file(tmp_path):
    """Panels, sequences in long form, and series that are scanned."""
    table = shops().assign(number=np.arange(110) % 7)
    options = {
        "forecasting": {"target": "sold", "series": "store", **COVARIATES, "window": {"history": 6, "horizon": 2}},
        "sequence_regression": {"target": "sold", "series": "store", "time": "day"},
        "series_anomaly_detection": {"series": "store", "window": {"history": 6}, "ignore": ["region"]},
    }
    table["sold"] = table.groupby("store")["sold"].transform("first")  # one target in each sequence
    table.to_csv(tmp_path / "data.csv", index=False)
    given = hold(table)
    for task, settings in options.items():
        common = (
            {"validation": 0.34, "test": 0.34} if task == "sequence_regression" else {"validation": 0.2, "test": 0.2}
        )
        frames = [
            load_dataset(Data.model_validate({"source": source, **common, **settings}), TASKS[task], (), memory)
            for source, memory in ((given.source, given), (f"csv:{tmp_path / 'data.csv'}", None))
        ]
        assert frames[0].fingerprint == frames[1].fingerprint, task
