"""How the trained model of each kind of task is evaluated."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from zoo.evaluation.classes import evaluate_classes
from zoo.evaluation.conformal import check_examples
from zoo.evaluation.decisions import check_decisions
from zoo.evaluation.embedding import evaluate_embedding
from zoo.evaluation.forecasts import evaluate_forecasts
from zoo.evaluation.generation import check_features, evaluate_generation
from zoo.evaluation.out_of_distribution import check_features as check_ood_features
from zoo.evaluation.outputs import evaluate_anomalies, evaluate_outputs, evaluate_values
from zoo.evaluation.result import TaskResult, TrainedTask
from zoo.evaluation.watched import check_metric
from zoo.tasks import TASKS, Kind

if TYPE_CHECKING:
    from zoo.training.problem import Problem

KINDS: dict[Kind, Callable[[TrainedTask], TaskResult]] = {
    "classification": evaluate_classes,
    "multi_label": evaluate_outputs,
    "regression": evaluate_values,
    "forecasting": evaluate_forecasts,
    "tokens": evaluate_outputs,
    "sequences": evaluate_outputs,
    "transcription": evaluate_outputs,
    "segmentation": evaluate_outputs,
    "detection": evaluate_outputs,
    "reconstruction": evaluate_outputs,
    "anomaly": evaluate_anomalies,
    "generation": evaluate_generation,
    "representation": evaluate_embedding,
}


def check_before_training(problem: Problem) -> None:
    """Refuse what the evaluation of the trained model would refuse.

    Raises:
        ZooError: it would.
    """
    if TASKS[problem.recipe.task].makes_images:
        check_features(problem)
    check_examples(problem)
    check_decisions(problem)
    check_ood_features(problem)
    check_metric(problem)
