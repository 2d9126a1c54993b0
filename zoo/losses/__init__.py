"""Losses, by the names that recipes use."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from zoo.losses.classes import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    Focal,
    SparseCategoricalCrossentropy,
    balanced_weights,
)
from zoo.losses.contrastive import ContrastivePairs, MaskedPixels, NTXent, SupCon, TripletMargin
from zoo.losses.detection import CenterNet
from zoo.losses.numbers import Quantile
from zoo.losses.pixels import PixelBinaryCrossentropy
from zoo.losses.segmentation import CrossentropyDice, Dice
from zoo.losses.self_distillation import Dino
from zoo.losses.sequences import ConnectionistTemporal, MaskedCrossentropy

__all__ = ["balanced_weights", "build_loss"]

_LOSSES: dict[str, type[keras.losses.Loss]] = {
    "categorical_crossentropy": CategoricalCrossentropy,
    "sparse_categorical_crossentropy": SparseCategoricalCrossentropy,
    "binary_crossentropy": BinaryCrossentropy,
    "focal": Focal,
    "mean_squared_error": keras.losses.MeanSquaredError,
    "mean_absolute_error": keras.losses.MeanAbsoluteError,
    "huber": keras.losses.Huber,
    "quantile": Quantile,
    "masked_crossentropy": MaskedCrossentropy,
    "ctc": ConnectionistTemporal,
    "pixel_crossentropy": CategoricalCrossentropy,
    "dice": Dice,
    "crossentropy_dice": CrossentropyDice,
    "center_net": CenterNet,
    "nt_xent": NTXent,
    "supcon": SupCon,
    "contrastive": ContrastivePairs,
    "triplet": TripletMargin,
    "masked_pixels": MaskedPixels,
    "dino": Dino,
}


def build_loss(
    settings: Any,
    *,
    kind: str = "classification",
    class_weights: np.ndarray | None = None,
    ignores_pixels: bool = False,
) -> keras.losses.Loss:
    """Return the loss of a recipe's `loss:` section.

    Losses take logits, and targets as the task's kind has them: one-hot classes for classification, class numbers for
    pixels, tokens and symbols, numbers for regression and forecasting, boxes for detection. For reconstruction both are
    images in [0, 1]. For representations the targets are class numbers, and the outputs embeddings, hidden patches
    (`zoo.losses.contrastive`), or those of a student and its teacher (`zoo.losses.self_distillation`).

    Args:
        settings: the section.
        kind: the kind of the task's target (`zoo.tasks`), which decides how a loss that serves several reads it.
        class_weights: `(classes,)`, what `class_weights: balanced` stands for: see `balanced_weights`.
        ignores_pixels: segmentation: masks may hold `IGNORED_PIXEL`, which counts in no loss.

    Raises:
        ValueError: the section asks for balanced classes, and `class_weights` is missing.
    """
    options = settings.model_dump(exclude={"name"})
    if options.get("class_weights") == "balanced":
        if class_weights is None:
            raise ValueError(f"{settings.name} with class_weights: balanced needs the weights of the training split")
        options["class_weights"] = class_weights.tolist()
    if settings.name == "pixel_crossentropy" or (settings.name == "focal" and kind == "segmentation"):
        options["sparse"] = True
    if ignores_pixels:
        options["ignores_pixels"] = True
    if settings.name == "binary_crossentropy" and kind in ("reconstruction", "anomaly"):
        return PixelBinaryCrossentropy(label_smoothing=options["label_smoothing"], name=settings.name)
    return _LOSSES[settings.name](**options, name=settings.name)
