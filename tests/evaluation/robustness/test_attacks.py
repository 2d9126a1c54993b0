"""Gradient attacks against closed forms: of a linear model FGSM is the worst change, and PGD reaches it."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest

from zoo.evaluation import budget
from zoo.evaluation.robustness.attacks import fgsm, pgd
from zoo.training.input_gradients import InputGradients

FREE = {"low": -np.inf, "high": np.inf}


def linear(activation, outputs=3, features=5, dtype="float32"):
    """Return a linear model with random weights, and its kernel and bias."""
    generator = np.random.default_rng(0)
    inputs = keras.Input((features,), dtype=dtype)
    x = keras.layers.Rescaling(1.0, dtype="float32")(inputs)
    dense = keras.layers.Dense(outputs, activation=activation)
    model = keras.Model(inputs, dense(x))
    kernel, bias = generator.normal(size=(features, outputs)), generator.normal(size=outputs)
    dense.set_weights([kernel, bias])
    return model, kernel, bias


def softmax(z):
    e = np.exp(z - z.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


@pytest.mark.parametrize("dtype", ["float32", "uint8"])
def test_gradient_of_the_cross_entropy(dtype):
    model, kernel, bias = linear("softmax", dtype=dtype)
    x = np.random.default_rng(1).integers(0, 4, (200, 5)).astype(np.float32)
    y = np.arange(200) % 3
    p = softmax(x @ kernel + bias)
    found = InputGradients(model, "classification").of_loss(x, y)
    np.testing.assert_allclose(found, (p - np.eye(3)[y]) @ kernel.T, atol=1e-4)


def test_gradients_of_labels_and_of_numbers():
    x = np.random.default_rng(1).normal(size=(8, 5)).astype(np.float32)
    model, kernel, bias = linear("sigmoid")
    y = (np.arange(24).reshape(8, 3) % 2).astype(np.uint8)
    p = 1 / (1 + np.exp(-(x @ kernel + bias)))
    np.testing.assert_allclose(InputGradients(model, "multi_label").of_loss(x, y), (p - y) @ kernel.T, atol=1e-4)
    model, kernel, bias = linear(None, outputs=1)
    y = np.arange(8.0)
    wanted = 2 * ((x @ kernel + bias)[:, 0] - y)[:, None] * kernel[:, 0]
    np.testing.assert_allclose(InputGradients(model, "regression").of_loss(x, y), wanted, rtol=1e-4)
    model, kernel, bias = linear(None, outputs=4)
    y = np.arange(40.0).reshape(8, 5)  # the last column is the scale of the error
    wanted = 2 * (x @ kernel + bias - y[:, :4]) @ kernel.T
    np.testing.assert_allclose(InputGradients(model, "forecasting").of_loss(x, y), wanted, rtol=1e-3)


def test_attacks_on_a_logistic_model_take_epsilon_times_the_norm_of_the_weights():
    """Of two classes, the margin falls by epsilon times the 1-norm of the difference of the weights."""
    model, kernel, _ = linear("softmax", outputs=2)
    gradients = InputGradients(model, "classification")
    x = np.random.default_rng(1).normal(size=(40, 5)).astype(np.float32)
    y = np.arange(40) % 2
    weights = (kernel[:, 0] - kernel[:, 1]) * np.where(y == 0, 1, -1)[:, None]
    epsilon = 0.3
    one_step = fgsm(gradients.of_loss, x, y, np.full(5, epsilon), **FREE)
    np.testing.assert_allclose(one_step, x - epsilon * np.sign(weights), atol=1e-6)
    fall = (weights * (x - one_step)).sum(1)
    np.testing.assert_allclose(fall, epsilon * np.abs(weights).sum(1), rtol=1e-4)
    several = pgd(gradients.of_loss, x, y, np.full(5, epsilon), **FREE, seed=0)
    np.testing.assert_allclose(several, one_step, atol=1e-5)


def test_attacks_stay_within_their_bounds():
    generator = np.random.default_rng(0)
    x = generator.uniform(0, 255, (20, 6)).astype(np.float32)
    bound = np.array([8, 8, 0, 8, 1, 8.0])

    def gradient(values, y):
        return np.sin(values)  # changes its sign within the bound

    for worse in (
        fgsm(gradient, x, None, bound, low=0, high=255),
        pgd(gradient, x, None, bound, low=0, high=255, seed=1),
    ):
        assert worse.dtype == x.dtype and (np.abs(worse - x) <= bound + 1e-4).all()
        assert worse.min() >= 0 and worse.max() <= 255
        np.testing.assert_array_equal(worse[:, 2], x[:, 2])
        assert (worse != x)[:, [0, 1, 3, 4, 5]].mean() > 0.9


def test_large_networks_of_images_see_fewer_examples(monkeypatch):
    problem = SimpleNamespace(
        dataset=SimpleNamespace(signature=SimpleNamespace(kind="image")),
        views=SimpleNamespace(network=None),
        preprocessor=SimpleNamespace(shape=(8, 8, 1)),
    )
    for flops, wanted in ((1e6, 1000), (8e9, 104), (1e13, budget.MIN_EXAMPLES)):
        monkeypatch.setattr(budget, "count_flops", lambda network, length, flops=flops: flops)
        assert budget.examples_within(problem, 36, 1000) == wanted
    assert budget.examples_within(problem, 36, 5) == 5
    problem.dataset.signature.kind = "text"
    assert budget.examples_within(problem, 36, 1000) == 1000
