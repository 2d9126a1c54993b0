"""A few steps of each optimiser, computed by hand in NumPy."""

import os
import subprocess
import sys
from typing import get_args

import keras
import numpy as np
import pytest
from pydantic import TypeAdapter

from zoo import registry
from zoo.optimization.optimizers import build_optimizer
from zoo.optimization.schedules import build_schedule
from zoo.recipe.optimizers import LearningRate, Optimizer

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


def test_adagrad():
    """Duchi et al. (2011), with a sum that begins above zero."""
    gradients = random_gradients(3)
    settings = {"name": "adagrad", "learning_rate": RATE, "initial_accumulator": 0.2, "weight_decay": DECAY}
    for i, (path, w, after) in enumerate(stepped(gradients, **settings)):
        total = np.full_like(w, 0.2)
        for step in gradients:
            w = w * (1 - RATE * DECAY) if shrinks(path) else w
            total = total + step[i] ** 2
            w = w - RATE * step[i] / np.sqrt(total + 1e-7)
        np.testing.assert_allclose(after, w, rtol=1e-4, atol=1e-5)


def test_lion():
    """Algorithm 2 of Chen et al. (2023)."""
    gradients = random_gradients(3)
    settings = {"name": "lion", "learning_rate": RATE, "beta_1": 0.8, "beta_2": 0.95, "weight_decay": DECAY}
    for i, (path, w, after) in enumerate(stepped(gradients, **settings)):
        m = np.zeros_like(w)
        for step in gradients:
            w = w * (1 - RATE * DECAY) if shrinks(path) else w
            w = w - RATE * np.sign(0.8 * m + 0.2 * step[i])
            m = 0.95 * m + 0.05 * step[i]
        np.testing.assert_allclose(after, w, rtol=1e-4, atol=1e-5)


def mean_square_root(x):
    return np.sqrt((x**2).mean())


@pytest.mark.parametrize("rate", [0.1, 5.0])
def test_adafactor(rate):
    """Algorithms 4 and 5 of Shazeer and Stern (2018), with the step of section 8 and no more than its 1 / sqrt(t)."""
    gradients = random_gradients(3)
    decay = DECAY / rate
    settings = {"name": "adafactor", "learning_rate": rate, "weight_decay": decay, "beta_2_decay": -0.7}
    for i, (path, w, after) in enumerate(stepped(gradients, **settings)):
        r = c = v = 0
        for t, step in enumerate(gradients, start=1):
            w = w * (1 - rate * decay) if shrinks(path) else w
            beta, square = 1 - t**-0.7, step[i] ** 2 + 1e-15
            if w.ndim == 2:
                r, c = beta * r + (1 - beta) * square.sum(1), beta * c + (1 - beta) * square.sum(0)
                v = np.outer(r, c) / r.sum()
            else:
                v = beta * v + (1 - beta) * square
            update = step[i] / np.sqrt(v)
            update = update / max(1.0, mean_square_root(update))
            w = w - max(1e-3, mean_square_root(w)) * min(rate, t**-0.5) * update
        np.testing.assert_allclose(after, w, rtol=1e-4, atol=1e-5)


def test_adafactor_where_inputs_and_units_have_no_gradient():
    """With the paper's own epsilon a row and a column of zeros give 0 / 0, which spoils the whole matrix."""
    gradients = [[g * 1e-2 for g in step] for step in random_gradients(3)]
    for step in gradients:
        for g in step:
            g[0] = 0
            g[..., -1] = 0
    for _, _, after in stepped(gradients, name="adafactor", learning_rate=RATE):
        assert np.isfinite(after).all()


