"""The steps and values that a series lacks, filled."""

from __future__ import annotations

import numpy as np

from zoo.data.tables.times import Step, places
from zoo.errors import ZooError

_MAX_FILLED_FACTOR = 100  # steps after filling, as a multiple of the rows


def filled(
    values: np.ndarray, times: np.ndarray | None, step: Step, how: str, where: str
) -> tuple[np.ndarray, int, int]:
    """Return a series with the steps and values that are missing.

    Args:
        values: `(time, channels)` in the order of time, NaN where missing.
        times: the moment of each row; None where the rows are even.
        step: between two moments.
        how: "previous", the last value, or "linear", on a line from it to the next.
        where: the source, for messages.

    Returns:
        The values, the number of steps that were added, and that of values filled in the steps that were there.

    Raises:
        ZooError: the gaps are too long, or the series begins with one.
    """
    lacking = int(np.isnan(values).sum())
    if times is not None:
        at = places(times, step)
        if at[-1] + 1 > _MAX_FILLED_FACTOR * len(values):
            raise ZooError(
                f"{where}: data.fill would make {at[-1] + 1} steps of {step} from {len(values)} rows; the step is too "
                "small for this series"
            )
        wide = np.full((int(at[-1]) + 1, values.shape[1]), np.nan, values.dtype)
        wide[at] = values
        added, values = len(wide) - len(values), wide
    else:
        added, values = 0, values.copy()
    for channel in values.T:
        known = np.flatnonzero(~np.isnan(channel))
        if not len(known) or known[0] > 0 or (how == "linear" and known[-1] < len(channel) - 1):
            raise ZooError(f"{where}: data.fill: the series begins or ends with a missing value; remove such rows")
        if how == "linear":
            channel[:] = np.interp(np.arange(len(channel)), known, channel[known])
        else:
            channel[:] = channel[known[np.searchsorted(known, np.arange(len(channel)), side="right") - 1]]
    return values, added, lacking


def fill_notes(how: str, added: int, lacking: int) -> list[str]:
    """Return a note where steps were added or values filled."""
    if not added and not lacking:
        return []
    return [f"data.fill ({how}): {added} steps were added and {lacking} missing values filled"]
