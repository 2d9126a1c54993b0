"""Learning rates at every step of a run, against the formulas of their papers in NumPy."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from zoo.errors import ZooError
from zoo.optimization.schedules import build_schedule
from zoo.recipe.schedules import Duration, LearningRate, steps_of

PER_EPOCH, EPOCHS = 7, 10
TOTAL = PER_EPOCH * EPOCHS
STEP = np.arange(TOTAL)
SOME = np.array([0, 1, 7, 13, 14, 15, 21, 27, 28, 29, 35, 41, 42, 43, 69])
FOURTEEN = [2, "2 epochs", "14 steps", "20%"]  # steps, said in every way


def schedule_of(settings, per_epoch=PER_EPOCH, epochs=EPOCHS):
    return build_schedule(TypeAdapter(LearningRate).validate_python(settings), per_epoch, epochs)


def rates(settings, at=STEP):
    schedule = schedule_of(settings)
    return [float(schedule(step)) for step in at]


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


def test_a_plateau_begins_at_a_number():
    assert schedule_of({"schedule": "reduce_on_plateau", "initial": 0.25}) == 0.25


# --- durations ----------------------------------------------------------------------------------------------------


@given(st.integers(1, 999), st.integers(1, 99), st.floats(0.01, 99).map(lambda x: round(x, 2)))
def test_durations(per_epoch, epochs, count):
    assert steps_of(count, per_epoch, epochs) == steps_of(f"{count} epochs", per_epoch, epochs)
    assert steps_of(f"{count} epochs", per_epoch, epochs) == pytest.approx(count * per_epoch)
    assert steps_of(f"{count}%", per_epoch, epochs) == pytest.approx(count / 100 * per_epoch * epochs)
    assert steps_of(f"{count} steps", per_epoch, epochs) == count


@pytest.mark.parametrize(("text", "steps"), [("1 step", 1), ("1 epoch", 7), ("0.5%", 0.35), ("0.05 epochs", 0.35)])
def test_one_and_less_than_one(text, steps):
    assert TypeAdapter(Duration).validate_python(text) == text
    assert steps_of(text, PER_EPOCH, EPOCHS) == pytest.approx(steps)


@pytest.mark.parametrize("text", ["", "5", "0%", "0.0 steps", "-1 steps", "5 weeks", "1e3 steps", "5  steps", "05%"])
def test_what_is_no_duration(text):
    with pytest.raises(ValidationError):
        TypeAdapter(Duration).validate_python(text, strict=True)


def test_a_warmup_in_steps_that_is_longer_than_the_run():
    for too_long in (
        {"schedule": "warmup_cosine", "peak": 1, "warmup": "70 steps"},
        {"schedule": "warmup_linear", "peak": 1, "warmup": "70 steps"},
        {"schedule": "one_cycle", "peak": 1, "rise": "36 steps"},
    ):
        with pytest.raises(ZooError, match=r"learning_rate\.(warmup|rise): \d+ steps do not fit .* has 70 steps"):
            schedule_of(too_long)
    assert schedule_of({"schedule": "one_cycle", "peak": 1, "rise": "35 steps"})(35) == 1


# --- schedules whose durations are given in every way -------------------------------------------------------------


@pytest.mark.parametrize("fourteen", FOURTEEN)
def test_warmup_cosine_in_other_units(fourteen):
    found = rates({"schedule": "warmup_cosine", "peak": 0.5, "warmup": fourteen}, SOME)
    assert found == rates({"schedule": "warmup_cosine", "peak": 0.5, "warmup_epochs": 2}, SOME)


@pytest.mark.parametrize("fourteen", FOURTEEN)
def test_warmup_linear(fourteen):
    """Devlin et al. (2019): up to the peak in proportion to the step, then down in proportion to what is left."""
    found = rates({"schedule": "warmup_linear", "peak": 0.5, "warmup": fourteen, "final": 0.1}, SOME)
    down = 0.1 + 0.4 * (TOTAL - SOME) / (TOTAL - 14)
    np.testing.assert_allclose(found, np.where(SOME < 14, 0.5 * SOME / 14, down), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("fourteen", FOURTEEN)
def test_step_at_times(fourteen):
    found = rates({"schedule": "step", "initial": 0.1, "factor": 0.5, "at": ["50%", fourteen]}, SOME)
    np.testing.assert_allclose(found, 0.1 * 0.5 ** ((SOME >= 14).astype(int) + (SOME >= 35)), rtol=1e-6)


@pytest.mark.parametrize("fourteen", FOURTEEN)
def test_exponential_by_another_time(fourteen):
    found = rates({"schedule": "exponential", "initial": 0.1, "factor": 0.8, "every": fourteen}, SOME)
    np.testing.assert_allclose(found, 0.1 * 0.8 ** (SOME / 14), rtol=1e-5)


@pytest.mark.parametrize("fourteen", FOURTEEN)
@pytest.mark.parametrize("power", [1.0, 0.9, 2.0])
def test_polynomial(fourteen, power):
    """Chen et al. (2017): the power of the fraction of the time that is left."""
    found = rates({"schedule": "polynomial", "initial": 0.5, "final": 0.1, "power": power, "over": fourteen}, SOME)
    expected = 0.1 + 0.4 * np.clip(1 - SOME / 14, 0, 1) ** power
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-7)


def test_polynomial_over_the_whole_run():
    found = rates({"schedule": "polynomial", "initial": 0.5}, SOME)
    np.testing.assert_allclose(found, 0.5 * (1 - SOME / TOTAL), rtol=1e-5, atol=1e-7)


def restarts(first, growth, peak, decay, final):
    """Loshchilov and Hutter (2017), equation 5, period by period."""
    found, length, height = [], first, peak - final
    while len(found) < TOTAL:
        found += [final + 0.5 * height * (1 + np.cos(np.pi * t / length)) for t in range(length)]
        length, height = length * growth, height * decay
    return np.array(found)[SOME]


@pytest.mark.parametrize("fourteen", FOURTEEN)
@pytest.mark.parametrize(("growth", "decay", "final"), [(1, 1.0, 0.0), (2, 0.5, 0.1)])
def test_warm_restarts(fourteen, growth, decay, final):
    settings = {"schedule": "warm_restarts", "peak": 0.5, "period": fourteen, "growth": growth, "peak_decay": decay}
    found = rates({**settings, "final": final}, SOME)
    np.testing.assert_allclose(found, restarts(14, growth, 0.5, decay, final), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("fourteen", FOURTEEN)
def test_one_cycle(fourteen):
    """Smith and Topin (2018): two lines of the same length, then far below where the cycle began."""
    found = rates({"schedule": "one_cycle", "peak": 0.5, "rise": fourteen, "start": 0.2, "final": 0.001}, SOME)
    expected = np.interp(SOME, [0, 14, 28, TOTAL], [0.1, 0.5, 0.1, 0.001])
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@settings(max_examples=20)
@given(st.integers(2, 60), st.integers(2, 20), st.floats(0.001, 9.0), st.floats(0, 0.001))
def test_where_lines_begin_peak_and_end(per_epoch, epochs, peak, final):
    total = per_epoch * epochs
    rise = schedule_of({"schedule": "warmup_linear", "peak": peak, "warmup": "25%", "final": final}, per_epoch, epochs)
    warmup = max(1, round(total / 4))
    found = [float(rise(step)) for step in (0, warmup, total, 2 * total)]
    assert found == pytest.approx([0, peak, final, final], rel=1e-4, abs=1e-6 * peak)


@pytest.mark.parametrize("name", ["warmup_linear", "one_cycle"])
def test_lines_survive_their_configuration(name):
    schedule = schedule_of({"schedule": name, "peak": 0.5, **({"warmup": 1} if name == "warmup_linear" else {})})
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(schedule))
    assert [float(again(step)) for step in SOME[::3]] == [float(schedule(step)) for step in SOME[::3]]


@pytest.mark.parametrize("waves", [1, 4])
def test_cosine_log(waves):
    """Holzmüller et al. (2024), section 3: coslog4."""
    found = rates({"schedule": "cosine_log", "peak": 0.2, "waves": waves})
    wanted = 0.1 * (1 - np.cos(2 * np.pi * np.log2(1 + (2**waves - 1) * STEP / TOTAL)))
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-6)
    schedule = schedule_of({"schedule": "cosine_log", "peak": 0.2, "waves": waves})
    again = type(schedule).from_config(schedule.get_config())
    assert float(schedule(TOTAL + 9)) == pytest.approx(0, abs=1e-6) and float(again(5)) == float(schedule(5))
