"""Edits of the optimisation: how long, how fast, how regular."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from zoo.evaluation.report.diagnosis.edits.edit import Context, Edit, edit
from zoo.recipe.schedules import ReduceOnPlateau

_CLIPS = ("clip_value", "clip_norm", "clip_global_norm")
_LONGER = 3  # times the epochs
_ENOUGH_STEPS = 500  # of training: shorter runs get at least as many
_MAX_LONGER = 30
_DECAY = 0.05
_DECOUPLED = ("adamw", "lion", "muon", "lamb")  # optimisers whose decay is usual


def rate_of(context: Context) -> float:
    """Return the highest learning rate."""
    rate = context.recipe.optimizer.learning_rate
    return float(rate) if isinstance(rate, int | float) else float(getattr(rate, "peak", getattr(rate, "initial", 0.0)))


def scaled_rate(context: Context, factor: float) -> dict[str, Any]:
    """Return the changes that scale every learning rate of the recipe."""
    changes: dict[str, Any] = {}
    places = [("optimizer.learning_rate", context.recipe.optimizer.learning_rate)]
    for i, group in enumerate(context.recipe.optimizer.groups or ()):
        if group.learning_rate is not None:
            places.append((f"optimizer.groups.{i}.learning_rate", group.learning_rate))
    for key, rate in places:
        if isinstance(rate, int | float):
            changes[key] = _rounded(rate * factor)
            continue
        for name in ("peak", "initial", "final"):
            if getattr(rate, name, None):
                changes[f"{key}.{name}"] = _rounded(getattr(rate, name) * factor)
    return changes


def _rounded(value: float) -> float:
    return float(f"{value:.3g}")


def lower_rate(context: Context) -> Iterator[Edit]:
    """Yield a tenth and a hundredth of the rate, with clipped gradients."""
    optimizer = context.recipe.optimizer
    clips = any(getattr(optimizer, key) is not None for key in _CLIPS)
    clip = {} if clips else {"optimizer.clip_global_norm": 1.0}
    for divisor, what in ((10, "a tenth"), (100, "a hundredth")):
        yield edit(
            "optimization",
            {**scaled_rate(context, 1 / divisor), **clip},
            f"The steps are too large: take {what} of the learning rate{'' if clips else ', and clip the gradients'}.",
        )


def full_precision(context: Context) -> Iterator[Edit]:
    """Yield arithmetic in float32."""
    if context.recipe.training.precision != "float32":
        yield edit("optimization", {"training.precision": "float32"}, "Rule out that half precision overflows.")


def longer(context: Context) -> Iterator[Edit]:
    """Yield more epochs, and as many steps as networks usually need."""
    training, steps = context.recipe.training, context.situation.steps
    factor = _LONGER
    if steps:
        factor = max(factor, min(_MAX_LONGER, -(-_ENOUGH_STEPS // steps)))
    epochs = training.epochs * factor
    changes: dict[str, Any] = {"training.epochs": epochs}
    if training.stop_after is not None:
        changes["training.stop_after"] = None
    reason = f"The run ended before it had learned: {epochs} epochs in place of {training.epochs}."
    stop = context.recipe.regularization.early_stopping
    if stop is not None and len(context.situation.history) < training.epochs:
        changes = {"regularization.early_stopping.patience": stop.patience * _LONGER, "training.epochs": epochs}
        reason = "Early stopping ended the run: wait three times as long for a better epoch."
    yield edit("optimization", changes, reason)


def longer_if_falling(context: Context) -> Iterator[Edit]:
    """Yield more epochs, where the loss was still falling."""
    if "falling" in context.causes and "capacity" not in context.causes:
        yield from longer(context)


def higher_rate(context: Context) -> Iterator[Edit]:
    """Yield three times the rate."""
    yield edit("optimization", scaled_rate(context, 3), "Take larger steps: three times the learning rate.")


def higher_rate_if_still(context: Context) -> Iterator[Edit]:
    """Yield ten times the rate, where the loss hardly moved."""
    if "still" in context.causes:
        yield edit("optimization", scaled_rate(context, 10), "The loss hardly moved: take ten times the learning rate.")


def annealed_rate(context: Context) -> Iterator[Edit]:
    """Yield a rate that falls to 0 along a cosine."""
    rate = context.recipe.optimizer.learning_rate
    if isinstance(rate, int | float | ReduceOnPlateau):
        schedule = {"schedule": "cosine", "peak": rate_of(context)}
        yield edit(
            "optimization",
            {"optimizer.learning_rate": schedule},
            "Let the learning rate fall to 0 along a cosine: large steps keep the loss from settling.",
        )
    yield edit("optimization", scaled_rate(context, 1 / 3), "Take a third of the learning rate: smaller steps settle.")


def best_epoch_kept(context: Context) -> Iterator[Edit]:
    """Yield the weights of the best epoch, where those of the last are kept."""
    if context.recipe.training.select == "last" and context.causes & {"late", "chance"}:
        yield edit(
            "optimization",
            {"training.select": "best"},
            "Validation was best before the end: keep the weights of its best epoch.",
        )


def stopped_early(context: Context) -> Iterator[Edit]:
    """Yield early stopping."""
    recipe = context.recipe
    patience = max(1, min(10, recipe.training.epochs // 5))
    if recipe.regularization.early_stopping is None:
        yield edit(
            "optimization",
            {"regularization.early_stopping": {"patience": patience}, "training.select": "best"},
            f"Stop when validation does not improve for {patience} epoch{'s' * (patience > 1)}, and keep its best.",
        )


def more_decay(context: Context) -> Iterator[Edit]:
    """Yield stronger weight decay."""
    optimizer = context.recipe.optimizer
    decay = optimizer.weight_decay
    changes: dict[str, Any] = {"optimizer.weight_decay": _rounded(4 * decay) if decay else _DECAY}
    if optimizer.name == "adam" and not decay:
        rate = context.tree["optimizer"]["learning_rate"]
        changes = {"optimizer": {"name": "adamw", "learning_rate": rate, "weight_decay": _DECAY}}
    yield edit("optimization", changes, "Keep the weights small: more weight decay.")


def less_decay(context: Context) -> Iterator[Edit]:
    """Yield weaker regularisation, where there is a strong one."""
    recipe, changes = context.recipe, {}
    if recipe.optimizer.weight_decay > _DECAY:
        changes["optimizer.weight_decay"] = _rounded(recipe.optimizer.weight_decay / 10)
    for key in ("l1", "l2"):
        if getattr(recipe.regularization, key):
            changes[f"regularization.{key}"] = 0.0
    if changes:
        yield edit("optimization", changes, "Let the weights grow: less weight decay and penalties.")
