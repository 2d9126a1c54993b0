"""Learning rates at every step of a run, against the formulas of their papers in NumPy."""

import numpy as np
import pytest
from pydantic import TypeAdapter

from zoo.optimization.schedules import build_schedule
from zoo.recipe.optimization import LearningRate

PER_EPOCH, EPOCHS = 7, 10
TOTAL = PER_EPOCH * EPOCHS
STEP = np.arange(TOTAL)


def rates(settings):
    schedule = build_schedule(TypeAdapter(LearningRate).validate_python(settings), PER_EPOCH, EPOCHS)
    return [float(schedule(step)) for step in STEP]


def cosine(step, total, peak, final):
    """Loshchilov and Hutter (2017), equation 5."""
    return final + 0.5 * (peak - final) * (1 + np.cos(np.pi * step / total))


@pytest.mark.parametrize("final", [0.0, 0.01])
def test_cosine(final):
    found = rates({"schedule": "cosine", "peak": 0.5, "final": final})
    np.testing.assert_allclose(found, cosine(STEP, TOTAL, 0.5, final), rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize(("epochs", "warmup"), [(1.0, 7), (2.5, 18), (0.01, 1)])
@pytest.mark.parametrize("final", [0.0, 0.01])
def test_warmup_cosine(epochs, warmup, final):
    found = rates({"schedule": "warmup_cosine", "peak": 0.5, "warmup_epochs": epochs, "final": final})
    later = cosine(STEP - warmup, TOTAL - warmup, 0.5, final)
    np.testing.assert_allclose(found, np.where(warmup > STEP, 0.5 * STEP / warmup, later), rtol=1e-5, atol=1e-7)
    assert max(found) == pytest.approx(0.5)


def test_step():
    found = rates({"schedule": "step", "initial": 0.1, "factor": 0.5, "epochs": [6, 3]})
    epoch = STEP // PER_EPOCH
    np.testing.assert_allclose(found, 0.1 * 0.5 ** ((epoch >= 3).astype(int) + (epoch >= 6)), rtol=1e-6)


def test_exponential():
    found = rates({"schedule": "exponential", "initial": 0.1, "factor": 0.8})
    np.testing.assert_allclose(found, 0.1 * 0.8 ** (STEP / PER_EPOCH), rtol=1e-5)


def test_a_number():
    assert build_schedule(0.25, PER_EPOCH, EPOCHS) == 0.25
