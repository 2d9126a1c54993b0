"""Windows with covariates as one sequence, beside NumPy."""

import keras
import numpy as np
import pytest

from zoo.layers.covariates import HistoryStandardize, JoinHorizon, RescaleKnown
from zoo.layers.preprocessing import WindowStandardize

RANDOM = np.random.default_rng(0)
HISTORY, FUTURE, STATIC = (RANDOM.normal(size=s).astype(np.float32) for s in ((4, 6, 3), (4, 2, 1), (4, 2)))


def joined(history, future, static):
    """Return the sequences by NumPy."""
    rows = []
    for past, ahead, facts in zip(history, future, static, strict=True):
        steps = [[*step, *facts, 0] for step in past] + [[0, 0, *step, *facts, 1] for step in ahead]
        rows.append(steps)
    return np.array(rows, np.float32)


def test_the_horizon_stands_behind_the_history():
    np.testing.assert_array_equal(JoinHorizon(2, 1)(HISTORY, FUTURE, STATIC), joined(HISTORY, FUTURE, STATIC))
    without = JoinHorizon(2, 0)(HISTORY, static=STATIC)
    assert without.shape == (4, 8, 6) and not np.any(without[:, 6:, :3])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_what_is_not_known_stays_zero(dtype):
    steps = joined(HISTORY, FUTURE, STATIC)
    scale, offset = np.arange(1.0, 7), np.arange(6.0)
    found = RescaleKnown(scale, offset, 2, 2, output=dtype, dtype=dtype)(steps)
    expected = steps * scale + offset
    expected[:, 6:, :2] = 0
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    standardized, mean, deviation = HistoryStandardize(2, 2)(np.float32(expected))
    alone = WindowStandardize()(np.float32(expected[:, :6, :2]))
    np.testing.assert_allclose(standardized[:, :6, :2], alone[0], rtol=1e-6)
    np.testing.assert_allclose(standardized[:, 6:, :2], 0)
    np.testing.assert_array_equal(standardized[..., 2:], np.float32(expected)[..., 2:])
    np.testing.assert_array_equal(mean, alone[1])
    np.testing.assert_array_equal(deviation, alone[2])


def test_layers_are_saved_with_their_settings(tmp_path):
    inputs = [keras.Input(values.shape[1:]) for values in (HISTORY, FUTURE, STATIC)]
    x = RescaleKnown([2.0], [1.0], 2, 2)(JoinHorizon(2, 1)(*inputs))
    model = keras.Model(inputs, HistoryStandardize(2, 2)(x)[0])
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again([HISTORY, FUTURE, STATIC]), model([HISTORY, FUTURE, STATIC]))
