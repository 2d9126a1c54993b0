"""Lanes: the same step as in one lane, of the networks that can be shared out, in processes that say so."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from zoo import lanes
from zoo.recipe import load_recipe

SCRIPT = """
import json, sys
import keras, numpy as np, tensorflow as tf
from zoo import lanes, registry


def built(name, config, size):
    keras.utils.set_random_seed(0)
    if name == "losing":
        x = keras.Input((6,))
        model = keras.Model(x, keras.layers.ActivityRegularization(l2=1.0)(keras.layers.Dense(3)(x)))
    else:
        model = registry.build(name, **config)
    generator = np.random.default_rng(0)
    inputs = [
        generator.integers(1, 9, (size, *(n or 12 for n in x.shape[1:])), dtype=np.int32)
        if x.dtype == "int32"
        else generator.random((size, *(n or 12 for n in x.shape[1:])), dtype=np.float32)
        for x in model.inputs
    ]
    if name == "conditional_ddpm":
        inputs[-1] = np.arange(size, dtype=np.int32) % 3
    return model, inputs


def step(model, inputs):
    @tf.function
    def run(*x):
        with tf.GradientTape() as tape:
            y = model(list(x) if len(x) > 1 else x[0], training=True)
            loss = tf.reduce_mean(tf.sin(y)) + sum(model.losses)
        return y, tape.gradient(loss, model.trainable_variables, unconnected_gradients=tf.UnconnectedGradients.ZERO)

    types = [op.type for op in run.get_concrete_function(*inputs).graph.get_operations()]
    y, slopes = run(*inputs)
    slopes = [tf.convert_to_tensor(s) for s in slopes]
    return types, [a.numpy() for a in (y, *slopes)]


lanes._LEAST = 1
cases = [built(*case) for case in json.loads(sys.argv[1])]
ones = [step(*case) for case in cases]
lanes.run_in_lanes(2)
found = []
for case, (plain, one) in zip(cases, ones):
    shared, two = step(*case)
    worst = max(float(np.abs(a - b).max() / (np.abs(a).max() + 1e-6)) for a, b in zip(one, two))
    split = shared.count("Split") > plain.count("Split")
    found.append({"shared": split, "loops": sum("While" in each for each in shared), "worst": worst})
print(json.dumps(found))
"""
SMALL = {
    "ddpm": {"input_shape": [8, 8, 1], "widths": [8, 16], "attention": [2], "groups": 4},
    "conditional_ddpm": {"input_shape": [8, 8, 1], "widths": [8, 16], "attention": [2], "groups": 4, "outputs": 3},
}
LARGE = ("ddpm", "conditional_ddpm")  # half a minute


def compared(*cases):
    """Compare a training step of two lanes with that of one, for each case, in a process of its own."""
    command = [sys.executable, "-c", SCRIPT, json.dumps(cases)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "KERAS_BACKEND": "tensorflow"}
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_a_step_in_lanes_is_the_same_step():
    """Of each builder but the U-Nets, and of one whose layer adds a loss, which stays in one lane."""
    names = [name for name in lanes.MODELS if name not in LARGE]
    found = compared(*((name, SMALL.get(name, {}), 4) for name in names), ("losing", {}, 4))
    assert len(found) == len(names) + 1 and all(each["worst"] < 1e-3 for each in found)
    assert all(each["shared"] and not each["loops"] for each in found[:-1])


def test_what_cannot_be_shared_stays_in_one_lane():
    """Batch normalisation, and a batch that has no halves."""
    found = compared(("resnet20", {"input_shape": [16, 16, 3]}, 4), ("lstm", {}, 5))
    assert not any(each["shared"] for each in found) and all(each["worst"] < 1e-6 for each in found)


@pytest.mark.slow
def test_a_step_of_a_u_net_in_lanes_is_the_same_step():
    found = compared(*((name, SMALL[name], 4) for name in LARGE), ("ddpm", SMALL["ddpm"], 5))
    assert all(each["worst"] < 1e-3 for each in found)
    assert [each["shared"] for each in found] == [True, True, False]


@pytest.mark.parametrize(
    ("model", "processors", "started"),
    [("transformer", 2, True), ("ddpm", 4, True), ("lstm", 2, True)]
    + [
        ("transformer", 1, False),
        ("transformer", 16, False),
        ("cnn", 2, False),
        ("gru", 2, False),
        ("seq2seq_transformer", 2, False),
    ],
)
def test_only_commands_of_some_models_on_few_processors_start_in_lanes(monkeypatch, model, processors, started):
    calls = []
    monkeypatch.setitem(lanes._state, "alone", False)  # other tests run commands in this process
    monkeypatch.setattr(lanes, "run_in_lanes", calls.append)
    monkeypatch.setattr(lanes, "start_keras", lambda count: None)
    monkeypatch.setattr(lanes, "_processors", lambda: processors)
    monkeypatch.setattr("tensorflow.config.threading.set_intra_op_parallelism_threads", lambda count: None)
    monkeypatch.setattr("tensorflow.config.threading.set_inter_op_parallelism_threads", lambda count: None)
    recipe = load_recipe("cnn/digits").recipe
    recipe = recipe.model_copy(update={"model": recipe.model.model_copy(update={"name": model})})
    lanes.start(recipe)
    assert calls == []  # a function of the package
    monkeypatch.setitem(lanes._state, "alone", True)
    lanes.start(recipe)
    assert calls == ([processors] if started else [])


def test_a_process_that_has_started_stays_as_it_is(monkeypatch):
    import tensorflow as tf

    calls = []
    monkeypatch.setattr(lanes, "run_in_lanes", calls.append)
    assert np.sum(tf.ones(2).numpy()) == 2
    lanes._start_in_lanes(2)
    assert calls == []
