"""What a baseline gets, and what it gives back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

EVALUATED_SPLITS = ("validation", "test")


@dataclass(frozen=True)
class BaselineData:
    """What a baseline may use. A field that the task's baselines do not need keeps its default.

    Attributes:
        targets: `train`, `validation` and `test` to the targets, as the task's kind has them. Classes, labels, numbers
            and forecasts may have further splits.
        inputs: takes the name of a split and returns its inputs. Classification and regression: features, finite
            floats `(n, features)`. Language models: the tokens that the network sees, `(n, length)`. Sequences: source
            tokens padded with 0, `(n, length)`. Segmentation: images `(n, height, width, channels)`. Reconstruction,
            anomalies and embeddings: images in [0, 1], `(n, height, width, channels)`. Generation: such images in
            uint8.
        parts: classification and regression: the same, some examples at a time, for data whose examples do not depend
            on each other; without it, a split is processed as a whole.
        classes: number of classes, or of token ids of the target.
        scale: whether features have units of their own, and so are standardised where the method needs it.
        penalties: values of C that logistic regression chooses among; empty for the usual ones.
        text: language modeling: the training text, token ids without padding, `(tokens,)`.
        series: forecasting: the whole series, `(time,)`; of several, one behind the other.
        origins: forecasting: `validation` and `test` to the step at which each window's forecast begins.
        season: forecasting: steps after which the series repeats, 1 for none.
        seasons: forecasting: other seasons that are usual for the time between two steps.
        starts: forecasting: the step at which each series begins.
        train_ends: forecasting: the step at which the training part of each series ends.
        names: forecasting: of the series.
        known: forecasting: covariates that are known in advance, `(time, covariates)`; None for none.
        history: forecasting: number of steps that a window shows.
        code: reconstruction, anomalies and embeddings: numbers in the network's code.
        image_features: generation: from uint8 images to rows (`zoo.evaluation.metrics.generation.image_rows`).
        samples: generation: number of images to generate.
    """

    targets: Mapping[str, np.ndarray]
    inputs: Callable[[str], np.ndarray] | None = None
    parts: Callable[[str], Iterator[np.ndarray]] | None = None
    classes: int = 0
    scale: bool = True
    penalties: tuple[float, ...] = ()
    text: np.ndarray | None = None
    series: np.ndarray | None = None
    origins: Mapping[str, np.ndarray] = field(default_factory=dict)
    season: int = 1
    seasons: tuple[int, ...] = ()
    starts: np.ndarray = field(default_factory=lambda: np.zeros(1, int))
    train_ends: np.ndarray = field(default_factory=lambda: np.zeros(1, int))
    names: tuple[str, ...] = ("",)
    known: np.ndarray | None = None
    history: int = 0
    code: int = 0
    image_features: Callable[[np.ndarray], np.ndarray] | None = None
    samples: int = 0

    @property
    def evaluated(self) -> tuple[str, ...]:
        """The splits that a baseline answers."""
        return tuple(split for split in self.targets if split != "train")

    def required(self, name: str) -> Any:
        """Return a field, or raise a ValueError if it is None."""
        value = getattr(self, name)
        if value is None:
            raise ValueError(f"this baseline needs BaselineData.{name}")
        return value


@dataclass(frozen=True)
class BaselineResult:
    """What a baseline says.

    Attributes:
        outputs: `validation`, `test` and further splits to outputs in compact form, as `evaluate` takes them.
        converged: whether an iterative fit converged.
        seconds: time that the fit took; None if fit and prediction are not timed apart.
        examples: number of training examples that were used, None for all.
        notes: what a reader of the comparison should know.
    """

    outputs: Mapping[str, np.ndarray]
    converged: bool = True
    seconds: float | None = None
    examples: int | None = None
    notes: tuple[str, ...] = ()


Method = Callable[[BaselineData, int], BaselineResult]  # the second argument is the seed
