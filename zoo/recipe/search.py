"""The section `search:`: the keys to vary, the values to try, the tuner and the objective."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from zoo.recipe.types import NonNegative, Number, Positive, PositiveNumber, Section

When = Annotated[
    dict[str, Any] | None,
    Field(description="vary it only in trials where another key of the space has this value, or one of these values"),
]
Bounds = Annotated[
    list[Number], Field(min_length=2, max_length=2, description="smallest and largest value, both included")
]


class Choice(Section):
    """One of the listed values. A list is short for it."""

    choice: Annotated[list[Any], Field(min_length=1)]
    when: When = None


class Linear(Section):
    """A number between two bounds, uniformly distributed."""

    linear: Bounds
    step: PositiveNumber | None = Field(None, description="distance between the values that are tried")
    when: When = None


class Log(Section):
    """A number between two positive bounds, whose logarithm is uniformly distributed."""

    log: Annotated[
        list[PositiveNumber], Field(min_length=2, max_length=2, description="smallest and largest value, both included")
    ]
    when: When = None


_DISTRIBUTIONS = ("choice", "linear", "log")


def _kind(value: Any) -> str:
    """Return the tag of an entry. It equals no key of a recipe, so that messages can leave it out of the path."""
    if isinstance(value, list):
        return "list of values"
    keys = value if isinstance(value, dict) else [name for name in _DISTRIBUTIONS if hasattr(value, name)]
    return next((f"{name} of values" for name in _DISTRIBUTIONS if name in keys), "")


Entry = Annotated[
    Annotated[Annotated[list[Any], Field(min_length=1)], Tag("list of values")]
    | Annotated[Choice, Tag("choice of values")]
    | Annotated[Linear, Tag("linear of values")]
    | Annotated[Log, Tag("log of values")],
    Discriminator(_kind),
]


class Cost(Section):
    """The cost of serving a model, which is measured in each trial and plotted against the objective.

    Latency is the median time for one example of the trial's exported file in onnxruntime.
    """

    name: Literal["latency", "parameters", "file_size"] = Field(description="milliseconds, thousands, kilobytes")
    weight: NonNegative = Field(
        0.0, description="weight of the cost in the objective, for each unit; 0 only measures it"
    )


class MedianStopping(Section):
    """Stop a trial whose best objective so far is worse than the median of the finished trials' running averages.

    The median stopping rule of Golovin et al. 2017 (Google Vizier).
    """

    after_epochs: Positive = Field(5, description="epochs before which no trial is stopped")
    after_trials: Positive = Field(5, description="number of finished trials before which none is stopped")


class Search(Section):
    """A search over the recipe's own keys. Each trial is a run of the recipe with some values changed."""

    tuner: Literal["random", "grid", "bayesian", "hyperband"] = "random"
    max_trials: Positive = 20
    max_minutes: PositiveNumber | None = Field(
        None, description="minutes of training of all trials together, after which no trial starts"
    )
    objective: str | None = Field(
        None, description="a metric on validation, such as val_loss; the one that training monitors where left out"
    )
    cost: Cost | None = None
    seeds: Positive = Field(
        1, description="runs of each trial, with seeds training.seed, training.seed + 1, …; the objective is their mean"
    )
    seed: int = Field(0, ge=0, description="seed of the tuner")
    factor: Annotated[int, Field(ge=2)] = Field(
        3, description="hyperband: one of this many trials is promoted, to this many times the epochs"
    )
    median_stopping: MedianStopping | None = Field(None, description="stop trials by the median stopping rule")
    space: Annotated[dict[str, Entry | None], Field(min_length=1)] = Field(
        description="keys of the recipe, such as optimizer.learning_rate.peak, each with the values to try; null "
        "removes a key that a recipe inherits"
    )

    @model_validator(mode="before")
    @classmethod
    def _rename(cls, value: Any) -> Any:
        """Take the name that `median_stopping` had in version 0.1."""
        if isinstance(value, dict) and "hopeless" in value:
            value = {"median_stopping": value["hopeless"], **{k: v for k, v in value.items() if k != "hopeless"}}
        return value

    @property
    def keys(self) -> dict[str, Entry]:
        """The keys to vary, each with its entry."""
        return {key: entry for key, entry in self.space.items() if entry is not None}
