"""Windows of history and forecast, cut from one series or several by time alone: none reaches into another part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.data.columns import Column
from zoo.data.dataset import Series, Signature, SourceData, Split
from zoo.data.inputs import ArrayInputs, Inputs, WindowInputs
from zoo.data.tables.time_order import iso_text
from zoo.errors import ZooError, first_few

if TYPE_CHECKING:
    from zoo.recipe.data_section import Data, Window

SPLITS = ("train", "validation", "test")
_MAX_LEFT_OUT_FRACTION = 0.5  # of the series; a file with more short ones needs another window


@dataclass(frozen=True, kw_only=True)
class OneSeries:
    """One of the series that windows are cut from.

    Attributes:
        values: finite, `(time, channels)`; the first channels are predicted, the last are the known covariates.
        name: what tells it apart from the others.
        begin: its first step, counted from that of the series that begins first.
        times: the moment of each step, NaT for those that were filled; None where it is not known.
        static: its static covariates.
    """

    values: np.ndarray
    name: str = ""
    begin: int = 0
    times: np.ndarray | None = None
    static: tuple[Any, ...] = ()


def forecast_windows(values: np.ndarray, data: Data, target: str, where: str) -> SourceData:
    """Cut one series, `(time, channels)`, into windows; see `panel_windows`."""
    gaps = int((~np.isfinite(values)).any(axis=1).sum())
    if gaps:
        raise ZooError(f"{where}: {gaps} of {len(values)} steps lack a value; fill them in")
    return panel_windows([OneSeries(values=values)], data.model_copy(update={"target": target}), where)


def panel_windows(series: Sequence[OneSeries], data: Data, where: str, static: tuple[Column, ...] = ()) -> SourceData:
    """Cut series into windows of history and forecast.

    The last `data.test` of the steps are the test part, the `data.validation` before them the validation part, at the
    same moments for all series. A window belongs to the part that holds its whole forecast. Its history may reach back
    across the cut, as in service, where the past is known, but never into another series. Targets are
    `(windows, horizon + 1)`: the future values, then the mean absolute error of the seasonal naive forecast on the
    training part of the window's own series, which MASE divides by (Hyndman and Koehler 2006). With several targets
    they are `(windows, horizon + 1, targets)`.

    Args:
        series: one or several, all with the same channels.
        data: the recipe's section.
        where: the source, for messages.
        static: the columns of the static covariates.

    Raises:
        ZooError: the recipe names no window, or a part is too short for one.
    """
    window = data.window
    if window is None:
        raise ZooError(f"{where}: forecasting needs data.window, for example {{history: 48, horizon: 12, season: 12}}")
    count = max(each.begin + len(each.values) for each in series)
    test_start = count - round(count * data.test)
    train_end = test_start - round(count * data.validation)
    notes = []
    if len(series) == 1:
        _refuse_short(len(series[0].values), train_end, window, where)
    else:
        series, left_out = _long_enough(series, train_end, window, where)
        notes += left_out
    values = np.concatenate([each.values for each in series])
    starts = np.cumsum([0, *(len(each.values) for each in series)])
    cuts = (0, train_end, test_start, count)
    origins = _origins(series, starts, window, cuts)
    for name, first, end in zip(SPLITS, cuts[:-1], cuts[1:], strict=True):
        if not len(origins[name]):
            raise ZooError(
                f"{where}: the {name} part has {end - max(first, window.history * (not first))} of {count} steps, too "
                f"few for a window of {window.history} + {window.ahead}; shorten data.window or change data.{name}"
            )
    train_ends = np.array([_local(each, train_end) for each in series]) + starts[:-1]
    several = len(data.targets) > 1
    predicted = values[:, : len(data.targets)] if several else values[:, 0]
    naive = _naive_errors(predicted, starts, train_ends, window.season)
    notes += _constant(series, naive)
    signature = Signature(
        "series" if data.known_covariates or static else "array",
        ", ".join(data.targets),
        (window.history, values.shape[1]),
        season=window.season,
        horizon=window.ahead,
        double=values.dtype == np.float64,
        targets=tuple(data.targets) if several else (),
        known=tuple(data.known_covariates),
        static=static,
    )
    inputs = _inputs(series, values, starts, signature)
    splits = {}
    for name, at in origins.items():
        future = predicted[at[:, None] + np.arange(window.ahead)]
        scale = np.where(naive > 0, naive, 1.0)[np.searchsorted(starts, at, side="right") - 1]
        targets = np.concatenate([future, scale[:, None]], axis=1).astype(values.dtype)
        splits[name] = Split(inputs, at - window.history, targets)
    notes.append(_split_note(series, cuts))
    return SourceData(
        signature=signature,
        splits=splits,
        notes=notes,
        series=Series(
            values=predicted,
            origins=origins,
            names=tuple(each.name for each in series),
            starts=starts[:-1],
            train_ends=train_ends,
            known=values[:, values.shape[1] - len(signature.known) :] if signature.known else None,
        ),
    )


def _inputs(series: Sequence[OneSeries], values: np.ndarray, starts: np.ndarray, signature: Signature) -> Inputs:
    """Return a window for each step at which one may begin; where it reaches into the next series, no split has it."""
    history, horizon = int(signature.shape[0] or 0), signature.horizon
    windows = _sliding(values, history)
    if signature.kind == "array":
        return ArrayInputs(windows)
    known = len(signature.known)
    names = signature.input_names[len(signature.input_names) - len(signature.static) :]
    every = zip(*(each.static for each in series), strict=True)
    types = [object if column.type == "category" else np.float32 for column in signature.static]
    return WindowInputs(
        windows=windows,
        futures=_sliding(values[history:, values.shape[1] - known :], horizon) if known else None,
        series=np.searchsorted(starts, np.arange(len(windows)), side="right") - 1,
        static={name: np.array(v, dtype) for name, v, dtype in zip(names, every, types, strict=True)} if names else {},
    )


def _sliding(values: np.ndarray, steps: int) -> np.ndarray:
    return np.lib.stride_tricks.sliding_window_view(values, steps, 0).transpose(0, 2, 1)


def _local(series: OneSeries, place: int) -> int:
    """Return how many steps of a series lie before a place that is counted from the first step of all."""
    return min(max(place - series.begin, 0), len(series.values))


def _refuse_short(count: int, train_end: int, window: Window, where: str) -> None:
    if window.history + window.ahead > count:
        raise ZooError(
            f"{where}: data.window: {window.history} + {window.ahead} steps (history, horizon) are more than the "
            f"series, which has {count}; shorten the window"
        )
    if train_end <= window.season:
        raise ZooError(
            f"{where}: the training part has {train_end} steps, fewer than a season ({window.season}) and one more"
        )


def _long_enough(
    series: Sequence[OneSeries], train_end: int, window: Window, where: str
) -> tuple[list[OneSeries], list[str]]:
    """Leave out the series that have no window, or no training part to scale their errors by; say which.

    Raises:
        ZooError: they are more than half of all.
    """
    is_short = [len(each.values) < window.history + window.ahead for each in series]
    is_late = [_local(each, train_end) <= window.season for each in series]
    short = [each.name for each, is_left in zip(series, is_short, strict=True) if is_left]
    late = [e.name for e, is_left, other in zip(series, is_late, is_short, strict=True) if is_left and not other]
    size = f"{window.history} + {window.ahead} steps"
    reasons = [
        (short, f"are shorter than a window of {size}"),
        (late, f"have fewer steps in the training part than a season ({window.season}) and one more"),
    ]
    said = [f"{len(names)} {why}: {first_few(list(map(repr, names)))}" for names, why in reasons if names]
    if not said:
        return list(series), []
    what = f"{len(short) + len(late)} of {len(series)} series: {'; '.join(said)}"
    if len(short) + len(late) > _MAX_LEFT_OUT_FRACTION * len(series):
        raise ZooError(f"{where}: {what}; too many to leave out: shorten data.window, or data.validation and data.test")
    kept = [each for each in series if each.name not in {*short, *late}]
    return kept, [f"left out are {what}"]


def _origins(
    series: Sequence[OneSeries], starts: np.ndarray, window: Window, cuts: tuple[int, ...]
) -> dict[str, np.ndarray]:
    """Return the steps at which the forecasts of each part begin, counted in the series one behind the other."""
    found: dict[str, np.ndarray] = {}
    for name, first, end in zip(SPLITS, cuts[:-1], cuts[1:], strict=True):
        each_series = [
            start + np.arange(max(_local(each, first), window.history), _local(each, end) - window.ahead + 1)
            for each, start in zip(series, starts[:-1], strict=True)
        ]
        found[name] = np.concatenate(each_series)
    return found


def _naive_errors(values: np.ndarray, starts: np.ndarray, train_ends: np.ndarray, season: int) -> np.ndarray:
    """Return the mean absolute error of the seasonal naive forecast on the training part of each series."""
    parts = [values[start:end] for start, end in zip(starts[:-1], train_ends, strict=True)]
    return np.array([np.abs(part[season:] - part[:-season]).mean(axis=0) for part in parts], np.float64)


def _constant(series: Sequence[OneSeries], naive: np.ndarray) -> list[str]:
    """Return a note on series whose errors have no scale."""
    names = [f"'{each.name}'" for each, error in zip(series, naive, strict=True) if not np.all(error) and each.name]
    if not names:
        return []
    return [
        f"{len(names)} of {len(series)} series repeat themselves in the training part, so that their errors have no "
        f"scale and are taken as they are: {first_few(names)}"
    ]


def _split_note(series: Sequence[OneSeries], cuts: tuple[int, ...]) -> str:
    _, train_end, test_start, count = cuts
    if not series[0].name:
        return f"split by time: {train_end} steps train, {test_start - train_end} validate, {count - test_start} test"
    return (
        f"split by time, at the same moments in all {len(series)} series: validation from "
        f"{_moment(series, train_end)}, test from {_moment(series, test_start)}"
    )


def _moment(series: Sequence[OneSeries], place: int) -> str:
    """Return the moment of a step that is counted from the first step of all, of the next one that has any."""
    found = [
        moment
        for each in series
        if each.times is not None
        for moment in each.times[max(place - each.begin, 0) :][:1]
        if not np.isnat(moment) and place >= each.begin
    ]
    return iso_text(min(found)) if found else f"step {place + 1}"
