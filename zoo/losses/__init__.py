"""Losses, by the names that recipes use."""

from __future__ import annotations

from typing import Any

import keras


def build_loss(settings: Any) -> keras.losses.Loss:
    """Return the loss of a recipe's `loss:` section. Cross-entropy takes logits and one-hot targets."""
    if settings.name == "categorical_crossentropy":
        return keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=settings.label_smoothing)
    if settings.name == "huber":
        return keras.losses.Huber(delta=settings.delta)
    return {
        "mean_squared_error": keras.losses.MeanSquaredError,
        "mean_absolute_error": keras.losses.MeanAbsoluteError,
    }[settings.name]()
