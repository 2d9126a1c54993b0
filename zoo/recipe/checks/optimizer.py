"""Checks of `optimizer:`: schedules, clipping, groups, depth."""

from __future__ import annotations

from zoo.recipe.checks.collect import Checks
from zoo.recipe.optimizers import Group
from zoo.recipe.schedules import LearningRate, ReduceOnPlateau
from zoo.recipe.source import KeyPath

_CLIPS = ("clip_value", "clip_norm", "clip_global_norm")
_DEPTHS = ("layer_decay", "unfreeze_epochs")
_ALTERNATIVES = (("warmup_epochs", "warmup"), ("epochs", "at"))  # keys of a schedule of which it takes one


def check_optimizer(checks: Checks) -> None:
    """Check what does not fit together in the optimiser's section."""
    optimizer = checks.recipe.optimizer
    at: KeyPath = ("optimizer", "learning_rate")
    _check_schedule(checks, optimizer.learning_rate, at)
    for position, group in enumerate(optimizer.groups or ()):
        _check_group(checks, group, ("optimizer", "groups", position))
    checks.refuse(
        isinstance(optimizer.learning_rate, ReduceOnPlateau) and optimizer.unfreeze_epochs is not None,
        ("optimizer", "unfreeze_epochs"),
        "blocks that wait have a schedule of their own, which reduce_on_plateau cannot lower; choose another schedule",
    )
    checks.refuse(
        optimizer.swa is not None and optimizer.ema is not None,
        ("optimizer", "swa"),
        "is a mean of the weights, and optimizer.ema another; keep one",
    )
    clips = [key for key in _CLIPS if getattr(optimizer, key) is not None]
    if len(clips) > 1:
        text = f"{' and '.join(clips)} are set; keep one, and set the other to null"
        checks.add(("optimizer", clips[-1]), text)
    depths = [key for key in _DEPTHS if getattr(optimizer, key) is not None]
    if depths and optimizer.groups:
        text = "goes by the depth of the layers, and optimizer.groups by their names; keep one"
        checks.add(("optimizer", depths[0]), text)


def _check_group(checks: Checks, group: Group, at: KeyPath) -> None:
    """Check the settings of some layers' own."""
    optimizer = checks.recipe.optimizer
    for key in ("beta_1", "beta_2"):
        checks.refuse(
            getattr(group, key) is not None and not hasattr(optimizer, key),
            (*at, key),
            f"{optimizer.name} has no {key}",
        )
    checks.refuse(
        optimizer.name == "lion" and group.beta_1 == 0,
        (*at, "beta_1"),
        "must be greater than 0 for lion, received 0",
    )
    if group.learning_rate is not None:
        _check_schedule(checks, group.learning_rate, (*at, "learning_rate"))


def _check_schedule(checks: Checks, rate: LearningRate, at: KeyPath) -> None:
    """Check that a schedule fits into the run. Durations in steps are left to the data."""
    for first, second in _ALTERNATIVES:
        given = [key for key in (first, second) if getattr(rate, key, None) is not None]
        checks.refuse(
            len(given) == 2,
            (*at, second),
            f"{first} and {second} are set; keep one, and set the other to null",
        )
        checks.refuse(
            not given and hasattr(rate, first) and hasattr(rate, second),
            (*at, second),
            "required, and missing: for example 2 (epochs), 500 steps or 10%",
        )
