"""What a classifier's or a regressor's features, the numbers before its head, know of the examples."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.errors import ZooError
from zoo.evaluation.metrics.common import draw_at_most
from zoo.tasks import TASKS
from zoo.utils.console import print_notes

if TYPE_CHECKING:
    from keras import Model

    from zoo.data.dataset import Signature, Split
    from zoo.evaluation.result import TaskResult, TrainedTask

VALUE_GROUPS = 5  # of about one size, by which numbers are coloured in the layout


def represent(trained: TrainedTask, result: TaskResult) -> dict[str, Any]:
    """Probe the features of the saved model, and lay those of test examples out in the plane.

    At most 10,000 examples of training and test, and 2,000 of validation, are used, drawn at random.

    Returns:
        `probes`: of classes what `zoo.evaluation.metrics.probes.probe` returns, of numbers what
        `zoo.evaluation.metrics.value_probes.probe_values` returns; None where the model has no features, or they are
        not finite. `examples` of each split; and `notes`.
    """
    from zoo.evaluation.metrics.embedding_space import tsne
    from zoo.evaluation.metrics.probes import MAX_TEST, MAX_TRAIN, MAX_VALIDATION, probe
    from zoo.evaluation.metrics.value_probes import probe_values
    from zoo.layers.head import features

    dataset, seed = trained.problem.dataset, trained.problem.recipe.training.seed
    limits = {"train": MAX_TRAIN, "validation": MAX_VALIDATION, "test": MAX_TEST}
    every = {"train": dataset.train, "validation": dataset.validation, "test": dataset.test}
    splits = {name: split.part(draw_at_most(len(split), limits[name], seed)) for name, split in every.items()}
    found: dict[str, Any] = {"probes": None, "examples": {name: len(split) for name, split in splits.items()}}
    try:
        model = features(trained.model)
    except ZooError as error:
        return found | _with_note(trained, f"no features: {error}")
    trained.console.print("Representation: the features of the splits are probed …")
    vectors = {name: feature_vectors(model, split, dataset.signature) for name, split in splits.items()}
    if not all(np.isfinite(rows).all() for rows in vectors.values()):
        return found | _with_note(trained, "the features are not finite")
    targets = {name: split.targets for name, split in splits.items()}
    points, chosen = tsne(vectors["test"], seed)
    if TASKS[trained.problem.recipe.task].classifies:
        if len(np.unique(targets["train"])) < 2:
            return found | _with_note(trained, "the training examples are of one class")
        probes = probe(vectors, targets, seed=seed)
        groups, names = targets["test"][chosen], list(dataset.signature.labels)
    else:
        probes = probe_values(vectors, targets)
        groups, names = value_groups(targets["test"][chosen])
    result.pictures["representation"] = (points, groups, names)
    return found | {"probes": probes, "notes": []}


def feature_vectors(model: Model, split: Split, signature: Signature) -> np.ndarray:
    """Return a vector of features of each example, `(examples, channels)`; those of steps or pixels are averaged."""
    from zoo.training.saved_outputs import chunks, keras_output

    parts = [keras_output(model, split.take(positions), signature, None) for positions in chunks(split)]
    return np.concatenate([np.asarray(part).reshape(len(part), -1, part.shape[-1]).mean(axis=1) for part in parts])


def value_groups(values: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """Return to which of five groups each number belongs, of about one size, and what they hold.

    Args:
        values: `(examples,)`; of several targets `(examples, targets)`, of which the first counts.
    """
    first = values if values.ndim == 1 else values[:, 0]
    edges = np.unique(np.quantile(first, np.linspace(0, 1, VALUE_GROUPS + 1)))
    groups = np.clip(np.searchsorted(edges, first, side="right") - 1, 0, max(0, len(edges) - 2))
    pairs = pairwise(edges) if len(edges) > 1 else [(edges[0], edges[0])]
    return groups, [f"{low:.4g} to {high:.4g}" for low, high in pairs]


def _with_note(trained: TrainedTask, note: str) -> dict[str, Any]:
    print_notes([note], trained.console, indent="  ")
    return {"notes": [note]}