def test_lamb():
    """Algorithm 2 of You et al. (2020), with the weight decay taken out of the layer's scale."""
    gradients = random_gradients(3)
    settings = {"name": "lamb", "learning_rate": RATE, "beta_1": 0.8, "beta_2": 0.95, "weight_decay": DECAY}
    for i, (path, w, after) in enumerate(stepped(gradients, **settings)):
        m, v = np.zeros_like(w), np.zeros_like(w)
        for t, step in enumerate(gradients, start=1):
            w = w * (1 - RATE * DECAY) if shrinks(path) else w
            m, v = 0.8 * m + 0.2 * step[i], 0.95 * v + 0.05 * step[i] ** 2
            update = (m / (1 - 0.8**t)) / (np.sqrt(v / (1 - 0.95**t)) + 1e-7)
            norm = np.linalg.norm(w)
            w = w - RATE * (norm / np.linalg.norm(update) if norm else 1) * update
        np.testing.assert_allclose(after, w, rtol=1e-4, atol=1e-5)


# --- Muon ---------------------------------------------------------------------------------------------------------


def orthogonal(g):
    """Jordan et al. (2024): five steps of a quintic Newton-Schulz iteration."""
    x = g.T if g.shape[0] > g.shape[1] else g
    x = x / np.linalg.norm(x)
    for _ in range(5):
        a = x @ x.T
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
    return x.T if g.shape[0] > g.shape[1] else x


@pytest.mark.parametrize("nesterov", [False, True])
def test_muon(nesterov):
    """Matrices by Muon with the scale of Liu et al. (2025), vectors by Adam at a rate of their own."""
    gradients = random_gradients(3)
    settings = {"name": "muon", "learning_rate": RATE, "weight_decay": DECAY, "nesterov": nesterov, "adam_rate": 0.5}
    for i, (path, w, after) in enumerate(stepped(gradients, **settings)):
        m, v = np.zeros_like(w), np.zeros_like(w)
        for t, step in enumerate(gradients, start=1):
            if shrinks(path):
                m = 0.95 * m + step[i]
                update = orthogonal(step[i] + 0.95 * m if nesterov else m)
                w = w * (1 - RATE * DECAY) - RATE * 0.2 * np.sqrt(max(w.shape)) * update
            else:
                m, v = 0.9 * m + 0.1 * step[i], 0.999 * v + 0.001 * step[i] ** 2
                w = w - 0.5 * RATE * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-7)
        np.testing.assert_allclose(after, w, rtol=1e-3, atol=1e-4)


def test_what_muon_leaves_to_adam():
    """Embeddings, positions and the head are moved by the rate in every place, as Adam's first step does."""
    model = registry.build(
        "transformer", input_shape=(5,), outputs=3, vocabulary=7, width=8, heads=2, depth=1, positions="learned"
    )
    settings = TypeAdapter(Optimizer).validate_python({"name": "muon", "learning_rate": RATE})
    optimizer = build_optimizer(settings, model, 10, 1)
    generator = np.random.default_rng(0)
    before = [np.array(v) for v in model.trainable_variables]
    gradients = [generator.uniform(0.5, 1.0, v.shape) * generator.choice([-1, 1], v.shape) for v in before]
    optimizer.apply([keras.ops.convert_to_tensor(g, "float32") for g in gradients], model.trainable_variables)
    by_adam = {
        v.path
        for v, old in zip(model.trainable_variables, before, strict=True)
        if np.allclose(np.abs(np.array(v) - old), RATE, rtol=1e-3)
    }
    matrices = {v.path for v in model.trainable_variables if len(v.shape) == 2}
    assert {path for path in by_adam & matrices if "embedding" not in path} == {"logits/kernel"}
    assert {v.path for v in model.trainable_variables if "embeddings" in v.path} <= by_adam
    assert {v.path for v in model.trainable_variables if len(v.shape) == 1} <= by_adam
    assert len(matrices - by_adam) >= 2


# --- what holds for all of them -----------------------------------------------------------------------------------

NAMES = ["sgd", "adam", "adamw", "rmsprop", "adagrad", "lion", "adafactor", "muon", "lamb"]


