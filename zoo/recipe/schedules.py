"""The learning rate in `optimizer:`: a number, or a schedule over the run."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, StringConstraints, Tag

from zoo.recipe.types import Fraction, NonNegative, Positive, PositiveNumber, Section

DURATION = r"^(0\.0*[1-9][0-9]*|[1-9][0-9]*(\.[0-9]+)?) ?(%|epochs?|steps?)$"
Duration = Annotated[
    PositiveNumber | Annotated[str, StringConstraints(pattern=DURATION)],
    Field(description="a number of epochs, or text: 500 steps, 2 epochs, 10% (of the run)"),
]
AtLeastOne = Annotated[float, Field(ge=1, allow_inf_nan=False)]
Warmup = Annotated[Duration, Field(description="how long the rate rises from 0 to the peak")]


def steps_of(duration: float | str, steps_per_epoch: float, epochs: int) -> float:
    """Return how many training steps a duration is; not rounded."""
    if not isinstance(duration, str):
        return duration * steps_per_epoch
    found = re.fullmatch(r"([0-9.]+) ?([a-z%]+)", duration)
    assert found is not None, duration
    count, unit = float(found[1]), found[2].rstrip("s")
    return count * {"%": steps_per_epoch * epochs / 100, "epoch": steps_per_epoch, "step": 1}[unit]


class Cosine(Section):
    """Cosine annealing (Loshchilov & Hutter 2017) from `peak` to `final` over the whole run."""

    schedule: Literal["cosine"]
    peak: PositiveNumber
    final: NonNegative = 0.0


class WarmupCosine(Section):
    """Linear warmup to `peak`, then cosine annealing to `final`."""

    schedule: Literal["warmup_cosine"]
    peak: PositiveNumber
    warmup_epochs: PositiveNumber | None = Field(None, description="the warmup in epochs; or give `warmup`")
    warmup: Warmup | None = None
    final: NonNegative = 0.0


class WarmupLinear(Section):
    """Linear warmup to `peak`, then linear decay to `final` (Devlin et al. 2019)."""

    schedule: Literal["warmup_linear"]
    peak: PositiveNumber
    warmup: Warmup
    final: NonNegative = 0.0


class Step(Section):
    """Start at `initial`; multiply by `factor` at each of the named epochs, or at each of the named times."""

    schedule: Literal["step"]
    initial: PositiveNumber
    factor: PositiveNumber = 0.1
    epochs: Annotated[list[Positive], Field(min_length=1)] | None = None
    at: Annotated[list[Duration], Field(min_length=1)] | None = Field(
        None, description="times since the start of the run, instead of `epochs`"
    )


class Exponential(Section):
    """Start at `initial`; multiply by `factor` each epoch, or each `every`, smoothly."""

    schedule: Literal["exponential"]
    initial: PositiveNumber
    factor: PositiveNumber
    every: Duration = 1.0


class Polynomial(Section):
    """From `initial` to `final`, along a power of the remaining time (Chen et al. 2017 take 0.9; 1 is linear)."""

    schedule: Literal["polynomial"]
    initial: PositiveNumber
    final: NonNegative = 0.0
    power: PositiveNumber = 1.0
    over: Annotated[Duration, Field(description="how long that takes; after it the rate stays at `final`")] = "100%"


class CosineLog(Section):
    """Waves from 0 to `peak` and back, each as long as all before it (Holzmüller et al. 2024, `coslog`)."""

    schedule: Literal["cosine_log"]
    peak: PositiveNumber
    waves: Annotated[int, Field(ge=1, le=10)] = 4


class WarmRestarts(Section):
    """Cosine annealing that restarts after each period (SGDR, Loshchilov & Hutter 2017)."""

    schedule: Literal["warm_restarts"]
    peak: PositiveNumber
    period: Annotated[Duration, Field(description="length of the first period")]
    growth: AtLeastOne = Field(2.0, description="factor of the length from each period to the next")
    peak_decay: Annotated[float, Field(gt=0, le=1)] = Field(
        1.0, description="factor of the peak's height above `final` from each period to the next"
    )
    final: NonNegative = 0.0


class OneCycle(Section):
    """Linearly up to `peak` and down again, then to `final` (1cycle, Smith & Topin 2018). Momentum stays the same."""

    schedule: Literal["one_cycle"]
    peak: PositiveNumber
    rise: Annotated[Duration, Field(description="length of the way up, and of the way down")] = "45%"
    start: Fraction = Field(0.1, description="fraction of the peak at which the cycle starts and ends")
    final: NonNegative = 0.0


class ReduceOnPlateau(Section):
    """Start at `initial`; multiply by `factor` after `patience` epochs without a lower validation loss."""

    schedule: Literal["reduce_on_plateau"]
    initial: PositiveNumber
    factor: Fraction = 0.1
    patience: Positive = 5
    min_delta: NonNegative = Field(0.0, description="smallest decrease of the validation loss that counts")
    cooldown: Annotated[int, Field(ge=0)] = Field(
        0, description="epochs to wait after a reduction before counting again"
    )
    final: NonNegative = Field(0.0, description="lowest rate")


def _rate_or_schedule(value: Any) -> str:
    if isinstance(value, dict):
        name = value.get("schedule")
        return name if isinstance(name, str) and name != "number" else ""
    return getattr(value, "schedule", "number")


LearningRate = Annotated[
    Annotated[PositiveNumber, Tag("number")]
    | Annotated[Cosine, Tag("cosine")]
    | Annotated[WarmupCosine, Tag("warmup_cosine")]
    | Annotated[Step, Tag("step")]
    | Annotated[Exponential, Tag("exponential")]
    | Annotated[WarmupLinear, Tag("warmup_linear")]
    | Annotated[Polynomial, Tag("polynomial")]
    | Annotated[CosineLog, Tag("cosine_log")]
    | Annotated[WarmRestarts, Tag("warm_restarts")]
    | Annotated[OneCycle, Tag("one_cycle")]
    | Annotated[ReduceOnPlateau, Tag("reduce_on_plateau")],
    Discriminator(_rate_or_schedule),
]
