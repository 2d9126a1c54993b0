"""Diffusion processes against the papers' formulas."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keras import ops

from zoo.errors import ZooError
from zoo.layers.diffusion import MIN_COSINE_ALPHA, Process

PAIRS = [("linear", "noise"), ("linear", "x0"), ("linear", "v"), ("cosine", "noise"), ("cosine", "x0"), ("cosine", "v")]
EVERY = [*PAIRS, ("rectified_flow", "velocity")]
TIMES = st.floats(0.02, 0.98)


def arrays(seed=0, count=4):
    rng = np.random.default_rng(seed)
    return rng.uniform(-1, 1, (count, 3, 2, 1)), rng.normal(size=(count, 3, 2, 1))


def images(time, count=4):
    return np.full(count, time)


# --- schedules ----------------------------------------------------------------------------------------------------


def test_linear_is_the_product_of_the_thousand_steps_of_ddpm():
    """The continuous form goes through them up to the difference between 1 - beta and exp(-beta)."""
    remaining = np.cumprod(1 - np.linspace(1e-4, 0.02, 1000))
    found = Process("linear").alpha(np.arange(1, 1001) / 1000) ** 2
    np.testing.assert_allclose(found, remaining, atol=2e-3)
    np.testing.assert_allclose(np.log(found), np.log(remaining), rtol=1e-2, atol=1e-3)


def test_cosine_is_the_formula_of_nichol_and_dhariwal():
    def f(t):
        return np.cos((t + 0.008) / 1.008 * np.pi / 2) ** 2

    time = np.linspace(0, 0.999, 500)
    np.testing.assert_allclose(Process("cosine").alpha(time) ** 2, f(time) / f(0), rtol=1e-9)
    np.testing.assert_allclose(Process("cosine").sigma(time) ** 2, 1 - f(time) / f(0), rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("schedule", ["linear", "cosine"])
@given(time=st.floats(0, 1))
def test_the_variance_is_preserved(schedule, time):
    process = Process(schedule)
    assert process.alpha(time) ** 2 + process.sigma(time) ** 2 == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize(("schedule", "prediction"), [("linear", "v"), ("cosine", "v"), ("rectified_flow", "velocity")])
def test_it_begins_with_the_image_and_ends_with_noise(schedule, prediction):
    process, time = Process(schedule, prediction), np.linspace(0, 1, 101)
    alpha, sigma = process.alpha(time), process.sigma(time)
    assert (alpha[0], sigma[0]) == (1, 0)
    assert 0 <= alpha[-1] < 0.01 and sigma[-1] == pytest.approx(1, abs=1e-4)
    assert (np.diff(alpha) < 0).all() and (np.diff(sigma) > 0).all()


def test_cosine_keeps_a_trace_of_the_image():
    assert Process("cosine").alpha(1.0) == MIN_COSINE_ALPHA


@pytest.mark.parametrize("schedule", ["linear", "cosine"])
def test_small_noise_is_exact_in_float32(schedule):
    """1 - alpha ** 2 would have no correct digit here."""
    time = np.array([1e-5, 1e-4, 1e-3])
    alpha = Process(schedule).alpha(time.astype(np.longdouble))
    expected = np.sqrt(1 - alpha**2).astype(np.float64)
    found = Process(schedule).sigma(ops.convert_to_tensor(time.astype("float32")))
    assert found.dtype == "float32"
    np.testing.assert_allclose(ops.convert_to_numpy(found), expected, rtol=1e-3)
    np.testing.assert_allclose(Process(schedule).sigma(time), expected, rtol=1e-9)


# --- predictions --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("schedule", "prediction"), EVERY)
@given(time=TIMES)
def test_a_perfect_prediction_gives_back_image_and_noise(schedule, prediction, time):
    process, (x0, noise) = Process(schedule, prediction), arrays()
    times = images(time) * [1, 0.9, 0.5, 0.7]  # each image has its own
    x = process.diffuse(x0, noise, times)
    found = process.recover(x, process.target(x0, noise, times), times)
    np.testing.assert_allclose(found[0], x0, atol=1e-9)
    np.testing.assert_allclose(found[1], noise, atol=1e-9)


def test_targets_are_those_of_the_papers():
    x0, noise = arrays()
    alpha, sigma = (getattr(Process("cosine"), k)(0.3) for k in ("alpha", "sigma"))
    time = images(0.3)
    np.testing.assert_allclose(Process("cosine").diffuse(x0, noise, time), alpha * x0 + sigma * noise)
    np.testing.assert_array_equal(Process("cosine", "noise").target(x0, noise, time), noise)
    np.testing.assert_array_equal(Process("cosine", "x0").target(x0, noise, time), x0)
    np.testing.assert_allclose(Process("cosine", "v").target(x0, noise, time), alpha * noise - sigma * x0)
    flow = Process("rectified_flow", "velocity")
    np.testing.assert_allclose(flow.target(x0, noise, time), noise - x0)
    np.testing.assert_allclose(flow.diffuse(x0, noise, time), 0.7 * x0 + 0.3 * noise)


@pytest.mark.parametrize(("schedule", "prediction"), EVERY)
def test_tensors_give_the_same_as_numpy(schedule, prediction):
    process, (x0, noise), time = Process(schedule, prediction), arrays(), np.array([0.1, 0.5, 0.9, 1.0])
    tensors = [ops.convert_to_tensor(a.astype("float32")) for a in (x0, noise, time)]
    for name in ("diffuse", "target"):
        found = getattr(process, name)(*tensors)
        np.testing.assert_allclose(ops.convert_to_numpy(found), getattr(process, name)(x0, noise, time), atol=1e-5)
    expected = process.recover(x0, noise, time)
    for found, value in zip(process.recover(*tensors), expected, strict=True):
        np.testing.assert_allclose(ops.convert_to_numpy(found), value, rtol=1e-4, atol=1e-5)


# --- errors -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["sqrt"], "unknown schedule 'sqrt'"),
        (["linear", "score"], "unknown prediction 'score'"),
        (["linear", "velocity"], "does not go with the prediction 'velocity'"),
        (["rectified_flow"], "does not go with the prediction 'noise'"),
    ],
)
def test_impossible_processes_are_refused(names, message):
    with pytest.raises(ZooError, match=message):
        Process(*names)
