"""All that zoo uses of keras-tuner's private parts; `tests/search/test_private_names.py` fails by name if one is gone.

Everything else in `zoo.search` uses keras-tuner's public names and this file.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from keras_tuner import Oracle
from keras_tuner.engine.trial import Trial
from keras_tuner.oracles import HyperbandOracle
from keras_tuner.src.engine.conditions import Parent  # `conditional_scope` cannot say "of two keys at once"
from keras_tuner.src.engine.oracle import LOCKS, THREADS
from keras_tuner.src.protos import get_service

__all__ = [
    "ORACLE_SERVICE",
    "BudgetedHyperbandOracle",
    "Parent",
    "StatelessOracle",
    "get_service",
    "unlocked_on_error",
]

ORACLE_SERVICE = "keras_tuner.Oracle"  # the name of keras-tuner's service on the wire

_DRAWS_PER_TRIAL = 10_000  # more random numbers than one trial uses


class StatelessOracle(Oracle):
    """An oracle that writes no files, seeds each trial by its number, and lets a trial go to another worker."""

    def seed_trial(self, number: int) -> None:
        """Make the random numbers of a trial independent of how many were drawn before it."""
        self._seed_state = self.seed + _DRAWS_PER_TRIAL * number
        self._random_state = np.random.RandomState((self.seed + number) % 2**32)  # of the Bayesian oracle

    def requeue(self, trial_id: str) -> None:
        """Give a trial to a worker that asks later, after those that wait already."""
        self._retry_queue.insert(0, trial_id)  # keras-tuner takes the last

    def create_trial(self, tuner_id: str) -> Trial:
        """Return the next trial."""
        with unlocked_on_error(self):
            return super().create_trial(tuner_id)

    def end_trial(self, trial: Trial) -> None:
        """Take in the end of a trial."""
        with unlocked_on_error(self):
            super().end_trial(trial)

    def update_trial(self, trial_id: str, metrics: Any, step: int = 0) -> Any:
        """Refuse, before the lock is taken, what no search of zoo asks: outcomes come from the trials' files.

        Raises:
            NotImplementedError: always.
        """
        raise NotImplementedError("trials report through their files, not with update_trial")

    def save(self) -> None:
        """Write nothing: each trial has a file of its own."""

    def _save_trial(self, trial: Trial) -> None:
        """Write nothing."""


class BudgetedHyperbandOracle(HyperbandOracle):
    """Hyperband within a number of trials, which keras-tuner's lacks.

    It begins with the largest bracket that fits, then takes smaller ones, and begins again; the last bracket
    may be cut. The sizes and epochs of the rounds are keras-tuner's.

    Args:
        max_trials: trials in all, the recipe's own values among them.
        options: those of keras-tuner's oracle.
    """

    def __init__(self, max_trials: int, **options: Any) -> None:
        super().__init__(**options)
        self.max_trials = max_trials
        self._trials_left = max_trials - 1  # the first has the recipe's own values
        self._brackets: list[dict[str, Any]] = []
        self._current_bracket = self._get_num_brackets()
        self._increment_bracket_num()
        self._start_new_bracket()

    def _increment_bracket_num(self) -> None:
        """Go to the next smaller bracket that fits, from the smallest to the largest that fits."""
        fitting = [b for b in range(self._get_num_brackets()) if self._trials_of(b) <= self._trials_left] or [0]
        smaller = [b for b in fitting if b < self._current_bracket]
        self._current_bracket = max(smaller or fitting)
        self._trials_left -= self._trials_of(self._current_bracket)

    def _trials_of(self, bracket: int) -> int:
        return sum(self._get_size(bracket, number) for number in range(self._get_num_rounds(bracket)))


@contextmanager
def unlocked_on_error(oracle: Oracle) -> Iterator[None]:
    """Release keras-tuner's lock on an oracle when a call fails: its `@synchronized` has no `finally`."""
    try:
        yield
    except BaseException:
        if THREADS[oracle] == threading.current_thread().name:
            THREADS[oracle] = None
            LOCKS[oracle].release()
        raise
