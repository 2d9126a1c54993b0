"""Evaluation of an encoder: what simple methods make of its embeddings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from zoo.evaluation.outputs import strongest_baseline
from zoo.evaluation.result import TaskResult
from zoo.tasks import TASKS

if TYPE_CHECKING:
    from zoo.evaluation.result import TrainedTask


def evaluate_embedding(trained: TrainedTask) -> TaskResult:
    """Embed all splits with the saved model, and probe the embeddings and the baseline's.

    The outputs on validation and test are the linear probe's probabilities.
    """
    from zoo.evaluation.metrics.embedding_space import tsne
    from zoo.evaluation.metrics.probes import SPLITS, classify, probe
    from zoo.evaluation.report.build import jsonable
    from zoo.training.saved_outputs import saved_outcomes

    problem, console = trained.problem, trained.console
    recipe, dataset = problem.recipe, problem.dataset
    seed, task = recipe.training.seed, TASKS[recipe.task]
    splits = {"train": dataset.train, "validation": dataset.validation, "test": dataset.test}
    labels = {name: splits[name].targets for name in SPLITS}
    console.print("Embedding the splits, and probing the embeddings …")
    embeddings = {name: saved_outcomes(trained.model, splits[name], dataset.signature, task) for name in SPLITS}
    outputs, linear = classify(embeddings, labels, classes=len(dataset.signature.labels), seed=seed)
    probes = probe(embeddings, labels, seed=seed, linear=linear)
    points, chosen = tsne(embeddings["test"], seed)
    baseline = None
    if recipe.evaluation.baseline is not None:
        baseline = strongest_baseline(problem, console, code=embeddings["test"].shape[1])
    return TaskResult(
        {name: (labels[name], outputs[name]) for name in SPLITS[1:]},
        baseline,
        {"probes": jsonable(probes)},
        {"layout": (points, np.asarray(labels["test"])[chosen])},
    )
