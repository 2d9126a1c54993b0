"""Ending trials early that will not win: the median stopping rule of Golovin et al., 2017 (Google Vizier)."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras

from zoo.errors import ZooError
from zoo.search.trial_job import TrialJob
from zoo.utils.files import read_json, write_json

_STOPPED = "stopped.json"  # in the run folder: the epoch after which the trial was stopped


class MedianStopping(keras.callbacks.Callback):
    """Stop a trial that falls behind; a trial that was killed stops at the same epoch again.

    Args:
        job: the run; without `search.median_stopping` nothing is stopped, and the curve is kept all the same.
        curve: the objective of the epochs that were trained before.
    """

    def __init__(self, job: TrialJob, curve: Sequence[float] = ()) -> None:
        super().__init__()
        self._job, self.curve = job, [*curve]

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Compare the trial with those that have finished."""
        self.curve = [*self.curve[:epoch], float((logs or {})[self._job.objective])]
        last = stopped_after(self._job.folder)
        if last is None and self._falls_behind():
            last = epoch + 1
            write_json(self._job.folder / _STOPPED, {"after": last})
        if last is not None and epoch + 1 >= last:
            self.model.stop_training = True

    def _falls_behind(self) -> bool:
        rule, finished = self._job.search.median_stopping, self._job.finished_curves
        if rule is None or len(self.curve) < rule.after_epochs or len(finished) < rule.after_trials:
            return False
        return is_below_median(self.curve, finished, greater_is_better=self._job.greater_is_better)


def is_below_median(own: Sequence[float], finished: Sequence[Sequence[float]], *, greater_is_better: bool) -> bool:
    """Return whether a trial's best value is worse than the median of what the others had on average by then.

    Args:
        own: the trial's objective by epoch, up to now.
        finished: the objective of finished trials by epoch; of those that ended earlier, all epochs count.
        greater_is_better: the direction of the objective.
    """
    if not own or not any(finished):
        return False
    median = statistics.median(statistics.fmean(curve[: len(own)]) for curve in finished if curve)
    return max(own) < median if greater_is_better else min(own) > median


def stopped_after(run: Path) -> int | None:
    """Return the epochs after which a run was stopped; None where it was not."""
    try:
        return int(read_json(run / _STOPPED)["after"])
    except (ZooError, KeyError, TypeError, ValueError):
        return None
