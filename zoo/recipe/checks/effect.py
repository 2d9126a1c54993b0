"""Checks that what a recipe asks for can have an effect."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from zoo import registry
from zoo.errors import ZooError
from zoo.recipe.checks.collect import Checks
from zoo.recipe.losses import Adversarial
from zoo.recipe.problems import Problem
from zoo.recipe.schedules import steps_of
from zoo.recipe.schema import Recipe
from zoo.recipe.source import KeyPath

# Types of these problems. A run that was trained is opened again whatever it asked for.
BEYOND_THE_RUN, NO_EFFECT = "beyond_the_run", "no_effect"
_PAIRWISE = ("nt_xent", "supcon", "contrastive", "triplet")  # losses that compare the examples of a batch
_SMOOTHED = ("non_saturating", "least_squares")  # forms of the adversarial loss that have targets to smooth


def check_effect(checks: Checks) -> None:
    """Check the run's length, then what needs several examples, then values that change nothing."""
    for path, text in beyond_the_run(checks.recipe):
        checks.found.append(Problem(path, BEYOND_THE_RUN, text))
    before = len(checks.found)
    _check_batch(checks)
    _check_optimizer(checks)
    loss = checks.recipe.loss
    checks.refuse(
        isinstance(loss, Adversarial) and loss.label_smoothing and loss.form not in _SMOOTHED,
        ("loss", "label_smoothing"),
        f"has no effect with the form {getattr(loss, 'form', '')}, which has no targets; set it to 0, "
        f"or the form to {' or '.join(_SMOOTHED)}",
    )
    checks.found[before:] = [replace(problem, type=NO_EFFECT) for problem in checks.found[before:]]


# === Beyond the end of the run ===


def beyond_the_run(recipe: Recipe) -> Iterator[tuple[KeyPath, str]]:
    """Yield what would begin, or act, after the end of the run: the key and why.

    Times in steps are left to the data.
    """
    for path, rate in _rates(recipe):
        for key, problem in _SCHEDULED.items():
            if (text := problem(getattr(rate, key, None), recipe)) is not None:
                yield (*path, key), text
    training, stop = recipe.training, recipe.regularization.early_stopping
    if stop is not None and (text := _patience(stop.patience, recipe)) is not None:
        yield ("regularization", "early_stopping", "patience"), text
    until = training.augment_until
    if until is not None and _in_epochs(until, recipe) > training.epochs:
        yield ("training", "augment_until"), f"augmentation would end after the run, and {_epochs(recipe)}"
    unfreeze = recipe.optimizer.unfreeze_epochs
    if unfreeze is not None and unfreeze >= training.epochs:
        yield ("optimizer", "unfreeze_epochs"), f"no block below the head would ever learn: {_epochs(recipe)}"
    swa = recipe.optimizer.swa
    if swa is not None and _in_epochs(swa, recipe) >= training.epochs:
        yield ("optimizer", "swa"), f"no weights would be averaged: {_epochs(recipe)}"
    if (training.stop_after or 0) > training.epochs:
        yield (
            ("training", "stop_after"),
            f"training.epochs is {training.epochs}, and {training.stop_after} is after its end",
        )


def _rates(recipe: Recipe) -> Iterator[tuple[KeyPath, Any]]:
    yield ("optimizer", "learning_rate"), recipe.optimizer.learning_rate
    for position, group in enumerate(recipe.optimizer.groups or ()):
        yield ("optimizer", "groups", position, "learning_rate"), group.learning_rate


def _epochs(recipe: Recipe) -> str:
    return f"training.epochs is {recipe.training.epochs}"


def _in_epochs(duration: Any, recipe: Recipe) -> float:
    """Return a duration in epochs; 0 where it is left out or given in steps."""
    if duration is None or (isinstance(duration, str) and "step" in duration):
        return 0.0
    return steps_of(duration, 1.0, recipe.training.epochs)


def _warmup(given: Any, recipe: Recipe) -> str | None:
    late = _in_epochs(given, recipe) >= recipe.training.epochs
    return f"the warmup must end before the run does, and {_epochs(recipe)}" if late else None


def _rise(given: Any, recipe: Recipe) -> str | None:
    late = 2 * _in_epochs(given, recipe) > recipe.training.epochs
    return f"the way up and the way down must fit into the run, and {_epochs(recipe)}" if late else None


def _times(given: Any, recipe: Recipe) -> str | None:
    last = max((_in_epochs(time, recipe) for time in given or ()), default=0.0)
    if last < recipe.training.epochs:
        return None
    return f"the rate would change at the end of the run or after it ({last:g}), and {_epochs(recipe)}"


def _patience(given: Any, recipe: Recipe) -> str | None:
    """Return why so many epochs without a better one would never end before the last."""
    last = recipe.training.epochs
    if given is None or given <= last - 2:
        return None
    most = f"it takes at most {last - 2}" if last > 2 else "leave it out"
    return f"a patience of {given} cannot act before the end of a run of {last} epochs; {most}"


_SCHEDULED: dict[str, Callable[[Any, Recipe], str | None]] = {
    "warmup_epochs": _warmup,
    "warmup": _warmup,
    "rise": _rise,
    "epochs": _times,
    "at": _times,
    "patience": _patience,
}


# === Values that change nothing ===


def _check_batch(checks: Checks) -> None:
    """Check what needs several examples in a batch."""
    recipe = checks.recipe
    if recipe.training.batch_size > 1:
        return
    alone = "needs several examples in a batch, and training.batch_size is 1"
    for key in ("mixup", "cutmix"):
        checks.refuse(getattr(recipe.regularization, key), ("regularization", key), f"{key} {alone}")
    checks.refuse(recipe.loss.name in _PAIRWISE, ("loss", "name"), f"{recipe.loss.name} {alone}")
    try:
        family, settings = registry.entry(recipe.model.name).family, registry.defaults(recipe.model.name)
    except ZooError:
        return
    norm = {**settings, **recipe.model.config}.get("norm")
    checks.refuse(family == "mlp" and norm == "batch", ("model", "norm"), f"batch normalization of vectors {alone}")


def _check_optimizer(checks: Checks) -> None:
    """Check settings of the optimiser that another one switches off."""
    optimizer = checks.recipe.optimizer
    checks.refuse(
        getattr(optimizer, "nesterov", False) and not getattr(optimizer, "momentum", 1.0),
        ("optimizer", "nesterov"),
        "has no effect without momentum; set it to false, or give optimizer.momentum",
    )
    for position, group in enumerate(optimizer.groups or ()):
        checks.refuse(
            not group.model_dump(exclude={"layers"}, exclude_none=True),
            ("optimizer", "groups", position),
            "changes nothing: give it a learning_rate, weight_decay, beta_1 or beta_2 of its own",
        )
    for path, rate in _rates(checks.recipe):
        checks.refuse(getattr(rate, "factor", None) == 1, (*path, "factor"), "a factor of 1 changes nothing")
        first = getattr(rate, "peak", getattr(rate, "initial", None))
        checks.refuse(
            getattr(rate, "schedule", None) in _FALLING and rate.final >= first,
            (*path, "final"),
            f"the rate is to fall, and the last one, {getattr(rate, 'final', None)}, is not below the first, {first}",
        )


_FALLING = ("cosine", "polynomial", "reduce_on_plateau", "warm_restarts")  # schedules that do nothing but fall
