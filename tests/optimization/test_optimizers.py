"""One and two steps of each optimiser, computed by hand in NumPy."""

import keras
import numpy as np
import pytest
from pydantic import TypeAdapter

from zoo.optimization.optimizers import build_optimizer
from zoo.recipe.optimization import Optimizer

RATE, DECAY = 0.1, 0.3


def network():
    inputs = keras.Input((3,))
    x = keras.layers.Dense(4, name="dense", kernel_initializer="random_normal", bias_initializer="ones")(inputs)
    x = keras.layers.LayerNormalization(name="norm")(x)
    return keras.Model(inputs, keras.layers.BatchNormalization(name="batch")(x))


def stepped(gradients, **settings):
    """Return each variable's path, and its values before and after the steps with these gradients."""
    model = network()
    optimizer = build_optimizer(TypeAdapter(Optimizer).validate_python(settings), model, 10, 1)
    before = [w.copy() for w in map(np.asarray, model.trainable_variables)]
    for gradient in gradients:
        optimizer.apply([keras.ops.convert_to_tensor(g) for g in gradient], model.trainable_variables)
    after = list(map(np.asarray, model.trainable_variables))
    return zip([v.path for v in model.trainable_variables], before, after, strict=True)


def random_gradients(steps):
    generator = np.random.default_rng(0)
    shapes = [v.shape for v in network().trainable_variables]
    return [[generator.normal(size=s).astype(np.float32) for s in shapes] for _ in range(steps)]


def shrinks(path):
    """Return whether weight decay acts on a variable: not on biases, nor on what norms scale and shift by."""
    return path.endswith("/kernel")


def test_what_decays():
    zeros = [[np.zeros_like(g) for g in random_gradients(1)[0]]]
    paths = []
    for path, before, after in stepped(zeros, name="adamw", learning_rate=RATE, weight_decay=DECAY):
        np.testing.assert_allclose(after, before * (1 - RATE * DECAY) if shrinks(path) else before, rtol=1e-6)
        paths.append(path)
    assert [shrinks(path) for path in paths].count(True) == 1
    assert {path.rpartition("/")[2] for path in paths} == {"kernel", "bias", "gamma", "beta"}


@pytest.mark.parametrize("nesterov", [False, True])
def test_sgd_with_momentum_and_decoupled_decay(nesterov):
    gradients = random_gradients(3)
    settings = {"name": "sgd", "learning_rate": RATE, "momentum": 0.9, "nesterov": nesterov, "weight_decay": DECAY}
    for i, (path, w, after) in enumerate(stepped(gradients, **settings)):
        velocity = np.zeros_like(w)
        for step in gradients:
            w = w * (1 - RATE * DECAY) if shrinks(path) else w  # apart from the gradient, so not in the momentum
            velocity = 0.9 * velocity - RATE * step[i]
            w = w + (0.9 * velocity - RATE * step[i] if nesterov else velocity)
        np.testing.assert_allclose(after, w, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", ["adam", "adamw"])
@pytest.mark.parametrize("decay", [0.0, DECAY])
def test_adam_and_adamw(name, decay):
    """Algorithm 2 of Loshchilov and Hutter (2019)."""
    gradients = random_gradients(3)
    settings = {"name": name, "learning_rate": RATE, "weight_decay": decay, "beta_1": 0.8, "beta_2": 0.95}
    for i, (path, w, after) in enumerate(stepped(gradients, **settings)):
        m, v = np.zeros_like(w), np.zeros_like(w)
        for t, step in enumerate(gradients, start=1):
            m, v = 0.8 * m + 0.2 * step[i], 0.95 * v + 0.05 * step[i] ** 2
            shrink = RATE * decay * w if shrinks(path) else 0
            w = w - shrink - RATE * (m / (1 - 0.8**t)) / (np.sqrt(v / (1 - 0.95**t)) + 1e-7)
        np.testing.assert_allclose(after, w, rtol=1e-4, atol=1e-5)


def test_rmsprop():
    gradients = random_gradients(2)
    for i, (_, w, after) in enumerate(stepped(gradients, name="rmsprop", learning_rate=RATE, rho=0.8)):
        v = np.zeros_like(w)
        for step in gradients:
            v = 0.8 * v + 0.2 * step[i] ** 2
            w = w - RATE * step[i] / np.sqrt(v + 1e-7)
        np.testing.assert_allclose(after, w, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("rule", ["clip_value", "clip_norm", "clip_global_norm"])
@pytest.mark.parametrize("limit", [0.5, 1000.0])
def test_clipping(rule, limit):
    gradient = random_gradients(1)[0]
    whole = np.sqrt(sum((g**2).sum() for g in gradient))
    for g, (_, before, after) in zip(
        gradient, stepped([gradient], name="sgd", learning_rate=1.0, **{rule: limit}), strict=True
    ):
        clipped = {
            "clip_value": np.clip(g, -limit, limit),
            "clip_norm": g * min(1, limit / np.linalg.norm(g)),
            "clip_global_norm": g * min(1, limit / whole),
        }[rule]
        np.testing.assert_allclose(before - after, clipped, rtol=1e-4, atol=1e-6)


def test_a_schedule_runs_over_the_steps():
    settings = {"name": "sgd", "learning_rate": {"schedule": "step", "initial": 1.0, "factor": 0.1, "epochs": [1]}}
    model = network()
    optimizer = build_optimizer(TypeAdapter(Optimizer).validate_python(settings), model, 2, 2)
    seen = []
    for gradient in random_gradients(4):
        seen.append(float(optimizer.learning_rate))
        optimizer.apply([keras.ops.convert_to_tensor(g) for g in gradient], model.trainable_variables)
    assert seen == pytest.approx([1.0, 1.0, 0.1, 0.1])
