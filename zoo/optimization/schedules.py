"""Learning-rate schedules, by the names that recipes use."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from zoo.errors import ZooError
from zoo.recipe.schedules import steps_of


def build_schedule(
    settings: Any, steps_per_epoch: int, epochs: int
) -> float | keras.optimizers.schedules.LearningRateSchedule:
    """Return the learning rate of a recipe: a number, or a schedule over training steps.

    For `reduce_on_plateau`, which follows the validation loss, return the initial rate.

    Raises:
        ZooError: a part of the schedule is longer than the run.
    """
    if isinstance(settings, int | float):
        return float(settings)
    schedules = keras.optimizers.schedules
    total = steps_per_epoch * epochs

    def steps(duration: float | str) -> int:
        return max(1, round(steps_of(duration, steps_per_epoch, epochs)))

    name = settings.schedule
    if name == "cosine":
        return schedules.CosineDecay(settings.peak, total, alpha=settings.final / settings.peak)
    if name in ("warmup_cosine", "warmup_linear"):
        warmup = steps(getattr(settings, "warmup_epochs", None) or settings.warmup)
        _must_fit("warmup", settings.warmup, warmup, total)
    if name == "warmup_cosine":
        return schedules.CosineDecay(
            0.0,
            max(1, total - warmup),
            alpha=settings.final / settings.peak,
            warmup_target=settings.peak,
            warmup_steps=warmup,
        )
    if name == "warmup_linear":
        return StraightLines([0, warmup, max(total, warmup + 1)], [0.0, settings.peak, settings.final])
    if name == "step":
        for at in settings.at or ():
            _must_fit("at", at, steps(at), total)
        last = sorted(steps(at) - 1 for at in settings.epochs or settings.at)  # the last step of each value
        values = [settings.initial * settings.factor**k for k in range(len(last) + 1)]
        return schedules.PiecewiseConstantDecay(last, values)
    if name == "exponential":
        return schedules.ExponentialDecay(settings.initial, steps(settings.every), settings.factor)
    if name == "polynomial":
        return schedules.PolynomialDecay(settings.initial, steps(settings.over), settings.final, settings.power)
    if name == "cosine_log":
        return LogarithmicWaves(settings.peak, settings.waves, total)
    if name == "warm_restarts":
        return schedules.CosineDecayRestarts(
            settings.peak, steps(settings.period), settings.growth, settings.peak_decay, settings.final / settings.peak
        )
    if name == "one_cycle":
        rise, low = steps(settings.rise), settings.start * settings.peak
        _must_fit("rise", settings.rise, 2 * rise - 1, total)
        return StraightLines([0, rise, 2 * rise, max(total, 2 * rise + 1)], [low, settings.peak, low, settings.final])
    return float(settings.initial)  # reduce_on_plateau


def _must_fit(key: str, given: Any, steps: int, total: int) -> None:
    if isinstance(given, str) and steps >= total:
        raise ZooError(f"optimizer.learning_rate.{key}: {given} do not fit into the run, which has {total} steps")


@keras.saving.register_keras_serializable("zoo")
class StraightLines(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate that is linear between points and constant after the last.

    Args:
        steps: step of each point, in rising order, the first 0.
        rates: learning rate at each point.
    """

    def __init__(self, steps: Sequence[int], rates: Sequence[float]) -> None:
        self.steps, self.rates = list(steps), list(rates)

    def __call__(self, step: Any) -> Any:
        """Return the learning rate at a step."""
        step = ops.cast(step, "float32")
        rate = ops.convert_to_tensor(self.rates[0], "float32")
        for start, end, first, last in zip(self.steps, self.steps[1:], self.rates, self.rates[1:], strict=False):
            rate += (last - first) * ops.clip((step - start) / (end - start), 0.0, 1.0)
        return rate

    def get_config(self) -> dict[str, Any]:
        """Return what rebuilds the schedule."""
        return {"steps": self.steps, "rates": self.rates}


@keras.saving.register_keras_serializable("zoo")
class LogarithmicWaves(keras.optimizers.schedules.LearningRateSchedule):
    """Waves from 0 to a peak and back, `peak (1 - cos(2 pi log2(1 + (2^waves - 1) step / steps))) / 2`; then 0.

    Args:
        peak: highest learning rate.
        waves: their number.
        steps: of all of them.
    """

    def __init__(self, peak: float, waves: int, steps: int) -> None:
        self.peak, self.waves, self.steps = peak, waves, steps

    def __call__(self, step: Any) -> Any:
        """Return the learning rate at a step."""
        done = ops.minimum(ops.cast(step, "float32") / self.steps, 1.0)
        place = ops.log(1.0 + (2.0**self.waves - 1.0) * done) / math.log(2.0)
        return 0.5 * self.peak * (1.0 - ops.cos(2.0 * math.pi * place))

    def get_config(self) -> dict[str, Any]:
        """Return what rebuilds the schedule."""
        return {"peak": self.peak, "waves": self.waves, "steps": self.steps}


@keras.saving.register_keras_serializable("zoo")
class Scaled(keras.optimizers.schedules.LearningRateSchedule):
    """A multiple of another learning rate, and 0 before a step.

    Args:
        rate: a number, or a schedule.
        factor: the multiple.
        start: first step whose rate is not 0.
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


@keras.saving.register_keras_serializable("zoo")
class Stretched(keras.optimizers.schedules.LearningRateSchedule):
    """A schedule over steps as one over updates that come once in several steps.

    Args:
        rate: the schedule.
        every: steps to an update, at the last of which it is made.
    """

    def __init__(self, rate: Any, every: int) -> None:
        self.rate, self.every = rate, every

    def __call__(self, step: Any) -> Any:
        """Return the learning rate of an update."""
        return self.rate(ops.cast(step, "int32") * self.every + (self.every - 1))

    def get_config(self) -> dict[str, Any]:
        """Return what rebuilds the schedule."""
        return {"rate": keras.saving.serialize_keras_object(self.rate), "every": self.every}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Stretched:
        """Rebuild the schedule."""
        return cls(keras.saving.deserialize_keras_object(config["rate"]), config["every"])
