"""The median stopping rule against its definition."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from zoo.search.median_stopping import is_hopeless

CURVE = st.lists(st.floats(0, 1), min_size=1, max_size=6)


@given(CURVE, st.lists(CURVE, max_size=6), st.booleans())
def test_definition(own, rivals, rises):
    found = is_hopeless(own, rivals, greater_is_better=rises)
    if not rivals:
        assert not found
        return
    averages = [np.mean(rival[: len(own)]) for rival in rivals]
    best = np.max(own) if rises else np.min(own)
    median = np.median(averages)
    if abs(best - median) > 1e-9:
        assert found == (best < median if rises else best > median)


def test_equal_is_not_worse():
    assert not is_hopeless([0.5], [[0.5], [0.5]], greater_is_better=True)
    assert is_hopeless([0.4, 0.45], [[0.5, 0.6], [0.1], [0.5, 0.5]], greater_is_better=True)
    assert not is_hopeless([0.4, 0.55], [[0.5, 0.6], [0.1], [0.5, 0.5]], greater_is_better=True)
    assert not is_hopeless([], [[0.5]], greater_is_better=True)
