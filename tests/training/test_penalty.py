"""L1 and L2 against NumPy, in every kind of training."""

import keras
import numpy as np
import pytest
from rich.console import Console

from zoo import registry
from zoo.data.sources.load import load_dataset
from zoo.layers.diffusion import Process
from zoo.recipe import load_recipe
from zoo.tasks import TASKS
from zoo.training.fit import fit
from zoo.training.generative.diffusion import DiffusionTraining
from zoo.training.generative.gan import Adversarial
from zoo.training.penalty import Penalized, Penalty
from zoo.training.problem import set_up

PENALTY = Penalty(l1=0.3, l2=0.2)


def by_numpy(model, penalty=PENALTY):
    kernels = [np.asarray(v, np.float64) for v in model.trainable_variables if v.ndim > 1 and v.name != "bias"]
    assert 0 < len(kernels) < len(model.trainable_variables)
    return sum(penalty.l1 * np.abs(k).sum() + penalty.l2 * (k**2).sum() for k in kernels)


def plain():
    inputs = keras.Input((4,))
    x = keras.layers.Dense(3, activation="relu")(inputs)
    steps = keras.layers.Reshape((3, 1))(keras.layers.BatchNormalization()(x))
    outputs = keras.layers.Dense(2)(keras.layers.GRU(2)(steps))  # the biases of a GRU have two axes
    model = Penalized(inputs, outputs, name="trained")
    model.compile(keras.optimizers.SGD(0.0), "mse", jit_compile=False)
    rng = np.random.default_rng(0)
    return model, (rng.normal(size=(8, 4)).astype("float32"), rng.normal(size=(8, 2)).astype("float32"))


def images():
    return np.random.default_rng(0).uniform(-1, 1, (8, 8, 8, 1)).astype("float32")


def gan():
    sizes = {"latent": 4, "generator_widths": (4, 3), "discriminator_widths": (3, 4)}
    model = Adversarial(registry.build("dcgan", input_shape=(8, 8, 1), **sizes), seed=0)
    return model, (images(),)


def diffusion():
    sizes = {"widths": (4, 4), "depth": 1, "heads": 2, "groups": 2}
    network = registry.build("ddpm", input_shape=(8, 8, 1), dropout=0.0, **sizes)
    return DiffusionTraining(network, Process(), seed=0), (images(),)


@pytest.mark.parametrize("make", [plain, gan, pytest.param(diffusion, marks=pytest.mark.ci)])
def test_the_training_loss_has_the_penalty_and_the_validation_loss_has_not(make):
    """Of two that are the same but for the penalty."""
    found = []
    for penalty in (None, PENALTY):
        keras.utils.set_random_seed(0)
        model, data = make()
        if not model.compiled:
            model.compile(keras.optimizers.SGD(0.0), jit_compile=False, run_eagerly=True)
        model.penalty = penalty
        validation = model.evaluate(*data, verbose=0, return_dict=True)["loss"] if make is plain else 0.0
        found.append((model.train_on_batch(*data, return_dict=True)["loss"], validation))
    assert found[1][0] - found[0][0] == pytest.approx(by_numpy(model), rel=1e-4)
    assert found[1][1] == found[0][1]


def test_gradients_are_those_of_the_penalty():
    """One step of gradient descent with a loss that is zero: w - rate * (l1 * sign(w) + 2 * l2 * w)."""
    inputs = keras.Input((3,))
    model = Penalized(inputs, keras.layers.Dense(2)(inputs))
    model.penalty = PENALTY
    model.compile(keras.optimizers.SGD(0.1), keras.losses.MeanSquaredError(), jit_compile=False)
    before, bias = model.get_weights()
    model.train_on_batch(np.zeros((4, 3)), np.zeros((4, 2)))
    after, bias_after = model.get_weights()
    np.testing.assert_allclose(after, before - 0.1 * (0.3 * np.sign(before) + 0.4 * before), atol=1e-6)
    np.testing.assert_array_equal(bias_after, bias)


def test_frozen_weights_are_not_counted():
    model, _ = plain()
    whole = float(PENALTY(model))
    model.layers[1].trainable = False
    kernel = model.layers[1].get_weights()[0].astype("float64")
    assert whole - float(PENALTY(model)) == pytest.approx(
        0.3 * np.abs(kernel).sum() + 0.2 * (kernel**2).sum(), rel=1e-4
    )


@pytest.mark.ci
def test_a_recipe_shrinks_its_weights_and_saves_a_plain_model(tmp_path):
    small = ["model.widths=[8]", "training.epochs=3", "training.select=last", "optimizer.weight_decay=0"]
    small += ["optimizer.learning_rate.peak=3e-3", "training.batch_size=64"]
    sizes = []
    for strength in ("0.0", "0.1"):
        recipe = load_recipe("mlp/digits", [*small, f"regularization.l1={strength}"]).recipe
        problem = set_up(recipe, load_dataset(recipe.data, TASKS[recipe.task]))
        fitted = fit(problem, tmp_path / strength, Console(quiet=True))
        sizes.append(float(Penalty(l1=0.1)(problem.views.trained)))
        last = fitted.history[-1]
        assert last["val_loss"] < 2.5  # without the penalty, which alone is more than that here
        assert "Penalized" not in problem.views.saved.to_json()
    assert 2.5 < sizes[1] < 0.8 * sizes[0]
    keras.saving.load_model(tmp_path / "0.1" / "checkpoints" / "last.keras", safe_mode=True)
