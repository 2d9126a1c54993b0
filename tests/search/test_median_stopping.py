"""The median stopping rule against its definition."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from zoo.search.median_stopping import is_below_median

CURVE = st.lists(st.floats(0, 1), min_size=1, max_size=6)


@given(CURVE, st.lists(CURVE, max_size=6), st.booleans())
def test_definition(own, finished, rises):
    found = is_below_median(own, finished, greater_is_better=rises)
    if not finished:
        assert not found
        return
    averages = [np.mean(curve[: len(own)]) for curve in finished]
    best = np.max(own) if rises else np.min(own)
    median = np.median(averages)
    if abs(best - median) > 1e-9:
        assert found == (best < median if rises else best > median)


def test_equal_is_not_worse():
    assert not is_below_median([0.5], [[0.5], [0.5]], greater_is_better=True)
    assert is_below_median([0.4, 0.45], [[0.5, 0.6], [0.1], [0.5, 0.5]], greater_is_better=True)
    assert not is_below_median([0.4, 0.55], [[0.5, 0.6], [0.1], [0.5, 0.5]], greater_is_better=True)
    assert not is_below_median([], [[0.5]], greater_is_better=True)
