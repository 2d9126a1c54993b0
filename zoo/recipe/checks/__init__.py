"""What the schema's types cannot say: combinations of settings that cannot work together."""

from __future__ import annotations

from zoo.recipe.checks.collect import Checks
from zoo.recipe.checks.data import check_data
from zoo.recipe.checks.effect import check_effect
from zoo.recipe.checks.generation import check_generation
from zoo.recipe.checks.model import check_model
from zoo.recipe.checks.optimizer import check_optimizer
from zoo.recipe.checks.preprocess import check_preprocess
from zoo.recipe.checks.training import (
    check_augment,
    check_evaluation,
    check_loss,
    check_regularization,
    check_training,
)
from zoo.recipe.problems import Problem
from zoo.recipe.schema import Recipe

__all__ = ["inconsistencies"]

_CHECKS = (
    check_data,
    check_preprocess,
    check_augment,
    check_loss,
    check_optimizer,
    check_regularization,
    check_training,
    check_evaluation,
    check_generation,
    check_model,
    check_effect,
)


def inconsistencies(recipe: Recipe) -> list[Problem]:
    """Return the combinations in a recipe that cannot work, each with the key to change."""
    checks = Checks(recipe)
    for check in _CHECKS:
        check(checks)
    return checks.found
