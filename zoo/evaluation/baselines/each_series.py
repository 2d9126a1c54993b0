"""Forecasting: the baselines of one series, fitted to each series of a panel."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import numpy as np

from zoo.errors import ZooError, first_few
from zoo.evaluation.baselines.data import BaselineData, BaselineResult, Method
from zoo.evaluation.baselines.forecasting import FORECASTERS, run_forecaster
from zoo.evaluation.baselines.simple_forecasts import Series

_MAX_FALLBACK_FRACTION = 0.5  # of the series; a baseline that fits fewer is not that baseline


def forecast(name: str, data: BaselineData, seed: int) -> BaselineResult:
    """Fit a baseline of `FORECASTERS` to each series, and to each of several targets, and forecast its windows.

    Raises:
        ZooError: it cannot be fitted to the only series, or to more than half of them.
    """
    values = np.asarray(data.required("series"))
    if values.ndim == 1:
        return _forecast(name, data)
    each = [
        _forecast(name, replace(data, series=column, targets={s: y[..., i] for s, y in data.targets.items()}))
        for i, column in enumerate(values.T)
    ]
    outputs = {split: np.stack([one.outputs[split] for one in each], axis=-1) for split in data.evaluated}
    notes = tuple(dict.fromkeys(note for one in each for note in one.notes))
    return BaselineResult(outputs, all(one.converged for one in each), notes=notes)


def _forecast(name: str, data: BaselineData) -> BaselineResult:
    """Fit a baseline to each series and forecast its windows.

    Series of a panel to which it cannot be fitted, as they are too short, get the seasonal naive forecast.

    Raises:
        ZooError: it cannot be fitted to the only series, or to more than half of them.
    """
    origins = {split: np.asarray(data.origins[split]) for split in data.evaluated}
    horizon = data.targets["test"].shape[1] - 1
    found = {split: np.empty((len(at), horizon)) for split, at in origins.items()}
    converged, fallbacks, count, said = True, list[str](), 0, Counter[str]()
    for called, start, series in _each_series(data):
        end = start + len(series.values)
        inside = {split: np.flatnonzero((at >= start) & (at < end)) for split, at in origins.items()}
        own = {split: origins[split][places] - start for split, places in inside.items()}
        if not any(map(len, own.values())):
            continue
        count += 1
        series = replace(series, selection=own["validation"] if len(own["validation"]) else None)
        try:
            forecasts, fitted = run_forecaster(name, series, own, horizon)
        except ZooError as error:
            fallbacks.append(f"series '{called}': {error}")
            if len(data.names) == 1:
                raise
            forecasts, fitted = run_forecaster("seasonal_naive", series, own, horizon)
        converged = converged and fitted.converged
        said[fitted.note] += 1
        for split, places in inside.items():
            found[split][places] = forecasts[split]
    if len(fallbacks) > count * _MAX_FALLBACK_FRACTION:
        raise ZooError(f"it cannot be fitted to {len(fallbacks)} of {count} series: {fallbacks[0]}")
    notes = [f"{note}{f' ({times} of {count} series)' * (count > 1)}" for note, times in said.items() if note]
    if fallbacks:
        notes.append(f"{len(fallbacks)} of {count} series get the seasonal naive forecast: {first_few(fallbacks)}")
    return BaselineResult(found, converged, notes=tuple(notes))


def _each_series(data: BaselineData) -> Iterator[tuple[str, int, Series]]:
    """Yield the name of each series, the step at which it begins, and the series."""
    values = np.asarray(data.required("series"), dtype=np.float64)
    ends = [*data.starts[1:], len(values)]
    for name, start, end, train_end in zip(data.names, data.starts, ends, data.train_ends, strict=True):
        own = values[start:end]
        yield (
            name,
            int(start),
            Series(
                values=own,
                season=data.season,
                seasons=data.seasons,
                train_end=int(train_end - start),
                history=data.history,
                known=None if data.known is None else data.known[start:end],
            ),
        )


METHODS: dict[str, Method] = {name: partial(forecast, name) for name in FORECASTERS}
