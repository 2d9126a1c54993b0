"""Split conformal intervals: ranks against fractions, coverage of numbers that are drawn, windows of two levels."""

import math
from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest

from zoo.data.dataset import whole
from zoo.data.inputs import ArrayInputs
from zoo.data.prediction_intervals import PredictionIntervals, deviations, min_examples, rank_of_bound
from zoo.errors import ZooError
from zoo.evaluation.conformal import add_intervals, check_examples, half_widths
from zoo.evaluation.result import TaskResult


@pytest.mark.parametrize("level", [0.5, 0.7, 0.8, 0.9, 0.95, 0.99])
def test_the_rank_is_the_smallest_whose_coverage_is_guaranteed(level):
    fewest = min_examples(level)
    for count in range(fewest, fewest + 60):
        guaranteed = [rank for rank in range(1, count + 1) if Fraction(rank, count + 1) >= Fraction(str(level))]
        assert rank_of_bound(count, level) == guaranteed[0]
    assert rank_of_bound(fewest - 1, level) > fewest - 1


def test_each_step_has_its_own_half_width():
    residuals = np.array([[1.0, -40], [-3, 10], [2, 30], [-4, 20]])
    assert half_widths(residuals, 0.6).tolist() == [3, 30]  # the third of four


def problem(task, level, *, validation, test=None):
    return SimpleNamespace(
        recipe=SimpleNamespace(task=task, evaluation=SimpleNamespace(intervals=level)),
        dataset=SimpleNamespace(name="mine", validation=validation, test=test),
    )


def test_coverage_of_exchangeable_numbers():
    generator = np.random.default_rng(0)
    coverage = []
    for _ in range(400):
        y, output = generator.standard_t(3, (2, 30)), np.zeros((2, 30))
        result = TaskResult({"validation": (y[0][:19], output[0][:19]), "test": (y[1], output[1])}, None)
        found = add_intervals(problem("tabular_regression", 0.9, validation=y), result).facts["prediction_intervals"]
        coverage.append(found["coverage"])
        assert found["mean_width"] == pytest.approx(2 * found["half_widths"][0]) and found["examples"] == 19
    assert np.mean(coverage) == pytest.approx(0.9, abs=0.01)  # 18 of 20 ranks


def test_forecasts_of_windows_are_scaled_by_the_window():
    generator = np.random.default_rng(0)
    levels = np.repeat([1.0, 1000.0], 50)
    windows = (levels[:, None] * generator.normal(5, 1, (100, 12)))[..., None]
    true = levels[:, None] * generator.normal(5, 1, (100, 2))
    y = np.concatenate([true, np.ones((100, 1))], axis=1)
    split = whole(ArrayInputs(windows), y)
    result = TaskResult({s: (y, 5 * np.repeat(levels[:, None], 2, 1)) for s in ("validation", "test")}, None)
    facts = add_intervals(problem("forecasting", 0.8, validation=split, test=split), result).facts
    found = PredictionIntervals.from_json(facts["prediction_intervals"])
    spread = windows[..., 0].std(axis=1, keepdims=True)
    residuals = np.sort(np.abs(true - 5 * levels[:, None]) / spread, axis=0)
    np.testing.assert_allclose(found.array, residuals[math.ceil(101 * 0.8) - 1])
    lower, upper = found.bounds(result.outputs["test"][1], windows)
    inside = (lower <= true) & (true <= upper)
    assert facts["prediction_intervals"]["coverage"] == pytest.approx(inside.mean())
    assert facts["prediction_intervals"]["coverage_by_step"] == pytest.approx(inside.mean(axis=0))
    assert facts["prediction_intervals"]["mean_width"] == pytest.approx((upper - lower).mean())
    assert abs(inside[:50].mean() - inside[50:].mean()) < 0.2  # small and large windows alike


def test_a_constant_window_has_deviation_one():
    assert deviations(np.full((2, 5, 1), 3.0)).tolist() == [[1], [1]]
    several = np.stack([np.arange(5.0), np.full(5, 2.0), np.arange(5.0) * 9], axis=-1)[None]
    np.testing.assert_allclose(deviations({"array": several}, (2,)), [[[np.std(np.arange(5)), 1]]])


def test_too_few_validation_examples_are_refused_with_their_count():
    with pytest.raises(ZooError, match=r"0.9 needs the residuals of at least 9 windows, and the validation .* has 8"):
        check_examples(problem("forecasting", 0.9, validation=np.zeros(8)))
    check_examples(problem("forecasting", 0.9, validation=np.zeros(9)))
    check_examples(problem("forecasting", None, validation=np.zeros(0)))


@pytest.mark.parametrize("facts", [{"half_widths": [1.0, 2.0], "shape": [3]}, {"half_widths": [-1.0], "shape": [1]}])
def test_damaged_intervals(facts):
    with pytest.raises(ValueError, match="expected half-widths of the shape"):
        PredictionIntervals.from_json({"level": 0.9, "by_window": False, **facts})
