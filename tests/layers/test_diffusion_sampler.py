"""Samplers against the papers' formulas, and against data for which the exact denoiser is known."""

import keras
import numpy as np
import pytest
from keras import ops

from zoo import registry
from zoo.errors import ZooError
from zoo.layers.diffusion import Process
from zoo.layers.diffusion_sampler import COLUMNS, Sampler, coefficients, sample_numpy

PAIRS = [("linear", "noise"), ("linear", "x0"), ("linear", "v"), ("cosine", "noise"), ("cosine", "x0"), ("cosine", "v")]
EVERY = [*PAIRS, ("rectified_flow", "velocity")]
MEAN, SPREAD = 0.5, 0.2  # of the Gaussian data


def arrays(seed=0, count=4):
    rng = np.random.default_rng(seed)
    return rng.uniform(-1, 1, (count, 3, 2, 1)), rng.normal(size=(count, 3, 2, 1))


# --- steps --------------------------------------------------------------------------------------------------------


def one_step(process, sampler, steps, i, x, prediction, fresh):
    row = dict(zip(COLUMNS, coefficients(process, steps, sampler)[i], strict=True))
    x0 = row["x0_from_x"] * x + row["x0_from_prediction"] * prediction
    return row["keep"] * x + row["add"] * x0 + row["stir"] * fresh


def times_of(steps, i):
    return (float(np.float32(1 - (i + k) / steps)) for k in (0, 1))


@pytest.mark.parametrize("schedule", ["linear", "cosine"])
@pytest.mark.parametrize("i", [0, 4, 9])
def test_a_ddim_step_is_equation_12(schedule, i):
    process, (x, noise) = Process(schedule, "noise"), arrays()
    time, to = times_of(10, i)
    now, then = process.alpha(time) ** 2, process.alpha(to) ** 2
    predicted_x0 = (x - np.sqrt(1 - now) * noise) / np.sqrt(now)
    expected = np.sqrt(then) * predicted_x0 + np.sqrt(1 - then) * noise
    np.testing.assert_allclose(one_step(process, "ddim", 10, i, x, noise, 0), expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("schedule", ["linear", "cosine"])
@pytest.mark.parametrize("i", [0, 4, 9])
def test_a_ddpm_step_is_the_posterior_of_equation_7(schedule, i):
    process, (x0, x) = Process(schedule, "x0"), arrays()
    _, fresh = arrays(1)
    time, to = times_of(10, i)
    now, before = process.alpha(time) ** 2, process.alpha(to) ** 2  # alpha bar of t and of t - 1
    beta = 1 - now / before
    mean = np.sqrt(before) * beta / (1 - now) * x0 + np.sqrt(1 - beta) * (1 - before) / (1 - now) * x
    variance = (1 - before) / (1 - now) * beta
    expected = mean + np.sqrt(variance) * fresh
    np.testing.assert_allclose(one_step(process, "ddpm", 10, i, x, x0, fresh), expected, rtol=1e-7, atol=1e-9)


def test_a_ddpm_step_of_the_linear_schedule_has_the_betas_of_the_paper():
    """A thousand steps are those of Ho et al.: the fresh noise has their posterior variance, mostly near beta."""
    table = coefficients(Process("linear"), 1000, "ddpm")
    betas = np.linspace(1e-4, 0.02, 1000)[::-1]
    np.testing.assert_allclose(table[:-20, 5] ** 2, betas[:-20], rtol=0.1)


@pytest.mark.parametrize("i", [0, 4, 9])
def test_an_euler_step_follows_the_velocity(i):
    process, (x, velocity) = Process("rectified_flow", "velocity"), arrays()
    time, to = times_of(10, i)
    expected = x + (to - time) * velocity
    np.testing.assert_allclose(one_step(process, "euler", 10, i, x, velocity, 0), expected, atol=1e-12)


@pytest.mark.parametrize(("schedule", "prediction"), EVERY)
def test_the_last_step_ends_at_the_image(schedule, prediction):
    for sampler in ["euler"] if schedule == "rectified_flow" else ["ddim", "ddpm"]:
        table = coefficients(Process(schedule, prediction), 7, sampler)
        assert table.shape == (7, len(COLUMNS)) and table.dtype == np.float64 and np.isfinite(table).all()
        np.testing.assert_allclose(table[-1, 3:], [0, 1, 0], atol=1e-12)
        np.testing.assert_array_equal(table[:, 0], table[:, 0].astype(np.float32))


# --- data with a known denoiser -----------------------------------------------------------------------------------


def exact(process):
    """Return the denoiser of data whose pixels are all independent and normal: the mean of the target given x."""

    def denoise(x, time):
        alpha, sigma = (np.reshape(v, (-1, 1, 1, 1)) for v in (process.alpha(time), process.sigma(time)))
        surprise = (x - alpha * MEAN) / (alpha**2 * SPREAD**2 + sigma**2)
        return process.target(MEAN + alpha * SPREAD**2 * surprise, sigma * surprise, time)

    return denoise


def drawn(process, steps, sampler, count, **options):
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(count, 1, 2, 1))
    fresh = rng.normal(size=(steps, *noise.shape)) if sampler == "ddpm" else None
    return noise, sample_numpy(exact(process), noise, process, steps, sampler, step_noise=fresh, clip=False, **options)


