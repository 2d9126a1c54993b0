"""Learning-rate schedules, by the names that recipes use."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


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


@keras.saving.register_keras_serializable("zoo")
class Scaled(keras.optimizers.schedules.LearningRateSchedule):
    """A share of another learning rate, and zero before a step.

    Args:
        rate: a number, or a schedule.
        factor: the share.
        start: first step that is not at zero.
    """

    def __init__(self, rate: Any, factor: float = 1.0, start: int = 0) -> None:
        self.rate, self.factor, self.start = rate, factor, start

    def __call__(self, step: Any) -> Any:
        """Return the learning rate at a step."""
        rate = self.rate(step) if callable(self.rate) else ops.convert_to_tensor(self.rate, "float32")
        return ops.where(ops.cast(step, "float32") < self.start, 0.0, self.factor * rate)

    def get_config(self) -> dict[str, Any]:
        """Return what rebuilds the schedule."""
        rate = keras.saving.serialize_keras_object(self.rate) if callable(self.rate) else self.rate
        return {"rate": rate, "factor": self.factor, "start": self.start}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Scaled:
        """Rebuild the schedule."""
        rate = config["rate"]
        return cls(
            keras.saving.deserialize_keras_object(rate) if isinstance(rate, dict) else rate,
            config["factor"],
            config["start"],
        )
