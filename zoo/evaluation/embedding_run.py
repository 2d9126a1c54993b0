"""What an encoder is judged by: what simple methods make of its embeddings."""

from __future__ import annotations

from typing import Any

import numpy as np
from rich.console import Console

from zoo.evaluation.generation_run import Judged


def judge_represented(problem: Any, model: Any, console: Console) -> Judged:
    """Embed all splits with a saved model and probe the embeddings, and the baseline's.

    Args:
        problem: data and model, `zoo.training.problem.Problem`.
        model: the saved model, from raw images to embeddings.
        console: where progress is shown.

    Returns:
        As outputs the linear probe's probabilities on validation and test; as facts `probes`
        (`zoo.evaluation.metrics.probes`); as pictures `layout`, points of the plane with their classes.
    """
    from zoo.evaluation.baselines.run import run_baseline
    from zoo.evaluation.metrics.embedding_space import tsne
    from zoo.evaluation.metrics.probes import SPLITS, classify, probe
    from zoo.evaluation.report.build import jsonable
    from zoo.tasks import TASKS, words
    from zoo.training.saved_model import saved_outcomes

    recipe, dataset = problem.recipe, problem.dataset
    seed, task = recipe.training.seed, TASKS[recipe.task]
    splits = {"train": dataset.train, "validation": dataset.validation, "test": dataset.test}
    labels = {name: splits[name].targets for name in SPLITS}
    console.print("Embedding the splits, and probing the embeddings …")
    embeddings = {name: saved_outcomes(model, splits[name], dataset.signature, task) for name in SPLITS}
    outputs, linear = classify(embeddings, labels, classes=len(dataset.signature.labels), seed=seed)
    probes = probe(embeddings, labels, seed=seed, linear=linear)
    points, chosen = tsne(embeddings["test"], seed)
    baseline = None
    if recipe.evaluation.baseline is not None:
        console.print(f"Baseline: linear probe of {words(recipe.evaluation.baseline)} on the same split …")
        width = embeddings["test"].shape[1]
        baseline = run_baseline(recipe, dataset, problem.preprocessor, code=width)
    return Judged(
        {name: (labels[name], outputs[name]) for name in SPLITS[1:]},
        baseline,
        {"probes": jsonable(probes)},
        {"layout": (points, np.asarray(labels["test"])[chosen])},
    )
