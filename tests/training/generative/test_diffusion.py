"""Training of denoisers: what is drawn, what the loss is, and that it falls."""

import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import ops

from zoo import registry
from zoo.errors import ZooError
from zoo.layers.diffusion import Process
from zoo.layers.diffusion_sampler import sample_numpy
from zoo.training.generative.diffusion import DiffusionTraining

DIT = {"width": 16, "depth": 1, "heads": 2, "patch": 2}
COSINE, FLOW = Process("cosine", "v"), Process("rectified_flow", "velocity")


def training(process=COSINE, *, conditional=True, **options):
    keras.utils.set_random_seed(0)
    network = registry.build("dit_tiny", input_shape=(4, 4, 1), outputs=3, conditional=conditional, **DIT)
    return DiffusionTraining(network, process, **{"seed": 0, **options})


def data(count=32):
    """Return images of one brightness for each class, and their labels."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, count).astype("int32")
    x = np.array([-0.8, 0.0, 0.8], "float32")[labels].reshape(-1, 1, 1, 1) + np.zeros((count, 4, 4, 1), "float32")
    return x, labels


class Recorded(keras.Model):
    """A denoiser that keeps what it was asked, and answers the noisy image."""

    def __init__(self, network):
        super().__init__()
        self.network, self.asked = network, []

    @property
    def inputs(self):
        return self.network.inputs

    @property
    def layers(self):
        return self.network.layers

    def call(self, inputs, training=False):
        self.asked.append([ops.convert_to_numpy(x) for x in inputs])
        return inputs[0]


def recorded(process=COSINE, **options):
    model = training(process, **options)
    model.denoiser = Recorded(model.denoiser)
    return model


# --- what is drawn ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("process", [COSINE, FLOW])
def test_the_denoiser_gets_noisy_images_and_the_target_fits_them(process):
    model, (x, labels) = recorded(process), data()
    found = model([x, labels])
    noisy, time, asked = model.denoiser.asked[0]
    np.testing.assert_array_equal(asked, labels)
    np.testing.assert_array_equal(ops.convert_to_numpy(found["prediction"]), noisy)
    x0, noise = process.recover(noisy, ops.convert_to_numpy(found["target"]), time)
    np.testing.assert_allclose(x0, x, atol=1e-5)
    assert abs(noise.mean()) < 0.2 and noise.std() == pytest.approx(1, abs=0.1)
    np.testing.assert_allclose(process.diffuse(x, noise, time), noisy, atol=1e-5)


def test_times_are_spread_evenly_and_begin_at_random():
    model, (x, labels) = recorded(), data()
    for training_now in (True, False, True):
        model([x, labels], training=training_now)
    times = np.stack([asked[1] for asked in model.denoiser.asked])
    assert ((times >= 0) & (times < 1)).all()
    gaps = np.diff(np.sort(times, axis=1), axis=1)
    np.testing.assert_allclose(gaps, 1 / 32, atol=1e-6)
    assert len(np.unique(times[:, 0])) == 3


def test_evaluation_draws_too_and_each_call_anew():
    model, (x, labels) = recorded(), data()
    first, second = (ops.convert_to_numpy(model([x, labels], training=False)["target"]) for _ in range(2))
    assert (first != second).all(axis=(1, 2, 3)).all()


@pytest.mark.parametrize(("rate", "low", "high"), [(0.0, 0, 0), (0.25, 0.2, 0.3), (1.0, 1, 1)])
def test_labels_are_left_out_in_training_only(rate, low, high):
    model, (x, labels) = recorded(drop_label=rate), data(2000)
    for training_now in (True, False):
        model([x, labels], training=training_now)
    in_training, in_evaluation = (asked[2] for asked in model.denoiser.asked)
    np.testing.assert_array_equal(in_evaluation, labels)
    dropped = in_training == 3
    assert low <= dropped.mean() <= high
    np.testing.assert_array_equal(in_training[~dropped], labels[~dropped])


def test_the_same_seed_draws_the_same():
    x, labels = data()
    runs = []
    for seed in (1, 1, 2):
        model = training(seed=seed)
        model.compile("sgd", run_eagerly=True)
        runs.append(model.train_on_batch([x, labels]))
    assert runs[0] == runs[1] != runs[2]


def test_the_state_of_the_draws_is_among_the_variables():
    model, (x, labels) = training(), data()
    state = model.generator.state
    assert any(v is state for v in model.variables)
    before = ops.convert_to_numpy(state).copy()
    first = ops.convert_to_numpy(model([x, labels])["target"])
    assert (ops.convert_to_numpy(state) != before).any()
    state.assign(before)
    np.testing.assert_array_equal(ops.convert_to_numpy(model([x, labels])["target"]), first)


# --- loss ---------------------------------------------------------------------------------------------------------


def test_the_loss_is_the_mean_squared_error_or_what_is_asked_for():
    model, (x, labels) = training(), data()
    found = {k: ops.convert_to_numpy(v) for k, v in model([x, labels]).items()}
    error = found["prediction"] - found["target"]
    for loss, expected in ((None, np.mean(error**2)), ("mean_absolute_error", np.mean(np.abs(error)))):
        model.compile("sgd", loss, run_eagerly=True)
        assert float(model.compute_loss(y_pred=found)) == pytest.approx(expected, rel=1e-5)


def test_a_penalty_of_the_denoiser_is_part_of_the_loss():
    image, time = keras.Input((2, 2, 1), name="image"), keras.Input((), name="time")
    layer = keras.layers.Dense(1, kernel_initializer="ones", kernel_regularizer=keras.regularizers.L2(0.5))
    model = DiffusionTraining(keras.Model([image, time], layer(image)), COSINE, seed=0)
    model.compile("sgd", run_eagerly=True)
    found = model(np.zeros((4, 2, 2, 1), "float32"))
    error = ops.convert_to_numpy(found["prediction"] - found["target"])
    assert float(model.compute_loss(y_pred=found)) == pytest.approx(np.mean(error**2) + 0.5, rel=1e-5)


def test_wrong_inputs_and_settings_are_refused():
    x, labels = data()
    with pytest.raises(ZooError, match="is trained on images and labels, received 1 inputs"):
        training()(x)
    with pytest.raises(ZooError, match="is trained on images, received 2 inputs"):
        training(conditional=False)([x, labels])
    with pytest.raises(ZooError, match=r"drop_label must be from 0 to 1, received 1\.5"):
        training(drop_label=1.5)


# --- training -----------------------------------------------------------------------------------------------------


@pytest.mark.ci
def test_fit_lowers_the_loss_and_the_classes_come_out():
    """With averaged weights, as samplers use them."""
    model, (x, labels) = training(FLOW), data(256)
    adam = keras.optimizers.Adam(1e-2, use_ema=True, ema_momentum=0.95)
    model.compile(adam, steps_per_execution=8, jit_compile=False)
    before = model.evaluate([x, labels], batch_size=64, verbose=0)
    model.fit([x, labels], batch_size=32, epochs=30, verbose=0)  # puts the average in place at its end
    after = model.evaluate([x, labels], batch_size=64, verbose=0)
    assert after < 0.5 * before
    noise, wanted = np.random.default_rng(1).normal(size=(12, 4, 4, 1)), np.repeat([0, 1, 2], 4).astype("int32")
    found = sample_numpy(
        lambda *inputs: model.denoiser.predict_on_batch([v.astype(v.dtype.str[1] + "4") for v in inputs]),
        noise,
        FLOW,
        20,
        "euler",
        labels=wanted,
    )
    assert np.abs(found.mean(axis=(1, 2, 3)) - np.array([-0.8, 0, 0.8])[wanted]).max() < 0.3


def test_images_alone_and_mixed_precision():
    x, _ = data()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = training(conditional=False)
    finally:
        keras.config.set_dtype_policy("float32")
    model.compile("adam", run_eagerly=True)
    assert np.isfinite(model.train_on_batch(x))
    found = model(x)
    assert all(keras.backend.standardize_dtype(v.dtype) == "float32" for v in found.values())
    assert model.denoiser.get_layer("block1_attention").compute_dtype == "float16"


def test_saved_training_goes_on(tmp_path):
    model, (x, labels) = training(drop_label=0.3), data()
    model.compile("adam", run_eagerly=True)
    model.train_on_batch([x, labels])
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras", safe_mode=True)
    assert (loaded.process, loaded.drop_label, loaded.seed) == (COSINE, 0.3, 0)
    for ours, theirs in zip(model.denoiser.get_weights(), loaded.denoiser.get_weights(), strict=True):
        np.testing.assert_array_equal(theirs, ours)
    loaded.generator.state.assign(model.generator.state)
    assert loaded.train_on_batch([x, labels]) == model.train_on_batch([x, labels])


# --- the other backend --------------------------------------------------------------------------------------------


class Given(DiffusionTraining):
    """Training on times and noise from a file."""

    def draw(self, images):
        return ops.convert_to_tensor(self.given["time"]), ops.convert_to_tensor(self.given["noise"])


def losses(network, given):
    """Return the losses of three steps on the same draws."""
    model = Given(network, FLOW, drop_label=0.0)
    model.given = dict(given)
    model.compile(keras.optimizers.SGD(0.05))
    return [float(model.train_on_batch([given["x"], given["labels"]])) for _ in range(3)]


@pytest.mark.slow
def test_jax_has_the_same_losses_on_the_same_draws_and_trains_on_its_own(tmp_path):
    pytest.importorskip("jax")
    rng, (x, labels) = np.random.default_rng(0), data(8)
    given = {"x": x, "labels": labels, "time": rng.uniform(size=8).astype("float32")}
    given["noise"] = rng.normal(size=x.shape).astype("float32")
    network = training().denoiser
    network.save(tmp_path / "network.keras")
    np.savez(tmp_path / "given.npz", **given)
    environment = {**os.environ, "KERAS_BACKEND": "jax", "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    command = [sys.executable, __file__, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    theirs = json.loads(done.stdout.splitlines()[-1])
    assert theirs["backend"] == "jax"
    ours = losses(network, given)
    np.testing.assert_allclose(theirs["losses"], ours, rtol=1e-4)
    assert ours[2] < ours[1] < ours[0]
    assert np.mean(theirs["fit"][-3:]) < 0.9 * np.mean(theirs["fit"][:3])


if __name__ == "__main__":
    folder = sys.argv[1]
    registry.builder("dit_tiny")
    network = keras.models.load_model(f"{folder}/network.keras", safe_mode=True)
    given = dict(np.load(f"{folder}/given.npz"))
    found = losses(network, given)
    model = DiffusionTraining(network, FLOW, seed=0)
    model.compile(keras.optimizers.Adam(1e-2))
    history = model.fit(list(data(64)), batch_size=32, epochs=12, verbose=0).history["loss"]
    print(json.dumps({"backend": keras.backend.backend(), "losses": found, "fit": history}))
