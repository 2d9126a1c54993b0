"""Optimisers, by the names that recipes use."""

from __future__ import annotations

from typing import Any

import keras

from zoo.optimization.schedules import build_schedule

_CLASSES = {
    "sgd": keras.optimizers.SGD,
    "adam": keras.optimizers.Adam,
    "adamw": keras.optimizers.AdamW,
    "rmsprop": keras.optimizers.RMSprop,
}
_CLIPS = {"clip_value": "clipvalue", "clip_norm": "clipnorm", "clip_global_norm": "global_clipnorm"}


def build_optimizer(settings: Any, model: keras.Model, steps_per_epoch: int, epochs: int) -> keras.optimizers.Optimizer:
    """Return the optimiser of a recipe's `optimizer:` section, built for the model's trainable variables.

    Weight decay is decoupled from the gradient (Loshchilov & Hutter 2019) and leaves out vectors: biases, and the
    scales and shifts of norms.
    """
    options = settings.model_dump(exclude={"name", "learning_rate", *_CLIPS}, exclude_none=True)
    if not options["weight_decay"] and settings.name != "adamw":  # the one that takes no None
        options["weight_decay"] = None
    clips = {option: getattr(settings, key) for key, option in _CLIPS.items()}
    optimizer = _CLASSES[settings.name](
        build_schedule(settings.learning_rate, steps_per_epoch, epochs), **options, **clips
    )
    if options["weight_decay"]:
        optimizer.exclude_from_weight_decay(var_list=[v for v in model.trainable_variables if len(v.shape) < 2])
    optimizer.build(model.trainable_variables)
    return optimizer
