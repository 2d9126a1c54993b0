"""For each kind of task, the numbers and categories that describe predictions."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from zoo.serving.drift.features import Feature, category, number
from zoo.serving.kinds import MIN_LISTED_SCORE, OutputNames
from zoo.serving.prediction import Prediction
from zoo.tasks import IGNORED_PIXEL, Kind

MAX_PARTS = 20  # targets, or classes of pixels, that are features of their own


def _classes(prediction: Prediction, model: OutputNames) -> list[Feature]:
    assert prediction.labels is not None and prediction.probabilities is not None
    found = [category("class", prediction.labels), number("confidence", prediction.probabilities.max(axis=1))]
    if prediction.ood_scores is not None:
        found.append(number("ood_score", prediction.ood_scores))
    return found


def _label_sets(prediction: Prediction, model: OutputNames) -> list[Feature]:
    assert prediction.label_sets is not None and prediction.probabilities is not None
    found = [number("labels", [len(labels) for labels in prediction.label_sets])]
    means = zip(model.labels[:MAX_PARTS], prediction.probabilities.T, strict=False)
    return found + [number(f"probability of {label}", column) for label, column in means]


def _values(prediction: Prediction, model: OutputNames) -> list[Feature]:
    assert prediction.values is not None
    if not model.targets:
        return [number("value", prediction.values)]
    columns = zip(model.targets[:MAX_PARTS], prediction.values.T, strict=False)
    return [number(name, column) for name, column in columns]


def _forecasts(prediction: Prediction, model: OutputNames) -> list[Feature]:
    assert prediction.forecasts is not None
    means = prediction.forecasts.mean(axis=1)
    if not model.targets:
        return [number("forecast", means)]
    return [number(name, column) for name, column in zip(model.targets[:MAX_PARTS], means.T, strict=False)]


def _nothing(prediction: Prediction, model: OutputNames) -> list[Feature]:
    return []


def _tokens(prediction: Prediction, model: OutputNames) -> list[Feature]:
    if prediction.tags is None:
        return []
    return [number("distinct tags", [len(set(tags)) for tags in prediction.tags])]


def _texts(prediction: Prediction, model: OutputNames) -> list[Feature]:
    assert prediction.texts is not None
    return [number("length", [len(text) for text in prediction.texts])]


def _masks(prediction: Prediction, model: OutputNames) -> list[Feature]:
    assert prediction.masks is not None
    images = [mask[mask != IGNORED_PIXEL] for mask in prediction.masks]
    names = model.labels[:MAX_PARTS]
    return [number(name, [np.mean(x == i) if x.size else np.nan for x in images]) for i, name in enumerate(names)]


def _objects(prediction: Prediction, model: OutputNames) -> list[Feature]:
    assert prediction.detections is not None
    scores = prediction.detections[:, :, 5]
    best = scores.max(axis=1) if scores.shape[1] else np.zeros(len(scores))
    return [number("objects", (scores >= MIN_LISTED_SCORE).sum(axis=1)), number("best score", best)]


def _scores(prediction: Prediction, model: OutputNames) -> list[Feature]:
    found = [number("score", prediction.parts["score"])]
    return found if prediction.labels is None else [category("class", prediction.labels), *found]


def _embeddings(prediction: Prediction, model: OutputNames) -> list[Feature]:
    assert prediction.embeddings is not None
    x = prediction.embeddings.astype(float)
    return [number("mean", x.mean(axis=1)), number("standard deviation", x.std(axis=1))]


KINDS: dict[Kind, Callable[[Prediction, OutputNames], list[Feature]]] = {
    "classification": _classes,
    "multi_label": _label_sets,
    "regression": _values,
    "forecasting": _forecasts,
    "tokens": _tokens,
    "sequences": _texts,
    "transcription": _texts,
    "segmentation": _masks,
    "detection": _objects,
    "reconstruction": _scores,
    "anomaly": _scores,
    "generation": _nothing,
    "representation": _embeddings,
}
