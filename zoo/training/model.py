"""The three views of one model: what is trained, what is evaluated, and what is saved and exported.

raw ── to_shape ──► prepared ── normalize ──► network ──► logits ── finish ──► probabilities or value
                    └──────────── trained ───────────────────────┘
                    └──────────── evaluated ───────────────────────────────────────────────────────┘
└───────────────────────────────── saved and exported ─────────────────────────────────────────────┘
"""

from __future__ import annotations

from dataclasses import dataclass

import keras
import numpy as np

from zoo import registry
from zoo.data.dataset import Dataset, Split
from zoo.data.preprocessing import Preprocessor
from zoo.recipe.schema import Recipe

PROBABILITIES, VALUE = "probabilities", "value"


@dataclass(frozen=True)
class Views:
    """One set of weights, three models.

    Attributes:
        network: what the registry built: normalised examples to logits.
        trained: prepared examples to logits.
        evaluated: prepared examples to probabilities `(batch, classes)` or value `(batch, 1)`.
        saved: raw examples to probabilities or value.
    """

    network: keras.Model
    trained: keras.Model
    evaluated: keras.Model
    saved: keras.Model


@dataclass(frozen=True)
class TargetScale:
    """The unit that a number is trained in: standard deviations from the mean of the training split."""

    mean: float = 0.0
    std: float = 1.0


def fit_target_scale(train: Split, labels: tuple[str, ...]) -> TargetScale:
    """Return the scale of a regression target; for classes, one that does nothing."""
    if labels:
        return TargetScale()
    return TargetScale(float(train.targets.mean(dtype=np.float64)), float(train.targets.std(dtype=np.float64)) or 1.0)


def training_targets(split: Split, labels: tuple[str, ...], scale: TargetScale) -> np.ndarray:
    """Return what the model is trained on: one-hot `(examples, classes)` or standardised `(examples, 1)`, float32."""
    if labels:
        return np.eye(len(labels), dtype=np.float32)[split.targets]
    return ((split.targets - scale.mean) / scale.std).astype(np.float32)[:, None]


def build_views(recipe: Recipe, dataset: Dataset, preprocessor: Preprocessor, scale: TargetScale) -> Views:
    """Build the recipe's network for the data set, with preprocessing before it and probabilities or value after it."""
    labels = dataset.signature.labels
    network = registry.build(
        recipe.model.name, input_shape=preprocessor.shape, outputs=len(labels) or 1, **recipe.model.config
    )
    normalize = preprocessor.normalize()
    finish = (
        keras.layers.Softmax(name=PROBABILITIES, dtype="float32")
        if labels
        else keras.layers.Rescaling(scale.std, scale.mean, name=VALUE, dtype="float32")
    )
    prepared = keras.Input(preprocessor.shape, dtype=preprocessor.dtype, name="prepared")
    logits = network(normalize(prepared))
    raw = preprocessor.raw_inputs()
    shaped = raw if preprocessor.to_shape is None else preprocessor.to_shape(raw)
    return Views(
        network=network,
        trained=keras.Model(prepared, logits, name="trained"),
        evaluated=keras.Model(prepared, finish(logits), name="evaluated"),
        saved=keras.Model(raw, finish(network(normalize(shaped))), name=recipe.model.name),
    )
