"""The model that is kept is compared with what training measured, and any other is refused with both figures."""

import dataclasses

import numpy as np
import pytest

from zoo.data.batches import evaluation_batches
from zoo.data.sources.load import load_dataset
from zoo.errors import ZooError
from zoo.recipe import load_recipe
from zoo.tasks import TASKS
from zoo.training.as_measured import check_trained
from zoo.training.fit import compile_for_training
from zoo.training.problem import set_up
from zoo.training.saved_as_measured import check_saved

SMALL = {
    "classes": ("mlp/digits", ["model.widths=[8]"]),
    "numbers": ("mlp/diabetes", ["model.widths=[8]"]),
    "halves": ("mlp/wine", ["training.precision=mixed_bfloat16"]),
    "gan": ("gan/digits", ["model.generator_widths=[8, 4]", "model.discriminator_widths=[4, 8]"]),
}


@pytest.fixture
def measured(request):
    """A problem, the batches that it is validated on, and its row in the log, as an epoch of training leaves them."""
    name, overrides = SMALL[request.param]
    recipe = load_recipe(name, overrides).recipe
    problem = set_up(recipe, load_dataset(recipe.data, TASKS[recipe.task], recipe.preprocess))
    compile_for_training(problem, recipe.optimizer, 5, 1)
    validation = evaluation_batches(problem.validation)
    found = problem.views.trained.evaluate(validation, verbose=0, return_dict=True)
    problem.views.settle()
    return problem, validation, {"epoch": 1, **{f"val_{key}": value for key, value in found.items()}}


def shift(model):
    """Change a model's kernels."""
    model.set_weights([-3 * w if w.ndim > 1 else w for w in model.get_weights()])


@pytest.mark.parametrize("measured", ["classes", "numbers", "halves"], indirect=True)
def test_the_model_that_was_measured_is_taken_and_another_is_not(measured):
    problem, validation, row = measured
    saved = problem.views.saved
    check_trained(problem, row, validation)
    check_saved(problem, saved, row)
    better = {key: value + 0.5 * (key != "epoch") for key, value in row.items()}
    with pytest.raises(ZooError, match=r"val_\w+: [\d.]+ in epoch 1 as training saw it, [\d.]+ now"):
        check_saved(problem, saved, better)
    problem.views = dataclasses.replace(problem.views, saved=_Weights([w + 1 for w in saved.get_weights()]))
    with pytest.raises(ZooError, match=r"its weights: those of the trained network .* others now"):
        check_saved(problem, saved, row)
    shift(problem.views.learner)
    problem.views.settle()
    with pytest.raises(ZooError, match=r"val_\w+: [\d.]+ in epoch 1 as training saw it, [\d.]+ now"):
        check_trained(problem, row, validation)


class _Weights:
    """Stands for a model that has other weights."""

    def __init__(self, weights):
        self.get_weights = lambda: weights


@pytest.mark.parametrize("measured", ["halves"], indirect=True)
def test_weights_that_were_not_handed_over_are_noticed(measured):
    problem, validation, row = measured
    shift(problem.views.learner)
    with pytest.raises(ZooError, match="its weights: those of the trained network"):
        check_trained(problem, row, validation)


@pytest.mark.parametrize("measured", ["gan"], indirect=True)
def test_figures_that_are_drawn_are_not_compared_and_the_draws_stay(measured):
    problem, validation, row = measured
    before = int(np.array(problem.views.trained.noise.state)[1])
    check_trained(problem, {**row, "val_loss": 1e9}, validation)
    assert int(np.array(problem.views.trained.noise.state)[1]) == before
