"""The bootstrap: which resamples are drawn."""

import numpy as np
import pytest

from zoo.evaluation.metrics import intervals as module
from zoo.evaluation.metrics.intervals import bootstrap, draws, percentile_interval


@pytest.mark.parametrize(("examples", "block"), [(20, 1), (20, 5), (23, 5)])
def test_resamples_are_circular_runs_of_a_block(examples, block):
    found = bootstrap(lambda counts: counts, examples, seed=7, resamples=30, block=block)
    generator = np.random.default_rng(7)
    for row in found:
        starts = generator.integers(0, examples, size=-(-examples // block))
        drawn = [(start + k) % examples for start in starts for k in range(block)][:examples]
        assert row.tolist() == [drawn.count(i) for i in range(examples)]
    assert (found.sum(1) == examples).all()


def test_windows_that_overlap_are_drawn_in_blocks(made, monkeypatch):
    seen = {}
    monkeypatch.setattr(module, "bootstrap", lambda statistic, n, **options: seen.update(options) or np.zeros((1, 5)))
    y, output, _ = made.forecasting(n=40, horizon=6)
    draws("forecasting", y, output)
    assert seen["block"] == 6
    draws("forecasting", y[::6], output[::6])
    assert seen["block"] == 1


def test_the_interval_holds_the_central_95_percent():
    assert percentile_interval(np.arange(1001.0)) == pytest.approx([25.0, 975.0])
    assert percentile_interval(np.array([np.nan, 1.0])) == [1.0, 1.0]
    assert percentile_interval(np.array([np.nan])) is None
