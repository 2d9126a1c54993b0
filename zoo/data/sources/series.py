"""Series cut into windows, by time alone: no window's forecast reaches across a cut."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from zoo.data.columns import check_columns, read_table
from zoo.data.dataset import Series, Signature, SourceData, Split
from zoo.data.inputs import ArrayInputs
from zoo.data.targets import number_targets
from zoo.errors import ZooError
from zoo.recipe.schema import Data


def load_series(path: Path, data: Data) -> SourceData:
    """Load a table whose rows are in the order of time: the target's column, then the other columns of numbers.

    Raises:
        ZooError: the file is not readable, lacks the column, lacks a value, or is too short.
    """
    frame = read_table(path)
    target = str(data.target)
    check_columns(frame, [target], "data.target", str(path))
    others = [c for c in frame.columns if c != target and c not in data.ignore and frame[c].dtype.kind in "fiu"]
    columns = [number_targets(frame[c].to_numpy(dtype=object), f"{path}: column '{c}'") for c in (target, *others)]
    return forecast_windows(np.stack(columns, axis=1), data, target, str(path))


def forecast_windows(values: np.ndarray, data: Data, target: str, where: str) -> SourceData:
    """Cut a series into windows of history and forecast.

    The last `data.test` of the steps are the test part, the `data.validation` before them the validation part. A window
    belongs to the part that holds its whole forecast. Its history may reach back across the cut, as in service, where
    the past is known. Targets are `(windows, horizon + 1)`: the future values, then the mean absolute error of the
    seasonal naive forecast on the training part, which MASE divides by (Hyndman and Koehler 2006).

    Args:
        values: `(time, channels)` float32; the first channel is predicted.
        data: the recipe's section.
        target: name of what is predicted.
        where: the source, for messages.

    Raises:
        ZooError: the recipe names no window, a value is missing, or a part is too short for one window.
    """
    window = data.window
    if window is None:
        raise ZooError(f"{where}: forecasting needs data.window, for example {{history: 48, horizon: 12, season: 12}}")
    gaps = int((~np.isfinite(values)).any(axis=1).sum())
    if gaps:
        raise ZooError(f"{where}: {gaps} of {len(values)} steps lack a value; fill them in")
    count = len(values)
    test_start = count - round(count * data.test)
    cuts = {
        "train": (window.history, test_start - round(count * data.validation)),
        "validation": (test_start - round(count * data.validation), test_start),
        "test": (test_start, count),
    }
    train_end = cuts["train"][1]
    if train_end <= window.season:
        raise ZooError(
            f"{where}: the training part has {train_end} steps, fewer than a season ({window.season}) and one more"
        )
    naive = float(np.abs(values[window.season : train_end, 0] - values[: train_end - window.season, 0]).mean())
    inputs = ArrayInputs(np.lib.stride_tricks.sliding_window_view(values, window.history, 0).transpose(0, 2, 1))
    splits, origins = {}, {}
    for name, (first, end) in cuts.items():
        origins[name] = np.arange(max(first, window.history), end - window.horizon + 1)
        if not len(origins[name]):
            raise ZooError(
                f"{where}: the {name} part has {end - first} of {count} steps, too few for a window of "
                f"{window.history} + {window.horizon}; shorten data.window or change data.{name}"
            )
        future = values[origins[name][:, None] + np.arange(window.horizon), 0]
        targets = np.concatenate([future, np.full((len(future), 1), naive or 1.0)], axis=1).astype(np.float32)
        splits[name] = Split(inputs, origins[name] - window.history, targets)
    shape = (window.history, values.shape[1])
    validation = test_start - train_end
    return SourceData(
        signature=Signature("array", target, shape, season=window.season, horizon=window.horizon),
        splits=splits,
        notes=[f"split by time: {train_end} steps train, {validation} validate, {count - test_start} test"],
        series=Series(values=values[:, 0], origins=origins, train_end=train_end),
    )
