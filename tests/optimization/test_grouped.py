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
    inner = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, name="deep1")], name="encoder")
    return keras.Model(inputs, keras.layers.Dense(1, name="head2")(inner(inputs)))


def step(model, optimizer):
    gradients = [np.full(v.shape, 1.0, "float32") for v in model.trainable_variables]
    before = {v.path: np.array(v) for v in model.trainable_variables}
    optimizer.apply([keras.ops.convert_to_tensor(g) for g in gradients], model.trainable_variables)
    return {v.path: float((before[v.path] - np.array(v)).mean()) for v in model.trainable_variables}


@pytest.mark.parametrize("layers", ["encoder", "deep1", "enc*"])
def test_a_group_learns_at_its_own_rate(layers):
    model = network()
    optimizer = build_optimizer(settings(groups=[{"layers": layers, "learning_rate": 0.5}]), model, 10, 2)
    moved = step(model, optimizer)
    assert {path: round(by, 5) for path, by in moved.items()} == {
        path: 0.5 if "deep1" in path else 0.1 for path in moved
    }
    assert int(optimizer.iterations) == 1 and float(optimizer.learning_rate) == pytest.approx(0.1)


def test_the_first_group_that_fits_counts():
    model = network()
    groups = [{"layers": "deep1", "learning_rate": 0.5}, {"layers": "*", "learning_rate": 0.3}]
    moved = step(model, build_optimizer(settings(groups=groups), model, 10, 2))
    assert [round(moved[path], 5) for path in sorted(moved)] == [0.5, 0.5, 0.3, 0.3]


def test_a_group_without_layers_is_refused():
    with pytest.raises(ZooError, match=r"'hed' fits no layer .*\(layers: deep1, encoder, head2\)"):
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
    parts = [other.get_layer("encoder").trainable_variables, other.get_layer("head2").trainable_variables]
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


def clipped_step(limit, steps=1, **given):
    """Return how far one update at rate 1 goes, and the gradients that `steps` steps gave it."""
    model = network()
    optimizer = build_optimizer(settings(learning_rate=1.0, clip_global_norm=limit, **given), model, 10, 2)
    generator = np.random.default_rng(0)
    before = [np.array(v) for v in model.trainable_variables]
    seen = [[generator.normal(size=v.shape).astype("float32") for v in before] for _ in range(steps)]
    for gradients in seen:
        optimizer.apply([keras.ops.convert_to_tensor(g) for g in gradients], model.trainable_variables)
    moved = [old - np.array(v) for old, v in zip(before, model.trainable_variables, strict=True)]
    return moved, [np.mean(g, axis=0) for g in zip(*seen, strict=True)]


PARTS = {
    "groups": {"groups": [{"layers": "deep1"}]},
    "depth": {"layer_decay": 0.999999},
    "accumulation": {"accumulate": 3},
    "both": {"accumulate": 3, "groups": [{"layers": "deep1"}]},
    "none": {},
}


@pytest.mark.parametrize("parts", PARTS)
def test_a_global_norm_is_that_of_the_whole_model(parts):
    moved, gradients = clipped_step(0.5, PARTS[parts].get("accumulate", 1), **PARTS[parts])
    norm = np.sqrt(sum((g**2).sum() for g in gradients))
    assert norm > 0.5
    for step, gradient in zip(moved, gradients, strict=True):
        np.testing.assert_allclose(step, gradient * 0.5 / norm, rtol=1e-4)


def test_the_norm_of_an_embedding_counts_a_row_that_occurs_twice_as_one():
    """Of the tokens 1, 1, 1 the gradient is 3 in row 1: norm 3 √2, where three rows of √2 would give √6."""
    inputs = keras.Input((3,), dtype="int32")
    model = keras.Model(inputs, keras.layers.Embedding(4, 2, name="table")(inputs))
    model.compile(
        build_optimizer(settings(learning_rate=1.0, clip_global_norm=1.0), model, 1, 1),
        lambda y, x: keras.ops.sum(x),
        jit_compile=False,
    )
    before = model.get_weights()[0]
    model.train_on_batch(np.array([[1, 1, 1]]), np.zeros((1, 3, 2)))
    moved = before - model.get_weights()[0]
    np.testing.assert_allclose(moved[1], np.full(2, 0.5**0.5), rtol=1e-5)
    assert not moved[[0, 2, 3]].any()


@pytest.mark.parametrize("given", [{}, {"groups": [{"layers": "deep1", "learning_rate": 0.05}]}])
def test_accumulated_batches_are_one_batch(given):
    """Four batches of 4, or one of 16: the same weights, at the learning rate of the same moment of the run."""
    x = np.random.default_rng(0).normal(size=(64, 3)).astype("float32")
    y = x.sum(1, keepdims=True)
    rate = {"schedule": "warmup_linear", "peak": 0.1, "warmup": "50%"}
    found = []
    for accumulate, size, steps in ((4, 4, 16), (1, 16, 4)):
        model = network()
        optimizer = build_optimizer(
            settings(name="adam", learning_rate=rate, accumulate=accumulate, **given), model, steps, 2
        )
        model.compile(optimizer, "mse", jit_compile=False)
        model.fit(x, y, batch_size=size, epochs=2, verbose=0, shuffle=False)
        assert int(optimizer.iterations) == 8
        found.append((model.get_weights(), [float(optimizer.optimizers[-1].learning_rate) if accumulate > 1 else 0]))
    # the rate of the last of four steps is that of a later moment than the start of the large one
    assert all(np.allclose(a, b, atol=0.15) for a, b in zip(found[0][0], found[1][0], strict=True))


def test_an_update_takes_the_rate_of_its_last_step():
    rate = {"schedule": "step", "initial": 1.0, "factor": 0.1, "at": ["3 steps"]}
    model = network()
    optimizer = build_optimizer(settings(learning_rate=rate, accumulate=2), model, 10, 1)
    rates = []
    for _ in range(4):
        rates.append(float(optimizer.learning_rate))
        step(model, optimizer)
    assert rates == pytest.approx([1.0, 1.0, 0.1, 0.1])  # the second update is made at step 4
