"""The rate that goes down where the validation loss does not: beside Keras's own callback, and through a resume."""

import keras
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter
from rich.console import Console

from zoo.data.sources.load import load_dataset
from zoo.optimization.optimizers import build_optimizer, on_plateau
from zoo.recipe import load_recipe
from zoo.recipe.optimizers import Optimizer
from zoo.recipe.schedules import ReduceOnPlateau
from zoo.tasks import TASKS
from zoo.training.callbacks.checkpoints import Checkpoints
from zoo.training.callbacks.plateau import Plateau
from zoo.training.fit import fit
from zoo.training.problem import set_up

RATE = {"schedule": "reduce_on_plateau", "initial": 0.5, "factor": 0.5, "patience": 2, "final": 0.05}


def network():
    return keras.Sequential(
        [keras.Input((1,)), keras.layers.Dense(2, name="block1"), keras.layers.Dense(1, name="block2")]
    )


def built(**given):
    section = TypeAdapter(Optimizer).validate_python({"name": "sgd", "learning_rate": RATE, **given})
    optimizer = build_optimizer(section, network(), 10, 5)
    return optimizer, [Plateau(*one) for one in on_plateau(section, optimizer)]


def rates_after(losses, callback, optimizer):
    found = []
    for epoch, loss in enumerate(losses):
        callback.on_epoch_end(epoch, {"val_loss": loss})
        found.append(float(optimizer.learning_rate))
    return found


@settings(max_examples=60)
@given(
    st.lists(st.integers(0, 8).map(lambda n: n / 4), max_size=14),
    st.integers(1, 3),
    st.integers(0, 3),
    st.sampled_from([0.0, 0.3]),
    st.sampled_from([0.0, 0.2]),
)
@example([1.0] * 9, 2, 0, 0.0, 0.2)
@example([1.0] * 12, 1, 2, 0.3, 0.0)
def test_as_keras_does(losses, patience, cooldown, min_delta, final):
    section = ReduceOnPlateau(
        schedule="reduce_on_plateau",
        initial=1.0,
        factor=0.5,
        patience=patience,
        cooldown=cooldown,
        min_delta=min_delta,
        final=final,
    )
    ours, theirs = keras.optimizers.SGD(1.0), keras.optimizers.SGD(1.0)
    model = keras.Model()
    model.optimizer = theirs
    reference = keras.callbacks.ReduceLROnPlateau(
        "val_loss", 0.5, patience, mode="min", min_delta=min_delta, cooldown=cooldown, min_lr=final
    )
    reference.set_model(model)
    reference.on_train_begin()
    assert rates_after(losses, Plateau(ours, section), ours) == rates_after(losses, reference, theirs)


def test_it_goes_down_to_the_lowest():
    optimizer, (plateau,) = built()
    assert rates_after([3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2], plateau, optimizer) == pytest.approx(
        [0.5, 0.5, 0.5, 0.25, 0.25, 0.125, 0.125, 0.0625, 0.0625, 0.05, 0.05]
    )


def test_groups_with_a_rate_of_their_own_keep_it():
    optimizer, plateaus = built(groups=[{"layers": "block1", "learning_rate": 0.4}])
    assert [p.optimizer for p in plateaus] == [optimizer.optimizers[1]]
    assert rates_after([1, 1, 1], plateaus[0], optimizer)[-1] == 0.25
    assert float(optimizer.optimizers[0].learning_rate) == pytest.approx(0.4)


def test_a_group_may_follow_the_loss_alone_and_groups_without_a_rate_follow_together():
    optimizer, plateaus = built(learning_rate=0.1, groups=[{"layers": "block1", "learning_rate": RATE}])
    assert [p.optimizer for p in plateaus] == [optimizer.optimizers[0]]
    optimizer, plateaus = built(groups=[{"layers": "block1", "weight_decay": 0.1}])
    assert [p.optimizer for p in plateaus] == optimizer.optimizers
    assert built(learning_rate=0.1)[1] == []


def test_layers_keep_their_share_of_the_rate_down_to_the_lowest():
    optimizer, plateaus = built(layer_decay=0.5)
    assert len(plateaus) == len(optimizer.optimizers) > 1
    shares = []
    for losses in ([], [1, 1, 1], [1] * 20):
        for plateau in plateaus:
            rates_after(losses, plateau, optimizer)
        rates = [float(one.learning_rate) for one in optimizer.optimizers]
        shares.append([rate / rates[-1] for rate in rates])
    np.testing.assert_allclose(shares, np.tile(0.5 ** np.arange(len(plateaus))[::-1], (3, 1)), rtol=1e-5)
    assert float(optimizer.learning_rate) == pytest.approx(0.05)


@pytest.mark.ci
def test_an_interrupted_run_goes_on_to_the_same_rates(tmp_path, monkeypatch):
    """A loss that cannot be lower by so much: the rate falls after every second epoch, also across the gap."""
    rate = "{schedule: reduce_on_plateau, initial: 0.01, factor: 0.5, patience: 2, min_delta: 9.0}"
    overrides = [
        "model={name: mlp, widths: [4], norm: none}",
        "training.batch_size=200",
        "training.epochs=6",
        "data.per_class=60",
    ]
    recipe = load_recipe("mlp/digits", [*overrides, f"optimizer.learning_rate={rate}"]).recipe
    data = load_dataset(recipe.data, TASKS[recipe.task])
    monkeypatch.setattr("zoo.training.callbacks.checkpoints._WRITE_EVERY", 0.0)
    quiet, write = Console(quiet=True), Checkpoints._write
    whole = set_up(recipe, data)
    expected = [row["learning_rate"] for row in fit(whole, tmp_path / "whole", quiet).history]
    np.testing.assert_allclose(expected, [0.01, 0.01, 0.01, 0.005, 0.005, 0.0025], rtol=1e-5)

    def write_and_die(self):
        write(self)
        if len(self.log.rows) == 4:  # one epoch of waiting is behind it, and one reduction
            raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Checkpoints, "_write", write_and_die)
        fit(set_up(recipe, data), tmp_path / "cut", quiet)
    again = set_up(recipe, data)
    resumed = fit(again, tmp_path / "cut", quiet, resume=True)
    assert [row["learning_rate"] for row in resumed.history] == expected
    weights = (problem.views.trained.get_weights() for problem in (again, whole))
    assert all(np.array_equal(a, b) for a, b in zip(*weights, strict=True))
