"""How columns become numbers: parts of dates that differ, one-hot or embedded categories, and what is said of it."""

import numpy as np
import pandas as pd
import pytest
from loading import load

from zoo.data.preprocessing import fit_preprocessor
from zoo.data.table_encoding import category_code, date_parts, moment_parts
from zoo.recipe.steps import Encode, PreprocessStep


def days(times):
    return np.asarray((pd.DatetimeIndex(times) - pd.Timestamp(0)) / pd.Timedelta("1D"))


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        (["2024-05-06", "2024-05-07"], ("days", "day", "weekday", "day_of_year")),
        (["2024-05-06 10:00", "2024-05-06 12:00"], ("days", "hour")),
        (["2024-05-06", "2024-05-13"], ("days", "day", "day_of_year")),
        (["2023-05-06", "2024-05-06"], ("days", "year", "weekday", "day_of_year")),
        (["2024-05-06", "2024-05-06"], ("days",)),
        (["2024-05-06", None], ("days",)),
    ],
)
def test_parts_are_those_that_differ(times, expected):
    assert date_parts(days(times)) == expected


def test_parts_before_1970_and_in_leap_years():
    found = moment_parts(days(["1968-02-29 06:30", "1969-12-31", "2000-12-31 23:59:59"]))
    assert found["year"].tolist() == [1968, 1969, 2000] and found["month"].tolist() == [1, 11, 11]
    assert found["day"].tolist() == [28, 30, 30] and found["weekday"].tolist() == [3, 2, 6]
    assert found["day_of_year"].tolist() == [59, 364, 365] and found["hour"][0] == 6.5


def test_few_categories_are_one_hot_and_many_are_embedded():
    values = np.array([*"aabbbc"] + [f"r{i}" for i in range(4)], object)
    assert category_code(values, Encode()).known == ("a", "b", "c", "r0", "r1", "r2", "r3")
    code = category_code(values, Encode(embed_above=2, rare_below=1))
    assert code.known == ("b", "a", "c", "r0", "r1", "r2", "r3") and code.width == round(2 * 7**0.25)
    code = category_code(values, Encode(embed_above=2, rare_below=2))
    assert code.known == ("a", "b") and code.width == 0 and (code.rare, code.rare_rows) == (5, 5)
    code = category_code(values, Encode(embed_above=2, rare_below=9))  # all are rare
    assert code.known == ("a", "b") and code.rare == 5
    assert category_code(values, Encode(embed_above=None)).width == 0


def test_a_prepared_row(tmp_path):
    rows = ["day,size,name,y"]
    rows += [f"2024-01-{1 + i % 28:02},{i},n{i % 6},{'ab'[i % 2]}" for i in range(60)]
    (tmp_path / "t.csv").write_text("\n".join(rows))
    dataset = load(f"csv:{tmp_path}/t.csv", target="y")
    steps = [PreprocessStep(encode=Encode(embed_above=5, rare_below=1)), PreprocessStep(standardize={})]
    fitted = fit_preprocessor(steps, dataset)
    raw = dataset.train.take(np.arange(5))
    prepared = fitted.prepare(raw)
    known = category_code(dataset.train.take(np.arange(len(dataset.train)))["name"], steps[0].encode).known
    assert prepared.shape == (5, 1 + 7 + 1) and fitted.embedded[0].size == len(known) + 1 == 7
    np.testing.assert_array_equal(prepared[:, 0], raw["size"])
    np.testing.assert_array_equal(prepared[:, 1], raw["day"])
    weekday = (raw["day"].astype(int) + 3) % 7
    np.testing.assert_allclose(prepared[:, 4], np.sin(2 * np.pi * weekday / 7), atol=1e-5)
    np.testing.assert_array_equal(prepared[:, -1], [known.index(name) + 1 for name in raw["name"]])
    assert fitted.scale[-1] == 1 and fitted.offset[-1] == 0 and fitted.scale[0] != 1
    unseen = fitted.prepare({**raw, "name": np.array(["?"] * 5, object)})
    assert (unseen[:, -1] == 0).all()


def test_a_time_of_day_is_held_in_float64(tmp_path):
    text = "\n".join(["when,y", *(f"2024-01-{1 + i % 28:02} 10:{i % 60:02},{i % 3}" for i in range(60))])
    (tmp_path / "t.csv").write_text(text)
    column = load(f"csv:{tmp_path}/t.csv", "tabular_regression", target="y").signature.columns[0]
    assert column.double and column.form == "time"
