"""What a recipe asks for and the run is too short for, as far as it takes the data to know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zoo.errors import ZooError
from zoo.recipe.schedules import steps_of

if TYPE_CHECKING:
    from zoo.recipe import Recipe


def check_steps(recipe: Recipe, steps: int) -> None:
    """Check that the run makes updates, and augments if it is to.

    Args:
        recipe: the recipe.
        steps: training steps of an epoch.

    Raises:
        ZooError: nothing would be trained, or never augmented.
    """
    training, accumulate = recipe.training, recipe.optimizer.accumulate
    total = steps * training.epochs
    if accumulate > total:
        raise ZooError(
            f"optimizer.accumulate: an update in {accumulate} steps, and the run has {total} "
            f"({training.epochs} epochs of {steps}): nothing would be trained; it takes at most {total}"
        )
    until = training.augment_until
    if until is not None and round(steps_of(until, steps, training.epochs)) < 1:
        raise ZooError(
            f"training.augment_until: {until} is less than one of the run's {total} steps; nothing would be augmented"
        )


def step_notes(recipe: Recipe, steps: int) -> list[str]:
    """Return what of the run's steps has no effect, a sentence each.

    Args:
        recipe: the recipe.
        steps: training steps of an epoch.
    """
    last = recipe.training.stop_after or recipe.training.epochs
    total, every = steps * last, recipe.optimizer.accumulate
    rest = total % every
    if not rest:
        return []
    return [f"optimizer.accumulate: the last {rest} of {total} steps change nothing, as an update takes {every} steps"]
