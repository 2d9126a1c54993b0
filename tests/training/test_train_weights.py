"""Training without a run folder, against training with one."""

from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from zoo.data.sources.load import load_dataset
from zoo.errors import ZooError
from zoo.recipe import load_recipe
from zoo.tasks import TASKS
from zoo.training.fit import fit
from zoo.training.problem import set_up
from zoo.training.train_weights import train_weights


def problem(*overrides):
    given = ["training.epochs=3", "model.widths=[8]", "training.batch_size=32", "optimizer.ema=0.9", *overrides]
    recipe = load_recipe("mlp/wine", given).recipe
    return set_up(recipe, load_dataset(recipe.data, TASKS[recipe.task], recipe.preprocess))


def test_the_weights_are_those_of_fit_bit_for_bit(tmp_path):
    short, whole = problem(), problem()
    train_weights(short)
    fit(whole, Path(tmp_path), Console(quiet=True))
    for one, other in zip(short.views.saved.get_weights(), whole.views.saved.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert list(short.views.saved.get_weights()[0].shape) == list(whole.views.saved.get_weights()[0].shape)


@pytest.mark.parametrize(
    ("override", "named"),
    [
        ("training.select=best", r"training\.select: best"),
        ("regularization.early_stopping={patience: 1}", r"regularization\.early_stopping"),
        ("optimizer.learning_rate={schedule: reduce_on_plateau, initial: 0.01, patience: 1}", "reduce_on_plateau"),
    ],
)
def test_what_needs_a_validation_split_is_refused(override, named):
    with pytest.raises(ZooError, match=f"{named} needs a validation split"):
        train_weights(problem(override))


def test_a_loss_that_is_no_longer_finite_is_refused():
    with pytest.raises(ZooError, match=r"training: the weights are no longer finite; lower the learning rate"):
        train_weights(problem("optimizer={name: sgd, learning_rate: 1e30}", "optimizer.ema=null"))
