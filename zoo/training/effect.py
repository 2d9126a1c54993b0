"""What a recipe asks for and the run is too short for, as far as it takes the data to know."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

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


def long_text_notes(targets: np.ndarray, steps: int | None) -> list[str]:
    """Return a note on the training texts that a network cannot transcribe, because they need more steps than it has.

    A text needs a step for each symbol, and one more between equal neighbors.

    Args:
        targets: symbols `(examples, length)`, padded with 0.
        steps: of the network's output; None where they vary with the image.

    Raises:
        ZooError: none can be transcribed, so that nothing would be trained.
    """
    if steps is None:
        return []
    twins = (targets[:, 1:] == targets[:, :-1]) & (targets[:, 1:] != 0)
    needed = (targets != 0).sum(axis=1) + twins.sum(axis=1)
    long = int((needed > steps).sum())
    if not long:
        return []
    what = (
        f"{long:,} of {len(targets):,} training texts need up to {int(needed.max())} steps, and images of this width "
        f"give {steps}"
    )
    if long == len(targets):
        raise ZooError(f"{what}: nothing would be trained; resize to a larger width")
    return [f"{what}: these texts teach nothing; resize to a larger width"]
