"""The sections `loss:` and `optimizer:`, with the learning-rate schedules."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from zoo.recipe.types import NonNegative, Positive, Rate, Section


class CategoricalCrossentropy(Section):
    """Cross-entropy over classes, from logits."""

    name: Literal["categorical_crossentropy"]
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.0


class MeanSquaredError(Section):
    """Mean squared error, on targets in units of their standard deviation."""

    name: Literal["mean_squared_error"]


class MeanAbsoluteError(Section):
    """Mean absolute error, on targets in units of their standard deviation."""

    name: Literal["mean_absolute_error"]


class Huber(Section):
    """Huber loss, on targets in units of their standard deviation."""

    name: Literal["huber"]
    delta: Rate = 1.0


Loss = Annotated[CategoricalCrossentropy | MeanSquaredError | MeanAbsoluteError | Huber, Field(discriminator="name")]


class Cosine(Section):
    """Cosine annealing (Loshchilov & Hutter 2017) from `peak` to `final` over the whole run."""

    schedule: Literal["cosine"]
    peak: Rate
    final: NonNegative = 0.0


class WarmupCosine(Section):
    """Linear warmup to `peak`, then cosine annealing to `final`."""

    schedule: Literal["warmup_cosine"]
    peak: Rate
    warmup_epochs: Rate
    final: NonNegative = 0.0


class Step(Section):
    """Start at `initial`; multiply by `factor` at each of the named epochs."""

    schedule: Literal["step"]
    initial: Rate
    factor: Rate = 0.1
    epochs: list[Positive] = Field(min_length=1)


class Exponential(Section):
    """Start at `initial`; multiply by `factor` each epoch, smoothly."""

    schedule: Literal["exponential"]
    initial: Rate
    factor: Rate


def _rate_or_schedule(value: Any) -> str:
    if isinstance(value, dict):
        name = value.get("schedule")
        return name if isinstance(name, str) and name != "number" else ""
    return getattr(value, "schedule", "number")


Schedule = Cosine | WarmupCosine | Step | Exponential
LearningRate = Annotated[
    Annotated[Rate, Tag("number")]
    | Annotated[Cosine, Tag("cosine")]
    | Annotated[WarmupCosine, Tag("warmup_cosine")]
    | Annotated[Step, Tag("step")]
    | Annotated[Exponential, Tag("exponential")],
    Discriminator(_rate_or_schedule),
]


class OptimizerSettings(Section):
    """What every optimiser takes. Weight decay leaves out biases and the parameters of norms."""

    learning_rate: LearningRate
    weight_decay: NonNegative = 0.0
    clip_value: Rate | None = None
    clip_norm: Rate | None = None
    clip_global_norm: Rate | None = None


class Sgd(OptimizerSettings):
    """Stochastic gradient descent."""

    name: Literal["sgd"]
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.0
    nesterov: bool = False


class Moments(OptimizerSettings):
    """What Adam and AdamW share."""

    beta_1: Annotated[float, Field(ge=0, lt=1)] = 0.9
    beta_2: Annotated[float, Field(ge=0, lt=1)] = 0.999
    epsilon: Rate = 1e-7


class Adam(Moments):
    """Adam (Kingma & Ba 2015)."""

    name: Literal["adam"]


class Adamw(Moments):
    """AdamW: Adam with decoupled weight decay (Loshchilov & Hutter 2019)."""

    name: Literal["adamw"]
    weight_decay: NonNegative = 0.01


class Rmsprop(OptimizerSettings):
    """RMSprop (Hinton 2012)."""

    name: Literal["rmsprop"]
    rho: Annotated[float, Field(ge=0, lt=1)] = 0.9
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.0
    epsilon: Rate = 1e-7


Optimizer = Annotated[Sgd | Adam | Adamw | Rmsprop, Field(discriminator="name")]
