"""keras-tuner's oracles, which propose the values of each trial, made so that a search can be replayed.

A proposal depends on the seed and on the trials before it alone: after a kill, a new oracle is told of these.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from keras_tuner import Objective, oracles
from keras_tuner.engine.trial import Trial, TrialStatus

from zoo.recipe.schema import Recipe
from zoo.recipe.space import Dimension, greater_is_better, objective_of
from zoo.search.hyperparameters import hyperparameters, rounded
from zoo.search.keras_tuner_internals import BudgetedHyperbandOracle, StatelessOracle

PARENT, EPOCHS = "tuner/trial_id", "tuner/epochs"  # hyperband's: the trial to resume, and the epochs in all


class ReplayableOracle(StatelessOracle):
    """What zoo adds to each of keras-tuner's oracles; it stands before it among the bases of a class.

    keras-tuner's own state files are not used: they are not whole after a kill, and of the grid and the Gaussian
    process they hold too little.

    Attributes:
        dimensions: the space.
        known_values: values that the next trial had before the search was interrupted; None to propose new ones.
    """

    dimensions: Sequence[Dimension] = ()
    known_values: Mapping[str, Any] | None = None
    starts_with_defaults = False  # whether keras-tuner's oracle itself proposes the recipe's own values first
    proposing_has_effects = False  # whether the oracle keeps track of its proposals, so that a replay makes them again

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Propose values: the recipe's own first; those of a replayed trial as they were."""
        number = len(self.start_order)
        self.seed_trial(number)
        if number == 0 and not self.starts_with_defaults:
            return {"status": TrialStatus.RUNNING, "values": self.own_values()}
        if self.known_values is not None and not self.proposing_has_effects:
            return {"status": TrialStatus.RUNNING, "values": dict(self.known_values)}
        proposed: dict[str, Any] = super().populate_space(trial_id)
        if proposed["status"] == TrialStatus.RUNNING:
            proposed["values"] = dict(self.known_values or rounded(self.dimensions, proposed["values"]))
        return proposed

    def own_values(self) -> dict[str, Any]:
        """Return the recipe's own values, which are the defaults of the space."""
        return dict(self.hyperparameters.values)

    def score_trial(self, trial: Trial) -> None:
        """Leave the score as it is: the run gave it."""

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
        trial.status = TrialStatus.COMPLETED if score is not None else TrialStatus.FAILED
        trial.score, trial.message = score, message
        self.end_trial(trial)

    def give_back(self, trial_id: str) -> None:
        """Let any worker resume a trial whose worker is gone."""
        for worker, trial in list(self.ongoing_trials.items()):
            if trial.trial_id == trial_id:
                del self.ongoing_trials[worker]
                self.requeue(trial_id)


class _Random(ReplayableOracle, oracles.RandomSearchOracle):
    pass


class _Bayesian(ReplayableOracle, oracles.BayesianOptimizationOracle):
    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Propose values, with one thread: the matrices are small, and sums then have one order."""
        from threadpoolctl import threadpool_limits

        with threadpool_limits(1), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of fits on few trials
            return super().populate_space(trial_id)


class _Grid(ReplayableOracle, oracles.GridSearchOracle):
    starts_with_defaults = True
    proposing_has_effects = True


class _Hyperband(ReplayableOracle, BudgetedHyperbandOracle):
    proposing_has_effects = True

    def own_values(self) -> dict[str, Any]:
        """Return the recipe's own values, trained to the end."""
        return {**super().own_values(), EPOCHS: self.max_epochs}


_ORACLES: dict[str, type[ReplayableOracle]] = {
    "random": _Random,
    "grid": _Grid,
    "bayesian": _Bayesian,
    "hyperband": _Hyperband,
}


def build_oracle(recipe: Recipe, dimensions: Sequence[Dimension]) -> ReplayableOracle:
    """Return the oracle of a recipe's search.

    Args:
        recipe: a recipe with a search.
        dimensions: its space.
    """
    search = recipe.search
    assert search is not None
    own: dict[str, Any] = {}
    if search.tuner == "hyperband":
        # max_trials ends it, not a number of iterations
        own = {"max_epochs": recipe.training.epochs, "factor": search.factor, "hyperband_iterations": 10**6}
    elif search.tuner == "bayesian":
        own = {"num_initial_points": max(3, min(3 * len(dimensions), search.max_trials // 3))}
    oracle = _ORACLES[search.tuner](
        objective=Objective(objective_of(recipe), "max" if greater_is_better(recipe) else "min"),
        max_trials=search.max_trials,
        seed=search.seed + 1,  # keras-tuner takes 0 for "any"
        hyperparameters=hyperparameters(dimensions, grid=search.tuner == "grid"),
        allow_new_entries=False,
        tune_new_entries=False,
        max_consecutive_failed_trials=search.max_trials + 1,  # SearchState counts them
        **own,
    )
    oracle.dimensions = dimensions
    oracle.verbose = 0
    return oracle