def test_all_are_tested():
    assert [get_args(one.model_fields["name"].annotation)[0] for one in get_args(get_args(Optimizer)[0])] == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_decay_is_decoupled_and_leaves_out_vectors(name):
    """Without a gradient the kernel shrinks by rate times decay; nothing else moves."""
    zeros = [[np.zeros_like(g) for g in random_gradients(1)[0]]]
    for path, before, after in stepped(zeros, name=name, learning_rate=RATE, weight_decay=DECAY):
        np.testing.assert_allclose(after, before * (1 - RATE * DECAY) if shrinks(path) else before, rtol=1e-6)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "extra",
    [
        {"groups": [{"layers": "layer1*", "learning_rate": 0.05, "weight_decay": 0.1}], "clip_value": 0.5, "ema": 0.5},
        {"layer_decay": 0.5, "unfreeze_epochs": 1, "clip_global_norm": 1.0},
    ],
    ids=["groups", "depth"],
)
def test_each_comes_nearer_with_each_extra(name, extra):
    """To weights of zero, down the gradient of their squares."""
    model = registry.build("mlp", input_shape=(3,), outputs=2, widths=[4], norm="layer")
    rate = {"schedule": "warmup_linear", "peak": 0.1, "warmup": "10%"}
    settings = TypeAdapter(Optimizer).validate_python({"name": name, "learning_rate": rate, **extra})
    optimizer = build_optimizer(settings, model, 4, 4)
    variables, generator = model.trainable_variables, np.random.default_rng(0)
    before = [generator.uniform(2, 3, v.shape) for v in variables]
    for variable, value in zip(variables, before, strict=True):
        variable.assign(value)
    for _ in range(12):
        optimizer.apply([keras.ops.copy(v.value) for v in variables], variables)
    after = [np.array(v) for v in variables]
    assert all(np.linalg.norm(new) < 0.999 * np.linalg.norm(old) for new, old in zip(after, before, strict=True))
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(optimizer))
    again.build(variables)
    assert [v.shape for v in again.variables] == [v.shape for v in optimizer.variables]


ON_JAX = """
import jax, keras, numpy as np
from pydantic import TypeAdapter
from zoo.optimization.optimizers import build_optimizer
from zoo.optimization.schedules import build_schedule
from zoo.recipe.optimizers import LearningRate, Optimizer

for name in {names}:
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, name="a"), keras.layers.Dense(1, name="b")])
    groups = [dict(layers="a", weight_decay=0.1)]
    given = dict(name=name, learning_rate={rates}[-1], weight_decay=0.01, clip_global_norm=1.0, ema=0.5, groups=groups)
    optimizer = build_optimizer(TypeAdapter(Optimizer).validate_python(given), model, 2, 2)
    before = [v.value for v in model.trainable_variables]
    gradients = [v * 0.5 + 1.0 for v in before]
    after, state = optimizer.stateless_apply([v.value for v in optimizer.variables], gradients, before)
    assert len(state) == len(optimizer.variables), name
    assert all(np.isfinite(w).all() and (w != old).all() for w, old in zip(after, before)), name
for rate in {rates}:
    schedule = build_schedule(TypeAdapter(LearningRate).validate_python(rate), 5, 4)
    compiled = jax.jit(schedule)
    print(*(float(compiled(step)) for step in range(0, 20, 3)))
"""


@pytest.mark.slow
def test_on_jax():
    """A step moves every weight, and schedules have the values that they have on TensorFlow."""
    pytest.importorskip("jax")
    rates = [
        {"schedule": "warmup_linear", "peak": 0.1, "warmup": "1 step"},
        {"schedule": "one_cycle", "peak": 0.1},
        {"schedule": "warm_restarts", "peak": 0.1, "period": "4 steps", "growth": 1.0},
        {"schedule": "warm_restarts", "peak": 0.1, "period": "4 steps", "growth": 2.0},
        {"schedule": "polynomial", "initial": 0.1},
    ]
    environment = {**os.environ, "KERAS_BACKEND": "jax", "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    program = ON_JAX.format(names=NAMES[4:], rates=rates)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    found = [[float(value) for value in line.split()] for line in done.stdout.splitlines()]
    here = [build_schedule(TypeAdapter(LearningRate).validate_python(rate), 5, 4) for rate in rates]
    np.testing.assert_allclose(found, [[float(one(step)) for step in range(0, 20, 3)] for one in here], rtol=1e-4)


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
