"""Curves as text."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.utils.text_plot import text_plot


def test_a_line_upwards():
    text = text_plot([1, 2, 3, 4], "a", "b", width=10, rows=4, plain=True)
    assert text.splitlines() == ["4       ##", "      ####", "    ######", "1 ########", "  a      b"]


def test_blocks_show_parts_of_a_line():
    text = text_plot(range(8), "a", "b", width=10, rows=2)
    assert text.splitlines() == ["7     ▂▄▆█", "0 ▁▃▅▇████", "  a      b"]


def test_a_peak_between_columns_is_seen():
    values = [0.0] * 1000
    values[501] = 1.0
    assert "█" in text_plot(values, "", "", width=40).splitlines()[0]


@settings(max_examples=40)
@given(
    st.lists(st.floats(-1e30, 1e30), min_size=1, max_size=200), st.integers(40, 300), st.integers(2, 20), st.booleans()
)
def test_any_curve_fits_into_its_width(values, width, rows, plain):
    text = text_plot(values, "left", "right", width=width, rows=rows, plain=plain)
    lines = text.splitlines()
    assert len(lines) == rows + 1
    assert max(map(len, lines)) <= width
    assert text.isascii() or not plain


@pytest.mark.parametrize("value", [0.0, -3.5, 1e-9])
def test_what_does_not_change_is_a_level_line(value):
    lines = text_plot([value] * 5, "l", "r", width=40).splitlines()
    assert len({line[-1] for line in lines if line.endswith(("█", "▄"))}) == 1