@pytest.mark.parametrize(
    ("schedule", "prediction", "sampler"),
    [("linear", "noise", "ddim"), ("cosine", "v", "ddim"), ("rectified_flow", "velocity", "euler")],
)
def test_deterministic_samplers_move_noise_to_the_data(schedule, prediction, sampler):
    """For normal data the exact flow is affine: what was a standard deviation from the mean still is one."""
    noise, found = drawn(Process(schedule, prediction), 500, sampler, count=50)
    np.testing.assert_allclose(found, MEAN + SPREAD * noise, atol=0.02)
    _, coarse = drawn(Process(schedule, prediction), 10, sampler, count=50)
    assert np.abs(coarse - (MEAN + SPREAD * noise)).max() > 2 * np.abs(found - (MEAN + SPREAD * noise)).max()


@pytest.mark.parametrize("schedule", ["linear", "cosine"])
def test_ddpm_draws_from_the_data(schedule):
    """In many steps: with few, the posterior variance, which takes x0 for known, is too small."""
    noise, found = drawn(Process(schedule, "noise"), 1000, "ddpm", count=2000)
    assert found.mean() == pytest.approx(MEAN, abs=0.01)
    assert found.std() == pytest.approx(SPREAD, abs=0.01)
    assert abs(np.corrcoef(noise.ravel(), found.ravel())[0, 1]) < 0.05


@pytest.mark.parametrize("sampler", ["ddim", "ddpm"])
def test_what_is_predicted_makes_no_difference_to_the_exact_denoiser(sampler):
    results = [drawn(Process("cosine", p), 20, sampler, count=5)[1] for p in ("noise", "x0", "v")]
    np.testing.assert_allclose(results[1], results[0], atol=1e-8)
    np.testing.assert_allclose(results[2], results[0], atol=1e-8)


def test_arithmetic_has_the_given_dtype():
    process, types = Process("cosine", "v"), []

    def denoise(x, time):
        types.extend([x.dtype, time.dtype])
        return exact(process)(x, time)

    noise = np.random.default_rng(0).normal(size=(3, 2, 2, 1))
    single = sample_numpy(denoise, noise, process, 20, "ddim", dtype=np.float32)
    assert {*types, single.dtype} == {np.dtype(np.float32)}
    double = sample_numpy(denoise, noise, process, 20, "ddim")
    assert double.dtype == np.float64
    assert 0 < np.abs(double - single).max() < 1e-5


def test_clipping_keeps_what_is_aimed_at_in_range():
    def denoise(x, time):
        return np.full_like(x, 5)

    noise, _ = arrays()
    process = Process("cosine", "x0")
    np.testing.assert_array_equal(sample_numpy(denoise, noise, process, 4, "ddim"), np.ones_like(noise))
    np.testing.assert_array_equal(sample_numpy(denoise, noise, process, 4, "ddim", clip=False), 5 * np.ones_like(noise))


# --- guidance -----------------------------------------------------------------------------------------------------


def labelled(x, time, labels):
    """Predict 0.1 (1 + x) for class 0, 0.2 (1 + x) for class 1, and 0.05 (1 + x) for no class, which is 2."""
    return np.array([0.1, 0.2, 0.05])[labels].reshape(-1, 1, 1, 1) * (1 + x)


@pytest.mark.parametrize("guidance", [0, 1, 3])
def test_guidance_is_the_formula(guidance):
    process, (noise, _) = Process("cosine", "x0"), arrays()
    labels = np.array([0, 1, 1, 0], np.int32)

    def formula(x, time):
        none = labelled(x, time, np.full(4, 2))
        return none + guidance * (labelled(x, time, labels) - none)

    found = sample_numpy(labelled, noise, process, 5, "ddim", labels=labels, guidance=guidance, classes=2)
    np.testing.assert_allclose(found, sample_numpy(formula, noise, process, 5, "ddim"), atol=1e-12)
    if guidance < 2:
        alone = labels if guidance else np.full(4, 2)
        np.testing.assert_allclose(found, sample_numpy(labelled, noise, process, 5, "ddim", labels=alone), atol=1e-12)


