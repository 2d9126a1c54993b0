"""The baselines of each kind of task, one file a kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from zoo.evaluation.baselines import (
    anomaly,
    classification,
    detection,
    each_series,
    generation,
    inputs,
    multi_label,
    reconstruction,
    regression,
    representation,
    segmentation,
    sequences,
    tokens,
    transcription,
)
from zoo.evaluation.baselines.data import BaselineData, Method
from zoo.evaluation.baselines.inputs import Source
from zoo.tasks import Kind


@dataclass(frozen=True, kw_only=True)
class KindBaselines:
    """The baselines of one kind of task.

    Attributes:
        methods: name of a baseline (`zoo.tasks` says which fit a task) to what fits and runs it.
        data: collects what the methods use from a recipe's data. None where the caller has more to add: generation,
            whose images are compared by a classifier.
    """

    methods: Mapping[str, Method]
    data: Callable[[Source], BaselineData] | None


KINDS: dict[Kind, KindBaselines] = {
    "classification": KindBaselines(methods=classification.METHODS, data=inputs.feature_data),
    "multi_label": KindBaselines(methods=multi_label.METHODS, data=inputs.feature_data),
    "regression": KindBaselines(methods=regression.METHODS, data=inputs.feature_data),
    "forecasting": KindBaselines(methods=each_series.METHODS, data=inputs.series_data),
    "tokens": KindBaselines(methods=tokens.METHODS, data=inputs.prepared_data),
    "sequences": KindBaselines(methods=sequences.METHODS, data=inputs.prepared_data),
    "transcription": KindBaselines(methods=transcription.METHODS, data=inputs.prepared_data),
    "segmentation": KindBaselines(methods=segmentation.METHODS, data=inputs.prepared_data),
    "detection": KindBaselines(methods=detection.METHODS, data=inputs.prepared_data),
    "reconstruction": KindBaselines(methods=reconstruction.METHODS, data=inputs.image_data),
    "anomaly": KindBaselines(methods=anomaly.METHODS, data=inputs.image_data),
    "generation": KindBaselines(methods=generation.METHODS, data=None),
    "representation": KindBaselines(methods=representation.METHODS, data=inputs.image_data),
}
