"""The section `optimizer:`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from zoo.recipe.schedules import LearningRate
from zoo.recipe.types import Fraction, NonNegative, Positive, Rate, Section


class Group(Section):
    """Settings of some layers' own, in the place of those of the section."""

    layers: str = Field(description="name of a layer, with * for any text: its variables and those of what it holds")
    learning_rate: LearningRate | None = None
    weight_decay: NonNegative | None = None
    beta_1: Annotated[float, Field(ge=0, lt=1)] | None = None
    beta_2: Annotated[float, Field(ge=0, lt=1)] | None = None


class OptimizerSettings(Section):
    """What every optimiser takes. Weight decay leaves out biases and the parameters of norms."""

    learning_rate: LearningRate
    weight_decay: NonNegative = 0.0
    clip_value: Rate | None = None
    clip_norm: Rate | None = None
    clip_global_norm: Rate | None = None
    accumulate: Positive = Field(1, description="steps whose gradients are averaged before the weights change")
    ema: Fraction | None = Field(
        None, description="keep a moving average of the weights with this momentum, and take it at the end of the run"
    )
    groups: Annotated[list[Group], Field(min_length=1)] | None = Field(
        None, description="layers with settings of their own; the first that fits counts"
    )
    layer_decay: Fraction | None = Field(
        None, description="factor of the learning rate from each block to the one below it; the head has the whole rate"
    )
    unfreeze_epochs: Positive | None = Field(
        None,
        description="epochs that each block waits after the one above it before it learns, the head from the start",
    )


class Sgd(OptimizerSettings):
    """Stochastic gradient descent."""

    name: Literal["sgd"]
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.0
    nesterov: bool = False


class Moments(OptimizerSettings):
    """What Adam and its relatives share."""

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


class Adagrad(OptimizerSettings):
    """Adagrad (Duchi et al. 2011): the more a weight has moved, the less it moves."""

    name: Literal["adagrad"]
    initial_accumulator: NonNegative = Field(0.1, description="what the sum of squared gradients begins at")
    epsilon: Rate = 1e-7


class Lion(OptimizerSettings):
    """Lion (Chen et al. 2023): the sign of the momentum; wants a 3 to 10 times smaller rate than AdamW."""

    name: Literal["lion"]
    beta_1: Fraction = 0.9
    beta_2: Annotated[float, Field(ge=0, lt=1)] = 0.99


class Adafactor(OptimizerSettings):
    """Adafactor (Shazeer & Stern 2018): second moments by row and column, steps relative to the weights.

    The learning rate is the share of a weight matrix's root mean square that a step moves it by, and never counts for
    more than 1 / sqrt(step).
    """

    name: Literal["adafactor"]
    beta_2_decay: Annotated[float, Field(lt=0, ge=-1)] = -0.8
    epsilon: Rate = Field(
        1e-15, description="added to squared gradients; the paper's 1e-30 gives 0 / 0 for inputs that are always zero"
    )
    least_scale: Rate = Field(1e-3, description="root mean square that weights are taken to have at the least")
    clip_threshold: Rate = Field(1.0, description="root mean square of the largest update")


class Muon(Moments):
    """Muon (Jordan et al. 2024): momentum made orthogonal, scaled to AdamW's rates (Liu et al. 2025).

    For matrices of hidden layers. All else is Adam's, with the betas and epsilon: vectors, convolutions, embeddings,
    the head.
    """

    name: Literal["muon"]
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.95
    nesterov: bool = True
    iterations: Positive = Field(5, description="Newton-Schulz iterations that make a matrix orthogonal")
    adam_rate: Rate = Field(1.0, description="factor of the learning rate for what is Adam's")


class Lamb(Moments):
    """LAMB (You et al. 2020): Adam whose steps are scaled to each layer's weights, for large batches.

    Weight decay is apart from that scale, as everywhere here.
    """

    name: Literal["lamb"]


Optimizer = Annotated[
    Sgd | Adam | Adamw | Rmsprop | Adagrad | Lion | Adafactor | Muon | Lamb, Field(discriminator="name")
]
