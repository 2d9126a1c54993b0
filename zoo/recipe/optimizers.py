"""The section `optimizer:`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from zoo.recipe.schedules import Duration, LearningRate
from zoo.recipe.types import Fraction, NonNegative, Positive, PositiveNumber, Section


class Group(Section):
    """Settings of some layers, which replace those of the section."""

    layers: str = Field(description="name of a layer, with * for any text; layers inside it belong to it")
    learning_rate: LearningRate | None = None
    weight_decay: NonNegative | None = None
    beta_1: Annotated[float, Field(ge=0, lt=1)] | None = None
    beta_2: Annotated[float, Field(ge=0, lt=1)] | None = None


class OptimizerSettings(Section):
    """What every optimiser takes. Biases and the parameters of norms have no weight decay."""

    learning_rate: LearningRate
    weight_decay: NonNegative = 0.0
    clip_value: PositiveNumber | None = None
    clip_norm: PositiveNumber | None = None
    clip_global_norm: PositiveNumber | None = None
    accumulate: Positive = Field(1, description="steps over which gradients are averaged before each update")
    ema: Fraction | None = Field(
        None,
        description="momentum of a moving average of the weights, which is what is validated, kept and exported; "
        "after t updates it is (1 + t) / (10 + t) at most",
    )
    swa: Duration | None = Field(
        None,
        description="when the mean of the weights of all later updates begins (stochastic weight averaging), which is "
        "then what is validated, kept and exported",
    )
    groups: Annotated[list[Group], Field(min_length=1)] | None = Field(
        None, description="layers with other settings; a layer takes those of the first group that it matches"
    )
    layer_decay: Fraction | None = Field(
        None, description="factor of the learning rate from each block to the one below it; the head has the full rate"
    )
    unfreeze_epochs: Positive | None = Field(
        None,
        description="epochs from the unfreezing of each block to that of the block below it; the head is never frozen",
    )


class Sgd(OptimizerSettings):
    """Stochastic gradient descent."""

    name: Literal["sgd"]
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.0
    nesterov: bool = False


class Moments(OptimizerSettings):
    """What Adam and its variants take."""

    beta_1: Annotated[float, Field(ge=0, lt=1)] = 0.9
    beta_2: Annotated[float, Field(ge=0, lt=1)] = 0.999
    epsilon: PositiveNumber = 1e-7


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
    epsilon: PositiveNumber = 1e-7


class Adagrad(OptimizerSettings):
    """Adagrad (Duchi et al. 2011): steps shrink with the sum of squared gradients."""

    name: Literal["adagrad"]
    initial_accumulator: NonNegative = Field(0.1, description="initial value of the sum of squared gradients")
    epsilon: PositiveNumber = 1e-7


class Lion(OptimizerSettings):
    """Lion (Chen et al. 2023): the sign of the momentum; needs a learning rate 3 to 10 times smaller than AdamW's."""

    name: Literal["lion"]
    beta_1: Fraction = 0.9
    beta_2: Annotated[float, Field(ge=0, lt=1)] = 0.99


class Adafactor(OptimizerSettings):
    """Adafactor (Shazeer & Stern 2018): second moments by row and column, steps relative to the weights.

    The learning rate is relative to the root mean square of a weight matrix, and is limited to 1 / sqrt(step).
    """

    name: Literal["adafactor"]
    beta_2_decay: Annotated[float, Field(lt=0, ge=-1)] = -0.8
    epsilon: PositiveNumber = Field(
        1e-15, description="added to squared gradients; the paper's 1e-30 gives 0 / 0 for inputs that are always 0"
    )
    least_scale: PositiveNumber = Field(
        1e-3, description="smallest root mean square of the weights that a step is relative to"
    )
    clip_threshold: PositiveNumber = Field(1.0, description="largest root mean square of an update")


class Muon(Moments):
    """Muon (Jordan et al. 2024): momentum made orthogonal, scaled to AdamW's rates (Liu et al. 2025).

    It updates the matrices of hidden layers. Vectors, convolutions, embeddings and the head are updated by Adam, with
    the betas and epsilon.
    """

    name: Literal["muon"]
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.95
    nesterov: bool = True
    iterations: Positive = Field(5, description="Newton-Schulz iterations that make a matrix orthogonal")
    adam_rate: PositiveNumber = Field(1.0, description="factor of the learning rate of what Adam updates")


class Lamb(Moments):
    """LAMB (You et al. 2020): Adam whose steps are scaled to each layer's weights, for large batches.

    Weight decay is not scaled.
    """

    name: Literal["lamb"]


Optimizer = Annotated[
    Sgd | Adam | Adamw | Rmsprop | Adagrad | Lion | Adafactor | Muon | Lamb, Field(discriminator="name")
]
