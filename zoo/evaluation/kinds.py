"""How the trained model of each kind of task is evaluated."""

from __future__ import annotations

from collections.abc import Callable

from zoo.evaluation.embedding import evaluate_embedding
from zoo.evaluation.generation import evaluate_generation
from zoo.evaluation.outputs import evaluate_anomalies, evaluate_outputs
from zoo.evaluation.result import TaskResult, TrainedTask
from zoo.tasks import Kind

KINDS: dict[Kind, Callable[[TrainedTask], TaskResult]] = {
    "classification": evaluate_outputs,
    "regression": evaluate_outputs,
    "forecasting": evaluate_outputs,
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
