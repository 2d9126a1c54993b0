"""Groups of variables with settings of their own, and moving averages of the weights."""

import keras
import numpy as np
import pytest
from pydantic import TypeAdapter

from zoo.errors import ZooError
from zoo.optimization.grouped import GroupedOptimizer
from zoo.optimization.optimizers import build_optimizer
from zoo.recipe.optimizers import Optimizer


def settings(**given):
    return TypeAdapter(Optimizer).validate_python({"name": "sgd", "learning_rate": 0.1, **given})


def network():
    keras.utils.set_random_seed(0)
    inputs = keras.Input((3,))
    inner = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, name="deep")], name="encoder")
    return keras.Model(inputs, keras.layers.Dense(1, name="head")(inner(inputs)))


def step(model, optimizer):
    gradients = [np.full(v.shape, 1.0, "float32") for v in model.trainable_variables]
    before = {v.path: np.array(v) for v in model.trainable_variables}
    optimizer.apply([keras.ops.convert_to_tensor(g) for g in gradients], model.trainable_variables)
    return {v.path: float((before[v.path] - np.array(v)).mean()) for v in model.trainable_variables}


@pytest.mark.parametrize("layers", ["encoder", "deep", "enc*"])
def test_a_group_learns_at_its_own_rate(layers):
    model = network()
    optimizer = build_optimizer(settings(groups=[{"layers": layers, "learning_rate": 0.5}]), model, 10, 2)
    moved = step(model, optimizer)
    assert {path: round(by, 5) for path, by in moved.items()} == {
        path: 0.5 if "deep" in path else 0.1 for path in moved
    }
    assert int(optimizer.iterations) == 1 and float(optimizer.learning_rate) == pytest.approx(0.1)


def test_the_first_group_that_fits_counts():
    model = network()
    groups = [{"layers": "deep", "learning_rate": 0.5}, {"layers": "*", "learning_rate": 0.3}]
    moved = step(model, build_optimizer(settings(groups=groups), model, 10, 2))
    assert [round(moved[path], 5) for path in sorted(moved)] == [0.5, 0.5, 0.3, 0.3]


def test_a_group_without_layers_is_refused():
    with pytest.raises(ZooError, match=r"'hed' fits no layer .*\(layers: deep, encoder, head\)"):
        build_optimizer(settings(groups=[{"layers": "hed"}]), network(), 10, 2)


def test_groups_train_as_two_optimizers_would_and_survive_their_configuration():
    x = np.random.default_rng(0).normal(size=(32, 3)).astype("float32")
    y = x.sum(1, keepdims=True)
    model = network()
    groups = [{"layers": "encoder", "learning_rate": 0.02, "beta_1": 0.5}]
    optimizer = build_optimizer(settings(name="adamw", weight_decay=0.01, groups=groups), model, 4, 5)
    model.compile(optimizer, "mse", jit_compile=False)
    model.fit(x, y, batch_size=8, epochs=5, verbose=0, shuffle=False)

    import tensorflow as tf

    other = network()
    parts = [other.get_layer("encoder").trainable_variables, other.get_layer("head").trainable_variables]
    each = [keras.optimizers.AdamW(0.02, 0.01, beta_1=0.5), keras.optimizers.AdamW(0.1, 0.01)]
    for one, variables in zip(each, parts, strict=True):
        one.exclude_from_weight_decay(var_list=[v for v in variables if len(v.shape) < 2])
    for i in range(20):
        part = slice(i % 4 * 8, i % 4 * 8 + 8)
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(other(x[part]) - y[part]))
        gradients = tape.gradient(loss, [[v.value for v in variables] for variables in parts])
        for one, own, variables in zip(each, gradients, parts, strict=True):
            one.apply(own, variables)
    for ours, theirs in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)
    again = GroupedOptimizer.from_config(optimizer.get_config())
    assert again.groups == optimizer.groups and len(again.optimizers) == 2
    again.build(network().trainable_variables)
    assert len(again.variables) == len(optimizer.variables)


def test_the_average_of_the_weights_is_taken_at_the_end():
    x = np.random.default_rng(0).normal(size=(40, 3)).astype("float32")
    y = x.sum(1, keepdims=True)
    seen = []

    class See(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append([np.array(v) for v in self.model.trainable_variables])

    model = network()
    for groups in (None, [{"layers": "encoder", "learning_rate": 0.05}]):
        model = network()
        seen.clear()
        start = [np.array(v) for v in model.trainable_variables]
        model.compile(build_optimizer(settings(ema=0.8, groups=groups), model, 5, 1), "mse", jit_compile=False)
        model.fit(x, y, batch_size=8, epochs=1, verbose=0, callbacks=[See()], shuffle=False)
        average = start
        for i, weights in enumerate(seen):
            momentum = 0.0 if i == 0 else 0.8  # Keras begins at the weights after the first step
            average = [momentum * a + (1 - momentum) * w for a, w in zip(average, weights, strict=True)]
        for ours, theirs in zip(model.get_weights(), average, strict=True):
            np.testing.assert_allclose(ours, theirs, atol=1e-5)
