"""Learning-rate schedules, by the names that recipes use."""

from __future__ import annotations

from typing import Any

import keras


def build_schedule(
    settings: Any, steps_per_epoch: int, epochs: int
) -> float | keras.optimizers.schedules.LearningRateSchedule:
    """Return the learning rate of a recipe: a number, or a schedule over training steps."""
    if isinstance(settings, int | float):
        return float(settings)
    schedules = keras.optimizers.schedules
    total = steps_per_epoch * epochs
    if settings.schedule == "cosine":
        return schedules.CosineDecay(settings.peak, total, alpha=settings.final / settings.peak)
    if settings.schedule == "warmup_cosine":
        warmup = max(1, round(settings.warmup_epochs * steps_per_epoch))
        return schedules.CosineDecay(
            0.0,
            max(1, total - warmup),
            alpha=settings.final / settings.peak,
            warmup_target=settings.peak,
            warmup_steps=warmup,
        )
    if settings.schedule == "step":
        values = [settings.initial * settings.factor**k for k in range(len(settings.epochs) + 1)]
        last = [e * steps_per_epoch - 1 for e in sorted(settings.epochs)]  # the last step of each value
        return schedules.PiecewiseConstantDecay(last, values)
    return schedules.ExponentialDecay(settings.initial, steps_per_epoch, settings.factor)
