"""Losses against their formulas in NumPy."""

import numpy as np
import pytest
from pydantic import TypeAdapter
from scipy.special import log_softmax

from zoo.losses import build_loss
from zoo.recipe.optimization import Loss
from zoo.tasks import TASKS

RNG = np.random.default_rng(0)
LOGITS = (5 * RNG.normal(size=(64, 7))).astype(np.float32)
CLASSES = np.eye(7, dtype=np.float32)[RNG.integers(0, 7, 64)]
VALUES, ERRORS = RNG.normal(size=(2, 64, 1)).astype(np.float32)


def loss(settings, y, output):
    return float(build_loss(TypeAdapter(Loss).validate_python(settings))(y, output))


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.6])
def test_cross_entropy_with_label_smoothing(smoothing):
    """Szegedy et al. (2016), section 7."""
    target = (1 - smoothing) * CLASSES + smoothing / 7
    expected = -(target * log_softmax(LOGITS, axis=1)).sum(axis=1).mean()
    found = loss({"name": "categorical_crossentropy", "label_smoothing": smoothing}, CLASSES, LOGITS)
    assert found == pytest.approx(expected, rel=1e-5)


def test_cross_entropy_of_blended_targets_and_of_extreme_logits():
    blended = 0.3 * CLASSES + 0.7 * CLASSES[::-1]
    expected = -(blended * log_softmax(LOGITS, axis=1)).sum(axis=1).mean()
    assert loss({"name": "categorical_crossentropy"}, blended, LOGITS) == pytest.approx(expected, rel=1e-5)
    extreme = loss({"name": "categorical_crossentropy"}, CLASSES[:1], 1e4 * (1 - CLASSES[:1]))
    assert extreme == pytest.approx(1e4 + np.log(6), rel=1e-5)


@pytest.mark.parametrize("delta", [0.3, 1.0, 5.0])
def test_huber(delta):
    error = np.abs(ERRORS)
    expected = np.where(error <= delta, 0.5 * error**2, delta * (error - 0.5 * delta)).mean()
    found = loss({"name": "huber", "delta": delta}, VALUES, VALUES + ERRORS)
    assert found == pytest.approx(expected, rel=1e-4)


def test_squared_and_absolute_error():
    output = VALUES + ERRORS
    assert loss({"name": "mean_squared_error"}, VALUES, output) == pytest.approx((ERRORS**2).mean(), rel=1e-5)
    assert loss({"name": "mean_absolute_error"}, VALUES, output) == pytest.approx(np.abs(ERRORS).mean(), rel=1e-5)


def test_every_loss_of_every_task_can_be_built():
    for name in {name for task in TASKS.values() for name in task.losses}:
        assert np.isfinite(loss({"name": name}, CLASSES, LOGITS))
