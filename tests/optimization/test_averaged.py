"""The moving average of weights and statistics, computed again in NumPy."""

import keras
import numpy as np
import pytest
from in_ci import in_ci
from pydantic import TypeAdapter

from zoo.optimization.averaged import AveragedOptimizer, averaged_variables
from zoo.optimization.grouped import innermost
from zoo.optimization.optimizers import build_optimizer
from zoo.recipe.optimizers import Optimizer
from zoo.training.penalty import Penalized


def compiled(steps_per_execution=1, scaled=False, **given):
    """Return a network with batch normalization, compiled with an averaging optimiser."""
    keras.utils.set_random_seed(0)
    inputs = keras.Input((3,))
    x = keras.layers.BatchNormalization(momentum=0.5)(keras.layers.Dense(4, name="block1")(inputs))
    model = Penalized(inputs, keras.layers.Dense(1, name="block2")(x))
    settings = {"name": "sgd", "learning_rate": 0.1, **given}
    optimizer = build_optimizer(TypeAdapter(Optimizer).validate_python(settings), model, 5, 1)
    if scaled:
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    model.compile(optimizer, "mse", jit_compile=False, steps_per_execution=steps_per_execution)
    return model


class See(keras.callbacks.Callback):
    """Keep what is averaged after each step."""

    def on_train_begin(self, logs=None):
        self.seen = [[np.array(v) for v in averaged_variables(self.model)]]

    def on_train_batch_end(self, batch, logs=None):
        self.seen.append([np.array(v) for v in averaged_variables(self.model)])


def average_of(states, momentum, every=1):
    """Return min(momentum, (1 + t) / (10 + t)) of the average and the rest of the weights, once an update."""
    average = states[0]
    for update, weights in enumerate(states[every::every], start=1):
        kept = min(momentum, (1 + update) / (10 + update))
        average = [kept * a + (1 - kept) * w for a, w in zip(average, weights, strict=True)]
    return average


def fitted(model, size=8):
    x = np.random.default_rng(0).normal(2.0, 3.0, size=(80, 3)).astype("float32")
    see = See()
    model.fit(x, x.sum(1, keepdims=True), batch_size=size, epochs=1, verbose=0, callbacks=[see], shuffle=False)
    return see.seen, [np.array(v) for v in innermost(model.optimizer, AveragedOptimizer).averages]


@pytest.mark.parametrize(
    ("given", "every"),
    [
        ({}, 1),
        ({"groups": [{"layers": "block1", "learning_rate": 0.05}]}, 1),
        ({"layer_decay": 0.5, "clip_global_norm": 1.0}, 1),
        ({"accumulate": 3}, 3),
        ({"scaled": True}, 1),
    ],
    ids=["plain", "groups", "depth", "accumulation", "scaled"],
)
@pytest.mark.parametrize("momentum", in_ci([0.3, 0.999], but=[0.3]))
def test_weights_and_statistics_are_averaged_once_an_update(given, every, momentum):
    seen, found = fitted(compiled(ema=momentum, **given))
    assert len(found) == 8  # two layers, the scale and shift of a norm, its two statistics
    for ours, theirs in zip(found, average_of(seen, momentum, every), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)
    assert np.abs(found[-1] - seen[-1][-1]).max() > 1e-3  # the statistics are not the last


def test_several_steps_in_one_call_give_the_same_average():
    one, several = (fitted(compiled(steps, ema=0.9))[1] for steps in (1, 5))
    for a, b in zip(one, several, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_step_that_is_skipped_moves_nothing():
    model = compiled(ema=0.9, scaled=True)
    fitted(model)
    optimizer = innermost(model.optimizer, AveragedOptimizer)
    before = [np.array(v) for v in optimizer.averages]
    model.train_on_batch(np.full((8, 3), 1e38, "float32"), np.zeros((8, 1)))  # its gradient is infinite
    for a, b in zip(before, optimizer.averages, strict=True):
        np.testing.assert_array_equal(a, np.array(b))


def test_it_is_rebuilt_from_its_configuration():
    model = compiled(ema=0.9)
    again = AveragedOptimizer.from_config(model.optimizer.get_config())
    again.build(model.trainable_variables)
    assert [v.shape for v in again.variables] == [v.shape for v in model.optimizer.variables]
    assert again.momentum == 0.9


@pytest.mark.parametrize(("given", "every"), [({}, 1), ({"accumulate": 2}, 2)])
def test_the_mean_is_that_of_the_weights_after_each_update_from_its_start(given, every):
    """10 steps; the mean begins after 2 of 5 of the epoch's planned steps."""
    seen, found = fitted(compiled(swa="40%", **given))
    updates = seen[every::every]
    start = round(2 / every)
    for ours, *theirs in zip(found, *updates[start:], strict=True):
        np.testing.assert_allclose(ours, np.mean(theirs, axis=0), rtol=1e-5, atol=1e-6)
