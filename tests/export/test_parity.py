"""The comparison of a file with its model: what counts as a difference."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from zoo.errors import ZooError
from zoo.export.parity import OutputParity, difference, different_classes, different_labels


def test_labels_that_differ_are_counted():
    expected = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])
    compared = SimpleNamespace(
        signature=SimpleNamespace(labels=("a", "b"), decisions=None),
        expected=expected,
        prediction=SimpleNamespace(labels=["a", "a", "b"], output=expected[:, ::-1], prediction_sets=None),
    )
    assert different_labels(compared) == 2
    assert different_classes(compared) == 3


def test_the_largest_and_the_mean_difference_and_the_scale():
    expected = np.array([[1.0, -4.0], [2.0, 3.0]])
    found = expected + np.array([[0.0, 0.25], [-0.5, 0.0]])
    assert difference(found.astype(np.float32), expected.astype(np.float32), Path("x")) == OutputParity(
        max_abs_difference=0.5, mean_abs_difference=0.75 / 4, scale=4.0, numbers=4
    )
    assert difference(found, expected, Path("x")).scale == 4.5  # in float64 from the mean, 0.5


def test_parts_that_are_measured_apart_give_what_they_give_together():
    draw = np.random.default_rng(0)
    found, expected = draw.normal(size=(2, 9, 3)).astype(np.float32)
    parts = [difference(found[part], expected[part], Path("x")) for part in (slice(0, 2), slice(2, 9))]
    together = difference(found, expected, Path("x"))
    joined = parts[0].joined(parts[1])
    assert joined.mean_abs_difference == pytest.approx(together.mean_abs_difference, rel=1e-6)
    assert (joined.max_abs_difference, joined.scale, joined.numbers) == (
        together.max_abs_difference,
        together.scale,
        together.numbers,
    )


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_difference_that_is_not_finite_is_infinite(value):
    assert difference(np.array([1.0, value]), np.array([1.0, 1.0]), Path("x")).max_abs_difference == float("inf")


def test_outputs_of_another_shape_are_refused():
    with pytest.raises(ZooError, match=r"x: the file gives outputs of the shape \(1, 2\), the model \(2, 1\)"):
        difference(np.zeros((1, 2)), np.zeros((2, 1)), Path("x"))
