"""What gradient attacks change in each kind of input, and by how much."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from zoo.data.dataset import InputKind, Series
from zoo.data.table_encoding import encode_settings, has_parts
from zoo.evaluation.robustness.arrays import ARRAY
from zoo.evaluation.robustness.corruption import Training

if TYPE_CHECKING:
    from zoo.training.problem import Problem

PIXEL_STEPS = (1.0, 2.0, 4.0, 8.0, 16.0)  # of 255
DEVIATIONS = (0.01, 0.02, 0.05, 0.1, 0.2)  # of the training split


@dataclass(frozen=True, kw_only=True)
class Attacked:
    """What an attack may change in prepared examples.

    Attributes:
        unit: what epsilon counts, for people.
        epsilons: bounds, from weak to strong.
        scale: what one unit is for each number of a prepared example, 0 where nothing may change; of forecasts for each
            window by itself.
        low: smallest number that an example may hold.
        high: the largest.
    """

    unit: str
    epsilons: tuple[float, ...]
    scale: np.ndarray
    low: float = -np.inf
    high: float = np.inf


def _pixels(problem: Problem, training: Training) -> Attacked:
    return Attacked(unit="1/255 of white", epsilons=PIXEL_STEPS, scale=np.ones(1), low=0.0, high=255.0)


def _array(problem: Problem, training: Training) -> Attacked:
    return Attacked(unit="standard deviations", epsilons=DEVIATIONS, scale=training.deviation[ARRAY])


def _numbers(problem: Problem, training: Training) -> Attacked | None:
    """Return the columns of plain numbers: they stand first in a prepared row, without moments that become parts."""
    encode = encode_settings(problem.recipe.preprocess)
    numbers = [c for c in training.signature.columns if c.type == "number" and not has_parts(c, encode)]
    scale = np.zeros(problem.preprocessor.shape)
    scale[: len(numbers)] = [training.deviation[c.name] if c.form == "number" else 0.0 for c in numbers]
    if not scale.any():
        return None
    return Attacked(unit="standard deviations", epsilons=DEVIATIONS, scale=scale)


def _past(problem: Problem, series: Series) -> Attacked:
    """Return the past values of what is predicted, in deviations of the training part of their own series."""
    values = series.values.reshape(len(series.values), -1)
    ends = zip(series.starts, series.train_ends, strict=True)
    deviation = np.stack([values[start:end].std(axis=0, dtype=np.float64) for start, end in ends])
    windows, history = series.series_of("test"), int(problem.dataset.signature.shape[0] or 0)
    scale = np.zeros((len(windows), *problem.preprocessor.shape))
    scale[:, :history, : values.shape[1]] = deviation[windows][:, None]
    return Attacked(unit="standard deviations", epsilons=DEVIATIONS, scale=scale)


_BY_INPUT: dict[InputKind, Callable[[Problem, Training], Attacked | None]] = {
    "image": _pixels,
    "array": _array,
    "table": _numbers,
}


def attacked(problem: Problem, training: Training, series: Series | None) -> Attacked | None:
    """Return what an attack may change, or None where the input has no continuous part.

    Args:
        problem: data and model.
        training: what is known of the training split.
        series: where the task forecasts, the series, whose test windows are those that are attacked.
    """
    if series is not None:
        return _past(problem, series)
    make = _BY_INPUT.get(training.signature.kind)
    return None if make is None else make(problem, training)
