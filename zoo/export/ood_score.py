"""The output `ood_score` of a classifier's file, from the features before the head."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras

from zoo.data.class_decisions import OOD_SCORE
from zoo.evaluation.out_of_distribution import feature_statistics
from zoo.layers.head import features
from zoo.layers.mahalanobis import MahalanobisScore

if TYPE_CHECKING:
    from zoo.data.dataset import Dataset


def with_ood_score(model: keras.Model, dataset: Dataset, task: str) -> keras.Model:
    """Return a saved classifier that gives `probabilities` and `ood_score`, where the signature has quantiles for it.

    Args:
        model: the classifier.
        dataset: its data, whose training examples the score compares with.
        task: name of the task.
    """
    decisions = dataset.signature.decisions
    if decisions is None or decisions.ood_quantiles is None:
        return model
    found = feature_statistics(model, dataset, task)
    before = features(model)
    score = MahalanobisScore(found.center, found.projection, found.means, name=OOD_SCORE, dtype="float32")
    outputs = {"probabilities": model(before.input), OOD_SCORE: score(before.output)}
    return keras.Model(before.input, outputs, name=model.name)