# --- errors -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: coefficients(Process(), 5, "heun"), "unknown sampler 'heun'"),
        (lambda: coefficients(Process(), 5, "euler"), "does not go with the schedule 'cosine'"),
        (lambda: coefficients(Process("rectified_flow", "velocity"), 5, "ddpm"), "does not go with the schedule"),
        (lambda: coefficients(Process(), 0, "ddim"), "steps=0"),
        (lambda: sampled("ddpm"), "needs step_noise"),
        (lambda: sampled("ddim", step_noise=np.zeros((5, 4, 3, 2, 1))), "draws no noise"),
        (lambda: sampled("ddpm", step_noise=np.zeros((4, 4, 3, 2, 1))), r"the shape \(5, 4, 3, 2, 1\)"),
        (lambda: sampled("ddim", guidance=2.0), "guidance needs labels"),
        (lambda: sampled("ddim", labels=np.zeros(4, int), guidance=2.0), "guidance needs `classes`"),
    ],
)
def test_impossible_requests_are_refused(make, message):
    with pytest.raises(ZooError, match=message):
        make()


def sampled(sampler, **options):
    return sample_numpy(lambda x, *_: x, arrays()[0], Process(), 5, sampler, **options)


# --- the Keras sampler --------------------------------------------------------------------------------------------


def denoiser(conditional, seed=0):
    settings = {"width": 8, "depth": 1, "heads": 2, "patch": 2, "conditional": conditional}
    model = registry.build("dit_tiny", input_shape=(4, 4, 1), outputs=3, **settings)
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        weight.assign(rng.normal(0, 0.3, weight.shape))
    return model


def in_numpy(model):
    return lambda *inputs: ops.convert_to_numpy(model([x.astype(x.dtype.str[1:2] + "4") for x in inputs]))


def noises(steps, count=3):
    rng = np.random.default_rng(0)
    return (rng.normal(size=s).astype("float32") for s in ((count, 4, 4, 1), (steps, count, 4, 4, 1)))


@pytest.mark.parametrize(
    ("schedule", "prediction", "sampler", "clip"),
    [("linear", "noise", "ddpm", True), ("cosine", "v", "ddim", False), ("rectified_flow", "velocity", "euler", True)],
)
def test_keras_samples_like_numpy(schedule, prediction, sampler, clip):
    process, model = Process(schedule, prediction), denoiser(conditional=False)
    noise, fresh = noises(6)
    given = {"step_noise": fresh} if sampler == "ddpm" else {}
    found = ops.convert_to_numpy(Sampler(model, process, 6, sampler, clip=clip)(noise, **given))
    expected = sample_numpy(in_numpy(model), noise, process, 6, sampler, clip=clip, **given)
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize("guidance", [None, 0.0, 1.0, 3.0])
def test_keras_guides_like_numpy(guidance):
    process, model, (noise, _) = Process("cosine", "x0"), denoiser(conditional=True), noises(4)
    labels = np.array([0, 2, 1], "int32")
    found = Sampler(model, process, 4, "ddim")(noise, labels, guidance=guidance)
    expected = sample_numpy(in_numpy(model), noise, process, 4, "ddim", labels=labels, guidance=guidance, classes=3)
    np.testing.assert_allclose(ops.convert_to_numpy(found), expected, atol=1e-5)


def test_a_saved_sampler_is_the_same(tmp_path):
    """In a functional model, with class and guidance as inputs."""
    assert keras.saving.get_registered_name(Sampler) == "zoo>Sampler"  # the name in saved files
    inputs = [
        keras.Input((4, 4, 1), name="noise"),
        keras.Input((), dtype="int32", name="label"),
        keras.Input(batch_shape=(1,), name="guidance"),
    ]
    sampler = Sampler(denoiser(conditional=True), Process("cosine", "v"), 3, "ddim", clip=False, name="sampler")
    model = keras.Model(inputs, sampler(inputs[0], inputs[1], guidance=inputs[2]))
    (noise, _), labels = noises(3), np.array([0, 2, 1], "int32")
    given = [noise, labels, np.array([2.0], "float32")]
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras", safe_mode=True)
    expected = ops.convert_to_numpy(model(given))
    np.testing.assert_array_equal(ops.convert_to_numpy(loaded(given)), expected)
    assert expected.shape == noise.shape and model.output_shape == (None, 4, 4, 1)
    again = loaded.get_layer("sampler")
    assert (again.process, again.steps, again.sampler, again.clip) == (Process("cosine", "v"), 3, "ddim", False)


@pytest.mark.parametrize(
    ("conditional", "arguments", "message"),
    [
        (True, {}, "needs labels"),
        (False, {"label": np.zeros(3, "int32")}, "takes no labels"),
        (False, {"guidance": 2.0}, "guidance needs labels"),
        (False, {"step_noise": np.zeros((3, 3, 4, 4, 1), "float32")}, "draws no noise"),
    ],
)
def test_the_keras_sampler_refuses_what_does_not_fit(conditional, arguments, message):
    sampler = Sampler(denoiser(conditional), Process(), 3, "ddim")
    with pytest.raises(ZooError, match=message):
        sampler(next(noises(3)), **arguments)
