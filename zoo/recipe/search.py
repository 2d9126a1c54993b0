"""The section `search:`: which values of which keys are tried, by which tuner, and what the best is."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from zoo.recipe.types import NonNegative, Number, Positive, Rate, Section

When = Annotated[
    dict[str, Any] | None,
    Field(description="try it only in trials where another key of the space has this value, or one of a list of them"),
]
Bounds = Annotated[list[Number], Field(min_length=2, max_length=2, description="smallest and largest value, both in")]


class Choice(Section):
    """One of some values, of any kind. A list in place of the section is short for it."""

    choice: Annotated[list[Any], Field(min_length=1)]
    when: When = None


class Linear(Section):
    """A number between two bounds, each as likely as the other."""

    linear: Bounds
    step: Rate | None = Field(None, description="distance between the values that are tried")
    when: When = None


class Log(Section):
    """A number between two bounds above zero, each order of magnitude as likely as the other."""

    log: Annotated[list[Rate], Field(min_length=2, max_length=2, description="smallest and largest value, both in")]
    when: When = None


_KINDS = ("choice", "linear", "log")


def _kind(value: Any) -> str:
    """Return the tag of an entry: no key of any, so that the place of a problem can be told."""
    if isinstance(value, list):
        return "list of values"
    keys = value if isinstance(value, dict) else [kind for kind in _KINDS if hasattr(value, kind)]
    return next((f"{kind} of values" for kind in _KINDS if kind in keys), "")


Entry = Annotated[
    Annotated[Annotated[list[Any], Field(min_length=1)], Tag("list of values")]
    | Annotated[Choice, Tag("choice of values")]
    | Annotated[Linear, Tag("linear of values")]
    | Annotated[Log, Tag("log of values")],
    Discriminator(_kind),
]


class Cost(Section):
    """What a model costs where it serves. It is measured in each trial, and drawn against the figure.

    Latency is the median time for one example in onnxruntime, of the file that the trial's model is exported to.
    """

    name: Literal["latency", "parameters", "file_size"] = Field(description="milliseconds, thousands, kilobytes")
    weight: NonNegative = Field(
        0.0, description="how much of the figure one unit is worth: the tuner and the choice of the best see the sum"
    )


class HopelessTrials(Section):
    """Stop a trial whose best figure so far is worse than the median of what finished trials had on average by then.

    The median stopping rule of Golovin et al., 2017 (Google Vizier).
    """

    after_epochs: Positive = Field(5, description="epochs that each trial has in any case")
    after_trials: Positive = Field(5, description="trials that have to be finished before any is stopped")


class Search(Section):
    """A search over values of the recipe's own keys. Each trial is a run of the recipe with its values."""

    tuner: Literal["random", "grid", "bayesian", "hyperband"] = "random"
    max_trials: Positive = 20
    max_minutes: Rate | None = Field(
        None, description="minutes of training, of all trials together, after which no trial begins"
    )
    objective: str | None = Field(
        None, description="a figure on validation, such as val_loss; the one that training watches where left out"
    )
    cost: Cost | None = None
    seeds: Positive = Field(1, description="runs of a trial, with seeds from training.seed on; their mean counts")
    seed: int = Field(0, ge=0, description="seed of the tuner")
    factor: Annotated[int, Field(ge=2)] = Field(
        3, description="hyperband: of so many trials one goes on, for so many times the epochs"
    )
    hopeless: HopelessTrials | None = Field(None, description="stop trials that will not win; none if left out")
    space: Annotated[dict[str, Entry | None], Field(min_length=1)] = Field(
        description="keys of the recipe, such as optimizer.learning_rate.peak, each with the values to try; null takes "
        "out a key that a recipe inherits"
    )

    @property
    def keys(self) -> dict[str, Any]:
        """The keys that are varied, each with its entry."""
        return {key: entry for key, entry in self.space.items() if entry is not None}
