"""Training without a run folder, in one call: for callers that fit many small models and want the weights alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from zoo.backend.cpu_kernels import fused_kernels
from zoo.backend.determinism import ordered_gradient_sums
from zoo.data.batches import training_batches
from zoo.errors import ZooError
from zoo.training.callbacks.average import AverageInPlace
from zoo.training.fit import compile_for_training, steps_per_call

if TYPE_CHECKING:
    from zoo.training.problem import Problem


def train_weights(problem: Problem) -> None:
    """Train the model to its last epoch: to the weights of `fit` with `training.select: last`, bit for bit.

    Nothing is validated, logged or written, so that a small model takes a second or two, most of it for the graph.

    Raises:
        ZooError: the recipe stops or changes by validation, or the weights are no longer finite.
    """
    recipe = problem.recipe
    by_validation = {
        "regularization.early_stopping": recipe.regularization.early_stopping is not None,
        "optimizer.learning_rate: reduce_on_plateau": any(
            getattr(each.learning_rate, "schedule", None) == "reduce_on_plateau"
            for each in (recipe.optimizer, *(recipe.optimizer.groups or ()))
        ),
        "training.select: best": recipe.training.select != "last",
        "training.distribution": recipe.training.distribution is not None,
    }
    refused = [key for key, given in by_validation.items() if given]
    if refused:
        raise ZooError(f"{', '.join(refused)} needs a validation split; hold one out, or leave it out")
    model, training = problem.views.trained, recipe.training
    steps = len(problem.train) // training.batch_size
    total = steps * (training.stop_after or training.epochs)
    with ordered_gradient_sums(), fused_kernels(training.cpu_kernels, devices=1):
        compile_for_training(problem, recipe.optimizer, steps, training.epochs, steps_per_call(problem))
        model.fit(
            training_batches(problem.trained_on, recipe, start=0, steps=total), epochs=1, shuffle=False, verbose=0
        )
    average = AverageInPlace()
    average.set_model(model)
    average.enter()
    problem.views.settle()
    if not all(np.isfinite(weight).all() for weight in model.get_weights()):
        raise ZooError(
            "training: the weights are no longer finite; lower the learning rate, or scale the inputs and targets"
        )
