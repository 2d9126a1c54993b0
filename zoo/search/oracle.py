"""keras-tuner's oracles, which propose the values of each trial, made to begin anew from the trials alone.

An oracle's proposals depend on nothing but its seed and on the trials before, in the order in which they began and
ended: so a search that was killed is brought back by telling a new oracle of them. keras-tuner's own state files are
not written: they are not whole after a kill, and of the grid and the Gaussian process they hold too little.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from keras_tuner import Oracle, oracles
from keras_tuner.src.engine.oracle import synchronized
from keras_tuner.src.engine.trial import Trial, TrialStatus

from zoo.recipe.schema import Recipe
from zoo.recipe.space import Dimension, greater_is_better, objective_of
from zoo.search.hyperparameters import hyperparameters, rounded

_DRAWS = 10_000  # random numbers that one trial may use up
PARENT, EPOCHS = "tuner/trial_id", "tuner/epochs"  # what hyperband asks of a trial: from which, and how long


class _Recalling(Oracle):
    """What is added to each of keras-tuner's oracles; it stands before it among the bases of a class.

    Attributes:
        dimensions: the space.
        recalled: values that the next trial is known to have had.
    """

    dimensions: Sequence[Dimension] = ()
    recalled: Mapping[str, Any] | None = None
    own_first = True  # whether the recipe's own values have to be put in front

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Propose values: those of the recipe first, and those of a trial that is recalled as they were."""
        number = len(self.start_order)
        self._seed_state = self.seed + _DRAWS * number  # no random number depends on how many were drawn before
        self._random_state = _random_state(self.seed + number)
        if number == 0 and self.own_first:
            defaults = self.hyperparameters.copy()
            defaults.values = {}
            for one in defaults.space:
                if defaults.is_active(one):
                    defaults.values[one.name] = one.default
            return {"status": TrialStatus.RUNNING, "values": self._complete(dict(defaults.values))}
        if self.recalled is not None and not self._keeps_books():
            return {"status": TrialStatus.RUNNING, "values": dict(self.recalled)}
        proposed: dict[str, Any] = super().populate_space(trial_id)
        if proposed["status"] == TrialStatus.RUNNING:
            proposed["values"] = dict(self.recalled or rounded(self.dimensions, proposed["values"]))
        return proposed

    def score_trial(self, trial: Any) -> None:
        """Leave the score as it is: the run gave it."""

    def save(self) -> None:
        """Write nothing: each trial has a file of its own."""

    def _save_trial(self, trial: Any) -> None:
        """Write nothing."""

    def _complete(self, values: dict[str, Any]) -> dict[str, Any]:
        return values

    def _keeps_books(self) -> bool:
        """Whether a proposal changes what the oracle knows, so that it must be made again."""
        return False

    @synchronized
    def end(self, trial_id: str, score: float | None, message: str | None = None) -> None:
        """Take in how a trial ended, once.

        Args:
            trial_id: the trial.
            score: what it reached; None if it failed.
            message: why it failed.
        """
        if all(trial.trial_id != trial_id for trial in self.ongoing_trials.values()):
            return  # another worker was quicker
        trial = self.trials[trial_id]
        ended = Trial(
            hyperparameters=trial.hyperparameters,
            trial_id=trial_id,
            status=TrialStatus.COMPLETED if score is not None else TrialStatus.FAILED,
            message=message,
        )
        trial.score = score
        self.end_trial(ended)

    @synchronized
    def give_back(self, trial_id: str) -> None:
        """Let any worker go on with a trial whose worker is gone."""
        for worker, trial in list(self.ongoing_trials.items()):
            if trial.trial_id == trial_id:
                del self.ongoing_trials[worker]
                self.tuner_ids.discard(worker)
                self._retry_queue.insert(0, trial_id)


class _Random(_Recalling, oracles.RandomSearchOracle):
    pass


class _Bayesian(_Recalling, oracles.BayesianOptimizationOracle):
    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Propose values, with one thread: the matrices are small, and sums then have one order."""
        from threadpoolctl import threadpool_limits

        with threadpool_limits(1), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of fits on few trials
            return super().populate_space(trial_id)


class _Grid(_Recalling, oracles.GridSearchOracle):
    own_first = False  # it begins with the defaults itself

    def _keeps_books(self) -> bool:
        return True


class _Hyperband(_Recalling, oracles.HyperbandOracle):
    """Hyperband within a number of trials: it begins with the largest bracket that fits, and the last may be cut."""

    def __init__(self, **options: Any) -> None:
        most = options.pop("max_trials")
        super().__init__(**options)
        self.max_trials = most
        self._brackets: list[Any] = []
        self._left = most - 1  # after the recipe's own
        self._current_bracket = self._get_num_brackets()
        self._increment_bracket_num()
        self._start_new_bracket()

    def _increment_bracket_num(self) -> None:
        """Go to the next smaller bracket that fits, from the smallest to the largest that fits."""
        fitting = [b for b in range(self._get_num_brackets()) if self._trials_of(b) <= self._left] or [0]
        smaller = [b for b in fitting if b < self._current_bracket]
        self._current_bracket = max(smaller or fitting)
        self._left -= self._trials_of(self._current_bracket)

    def _trials_of(self, bracket: int) -> int:
        return sum(self._get_size(bracket, number) for number in range(self._get_num_rounds(bracket)))

    def _complete(self, values: dict[str, Any]) -> dict[str, Any]:
        return {**values, EPOCHS: self.max_epochs}

    def _keeps_books(self) -> bool:
        return True


def build_oracle(recipe: Recipe, dimensions: Sequence[Dimension]) -> Any:
    """Return the oracle of a recipe's search.

    Args:
        recipe: a recipe with a search.
        dimensions: its space.
    """
    search = recipe.search
    assert search is not None
    import keras_tuner

    direction = "max" if greater_is_better(recipe) else "min"
    options: dict[str, Any] = {
        "objective": keras_tuner.Objective(objective_of(recipe), direction),
        "max_trials": search.max_trials,
        "seed": search.seed + 1,  # zero would be a random one
        "hyperparameters": hyperparameters(dimensions, grid=search.tuner == "grid"),
        "allow_new_entries": False,
        "tune_new_entries": False,
        "max_consecutive_failed_trials": search.max_trials + 1,
    }
    if search.tuner == "hyperband":
        iterations = {"max_epochs": recipe.training.epochs, "factor": search.factor, "hyperband_iterations": 10**6}
        oracle: Any = _Hyperband(**options, **iterations)
    elif search.tuner == "bayesian":
        drawn = max(3, min(3 * len(dimensions), search.max_trials // 3))  # at random, before the first guess
        oracle = _Bayesian(num_initial_points=drawn, **options)
    else:
        oracle = {"random": _Random, "grid": _Grid}[search.tuner](**options)
    oracle.dimensions = dimensions
    oracle.verbose = 0
    return oracle


def _random_state(seed: int) -> Any:
    import numpy as np

    return np.random.RandomState(seed % 2**32)
