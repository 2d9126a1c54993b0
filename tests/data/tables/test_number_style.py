"""How numbers are written: the values, against Python's decimal, and what is left as text."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.data.tables.number_style import NumberStyle, find_style, is_missing_number, looks_like_number, parse_numbers

WRITERS = {  # style: how Python writes a number in it
    NumberStyle(): lambda x: f"{x:.2f}",
    NumberStyle(thousands=","): lambda x: f"{x:,.2f}",
    NumberStyle(",", "."): lambda x: f"{x:,.2f}".translate(str.maketrans(",.", ".,")),
    NumberStyle(",", " "): lambda x: f"{x:,.2f}".translate(str.maketrans(",.", " ,")),
    NumberStyle(thousands="'"): lambda x: f"{x:,.2f}".replace(",", "'"),
    NumberStyle(unit="$"): lambda x: f"${x:.2f}" if x >= 0 else f"-${-x:.2f}",
    NumberStyle(thousands=",", unit="€"): lambda x: f"{x:,.2f} €",
    NumberStyle(unit="%"): lambda x: f"{x:.2f}%",
    NumberStyle(unit="kg"): lambda x: f"{x:.2f} kg",
}


@pytest.mark.parametrize("style", WRITERS, ids=str)
@given(st.lists(st.integers(-(10**9), 10**9), min_size=1, max_size=8))
def test_numbers_are_those_that_were_written(style, cents):
    numbers = [Decimal(c) / 100 for c in [*cents, 123456789]]  # the last one shows the thousands
    texts = [WRITERS[style](x) for x in numbers]
    found, _ = find_style(texts)
    assert found == style
    np.testing.assert_array_equal(parse_numbers(texts, style), [float(x) for x in numbers])


@pytest.mark.parametrize(
    ("texts", "other"),
    [(["1,234", "5,678"], True), (["1,234", "3,14"], False), (["1,234", "12,345,678"], False), (["1.5", "2"], False)],
)
def test_whether_the_other_decimal_mark_would_give_other_numbers(texts, other):
    assert find_style(texts)[1] is other


def test_a_named_or_likely_decimal_mark_decides():
    texts = ["1,234", "5,678"]
    for settings in ({"decimal": ","}, {"likely_decimal": ","}):
        style, _ = find_style(texts, **settings)
        np.testing.assert_array_equal(parse_numbers(texts, style), [1.234, 5.678])
    assert find_style(["1.234"], decimal=",")[0] == NumberStyle(",", ".")
    assert find_style(["1 5"], thousands=" ")[0] is None


@pytest.mark.parametrize(
    "texts",
    [["$5", "€5"], ["$5", "7"], ["1,23,456"], ["12A"], ["A12"], ["10.0.0.1"], ["1_0"], ["0x1F"], ["x"], ["1 2"]],
)
def test_what_is_no_number_or_not_of_one_style(texts):
    assert find_style(texts)[0] is None


def test_codes_and_addresses_do_not_look_like_numbers():
    assert [looks_like_number(text) for text in ("1.5", "$5", "10.0.0.1", "12A", "2023-01-01", "")] == [True] * 2 + [
        False
    ] * 4


def test_what_stands_for_a_missing_number():
    assert all(is_missing_number(text) for text in ("", "NA", "n/a", "n.a.", "NaN", "null", "None", "-", "?"))
    assert not any(is_missing_number(text) for text in ("0", "no", "-1", "missing"))
    assert is_missing_number("-999", ["-999"])
    assert np.isnan(parse_numbers(["-999", "NA", ""], missing=["-999"])).all()
