"""Cutting a series into windows, by time alone: no window's forecast reaches across a cut."""

from __future__ import annotations

import numpy as np

from zoo.data.dataset import ArrayInputs, Series, Signature, SourceData, Split
from zoo.errors import ZooError
from zoo.recipe.schema import Data


def forecast_windows(values: np.ndarray, data: Data, target: str, where: str) -> SourceData:
    """Cut a series into windows of history and forecast.

    The last `data.test` of the steps are the test part, the `data.validation` before them the validation part. A window
    belongs to the part in which its forecast lies, whole; its history may reach back across the cut, as it would in
    service, where the past is known. Targets are `(windows, horizon + 1)`: the values to come, then the mean absolute
    error of the seasonal naive forecast on the training part, which MASE divides by (Hyndman and Koehler 2006).

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
        ahead = values[origins[name][:, None] + np.arange(window.horizon), 0]
        targets = np.concatenate([ahead, np.full((len(ahead), 1), naive or 1.0)], axis=1).astype(np.float32)
        splits[name] = Split(inputs, origins[name] - window.history, targets)
    signature = Signature(
        "array", target, (window.history, values.shape[1]), season=window.season, horizon=window.horizon
    )
    held = test_start - train_end
    note = f"split by time: {train_end} steps to train on, {held} to choose by, {count - test_start} held out"
    series = Series(values[:, 0], origins, train_end)
    return SourceData(signature, splits["train"], splits["validation"], splits["test"], [note], series)


def text_windows(text: str, context: int) -> tuple[np.ndarray, np.ndarray]:
    """Cut a text into what a language model sees and what it is to say: every character but the first is said once.

    Args:
        text: the text.
        context: characters that the model sees at a time; the last window may be shorter.

    Returns:
        Inputs and targets, `(windows,)` of `str` each; a target is its input moved on by one character.
    """
    starts = range(0, max(0, len(text) - 1), context)
    inputs = [text[i : min(i + context, len(text) - 1)] for i in starts]
    targets = [text[i + 1 : i + 1 + context] for i in starts]
    return np.array(inputs, dtype=object), np.array(targets, dtype=object)
