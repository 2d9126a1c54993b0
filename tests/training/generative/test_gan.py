"""Two players in one fit: each has exactly the gradients of its own loss, and the losses are the papers'."""

import os
import subprocess
import sys

import keras
import numpy as np
import pytest
from scipy.special import expit

from zoo.backend.gradients import input_gradient
from zoo.registry import build
from zoo.training.generative.gan import Adversarial, player_losses

SMALL = {"latent": 4, "generator_widths": (6, 4), "discriminator_widths": (4, 6), "discriminator_norm": "none"}
FORMS = ("non_saturating", "least_squares", "hinge", "wasserstein")


def trained(name="dcgan", **settings):
    keras.utils.set_random_seed(0)
    classes = {"outputs": 3} if name == "conditional_gan" else {}
    return Adversarial(build(name, input_shape=(8, 8, 1), **classes, **SMALL), seed=1, **settings)


def batch(name="dcgan", n=6):
    images = np.random.default_rng(0).uniform(-1, 1, (n, 8, 8, 1)).astype("float32")
    return [images, np.arange(n, dtype="int32") % 3] if name == "conditional_gan" else images


@pytest.mark.parametrize("form", FORMS)
def test_losses_are_those_of_the_papers(form):
    real, fake = np.random.default_rng(0).normal(size=(2, 9, 1))
    smoothing = 0.1
    d, g = {
        "non_saturating": (
            -((1 - smoothing) * np.log(expit(real)) + smoothing * np.log(1 - expit(real))).mean()
            - np.log(1 - expit(fake)).mean(),
            -np.log(expit(fake)).mean(),
        ),
        "least_squares": (
            0.5 * ((real - 0.9) ** 2).mean() + 0.5 * (fake**2).mean(),
            0.5 * ((fake - 1) ** 2).mean(),
        ),
        "hinge": (np.maximum(0, 1 - real).mean() + np.maximum(0, 1 + fake).mean(), -fake.mean()),
        "wasserstein": (fake.mean() - real.mean(), -fake.mean()),
    }[form]
    found = player_losses(form, *(a.astype("float32") for a in (real, fake, fake)), smoothing)
    assert [float(v) for v in found] == pytest.approx([d, g], rel=1e-5)


@pytest.mark.parametrize("name", ["dcgan", "conditional_gan"])
@pytest.mark.parametrize("form", FORMS)
def test_each_player_has_the_gradients_of_its_own_loss(name, form):
    import tensorflow as tf

    model = trained(name, form=form)
    with tf.GradientTape(persistent=True) as tape:
        scores = model(batch(name), training=True)
        both = model.compute_loss(y_pred=scores)
        d, g = player_losses(form, scores["real"], scores["fake"], scores["fake_for_generator"])
    np.testing.assert_array_equal(scores["fake"], scores["fake_for_generator"])
    of_d, of_g = ([v.value for v in p.trainable_variables] for p in (model.discriminator, model.generator))
    assert tape.gradient(g, of_d) == [None] * len(of_d) and tape.gradient(d, of_g) == [None] * len(of_g)
    for variables, own in ((of_d, d), (of_g, g)):
        gradients = zip(tape.gradient(both, variables), tape.gradient(own, variables), strict=True)
        assert any(np.abs(tf.convert_to_tensor(a)).max() > 0 for a, _ in gradients)
        for total, alone in zip(tape.gradient(both, variables), tape.gradient(own, variables), strict=True):
            np.testing.assert_allclose(tf.convert_to_tensor(total), tf.convert_to_tensor(alone), atol=1e-7)


def test_input_gradient_of_a_known_function():
    x = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")
    found = input_gradient(lambda v: keras.ops.sum(v**3, axis=1), keras.ops.convert_to_tensor(x))
    np.testing.assert_allclose(found, 3 * x**2, rtol=1e-5)


@pytest.mark.parametrize("settings", [{"r1": 2.0}, {"gradient_penalty": 10.0}])
def test_penalties_of_a_linear_judge(settings):
    """Whose gradient is the same everywhere: its kernel."""
    model = trained(**settings)
    image = keras.Input((8, 8, 1))
    model.discriminator = keras.Model(image, keras.layers.Dense(1)(keras.layers.Flatten()(image)))
    kernel = np.array(model.discriminator.trainable_variables[0])
    squared = (kernel**2).sum()
    found = float(model(batch(), training=True)["penalty"])
    expected = 0.5 * 2 * squared if "r1" in settings else 10 * (np.sqrt(squared) - 1) ** 2
    assert found == pytest.approx(expected, rel=1e-4)
    assert float(model(batch(), training=False)["penalty"]) == 0


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({}, marks=pytest.mark.ci),
        pytest.param({"r1": 1.0}, marks=pytest.mark.ci),
        {"form": "wasserstein", "gradient_penalty": 10.0},
    ],
)
def test_fits_saves_and_loads(settings, tmp_path):
    model = trained(**settings)
    model.compile(keras.optimizers.Adam(1e-3), jit_compile=False)
    history = model.fit(batch(n=12), batch_size=4, epochs=2, verbose=0).history
    assert set(history) == {"loss", "generator_loss", "discriminator_loss", "d_real", "d_fake"}
    assert all(np.isfinite(v).all() for v in history.values())
    sums = np.add(history["generator_loss"], history["discriminator_loss"])
    np.testing.assert_allclose(history["loss"], sums, rtol=1e-4)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    for ours, theirs in zip(model.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    noise = np.zeros((2, 4), "float32")
    np.testing.assert_array_equal(loaded.generator(noise), model.generator(noise))


@pytest.mark.ci
def test_a_generator_learns_where_the_data_is():
    """Images of one brightness: the generator comes to make them."""
    keras.utils.set_random_seed(0)
    model = trained(r1=0.1)
    x = np.full((256, 8, 8, 1), 0.6, "float32") + np.random.default_rng(0).normal(0, 0.05, (256, 1, 1, 1))
    model.compile(keras.optimizers.Adam(2e-3, beta_1=0.5), jit_compile=False)
    noise = np.random.default_rng(1).normal(size=(64, 4)).astype("float32")
    before = abs(np.asarray(model.generator(noise)).mean() - 0.6)
    model.fit(x.astype("float32"), batch_size=32, epochs=30, verbose=0)
    assert abs(np.asarray(model.generator(noise)).mean() - 0.6) < min(0.25, 0.5 * before)


PROGRAM = """
import keras, numpy as np
from pydantic import TypeAdapter
from zoo.optimization.optimizers import build_optimizer
from zoo.recipe.optimizers import Optimizer
from zoo.registry import build
from zoo.training.generative.gan import Adversarial
net = build("conditional_gan", input_shape=(8, 8, 1), outputs=3, latent=4, generator_widths=(6, 4),
            discriminator_widths=(4, 6))
model = Adversarial(net, form="hinge", r1=1.0, seed=1)
groups = [{"layers": "discriminator", "learning_rate": 2e-3}]
settings = {"name": "adam", "learning_rate": 1e-3, "ema": 0.9, "groups": groups}
model.compile(build_optimizer(TypeAdapter(Optimizer).validate_python(settings), model, 2, 2))
x = [np.random.default_rng(0).uniform(-1, 1, (8, 8, 8, 1)).astype("float32"), np.arange(8, dtype="int32") % 3]
history = model.fit(x, batch_size=4, epochs=2, verbose=0).history
assert np.isfinite(history["loss"]).all(), history
print(keras.backend.backend())
"""


@pytest.mark.slow
def test_fits_on_jax_with_spectral_norm_a_penalty_and_groups():
    pytest.importorskip("jax")
    environment = {**os.environ, "KERAS_BACKEND": "jax"}
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.split()[-1] == "jax"
