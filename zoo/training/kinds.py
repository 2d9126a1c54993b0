"""For each kind of task, how it is trained: targets, what the model is given, and the views of the model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from zoo.data.letterbox import boxes_in_frame
from zoo.layers.letterbox import BoxesToImage, ZeroPadding
from zoo.tasks import TASKS, Kind
from zoo.training import heads
from zoo.training.generative.views import conditional
from zoo.training.targets import (
    TargetScale,
    boxes,
    forecast_scale,
    multi_hot,
    no_scale,
    one_hot,
    standardized_forecasts,
    standardized_values,
    value_scale,
    whole_numbers,
)
from zoo.training.views import (
    TWO_VIEWS,
    Views,
    autoencoder_views,
    decoder_views,
    encoder_views,
    forecaster_views,
    generator_views,
    predictor_views,
)

if TYPE_CHECKING:
    import keras

    from zoo.data.dataset import Signature, Split
    from zoo.data.prepared import Form
    from zoo.recipe.schema import Recipe
    from zoo.recipe.steps import Resize


@dataclass(frozen=True, kw_only=True)
class Training:
    """How one kind of task is trained.

    Attributes:
        targets: takes a split, its signature and the scale of its targets; returns what the network is trained on.
        scale: takes the training split; returns the scale of its targets.
        form: takes the recipe and the network; returns what the model is given (`zoo.data.prepared.Prepared`).
        views: takes what views are built from, and the head; returns the three views.
        head: what follows the network where it is evaluated; None where the views have their own.
        every_step: the network has an output at each step of a sequence.
        put_back: takes the size of the frame that padded images are seen in; returns a layer from outputs and raw
            images to outputs that are of the image. None where outputs do not lie on the image.
        in_frame: takes the targets of boxes, their split and the step that pads; returns them in the frame. None where
            targets lie in the frame already.
    """

    targets: Callable[[Split, Signature, TargetScale], np.ndarray]
    scale: Callable[[Split], TargetScale] = no_scale
    form: Callable[[Recipe, keras.Model], Form] = lambda recipe, network: "target"
    views: Callable[..., Views] = predictor_views
    head: heads.Head | None = None
    every_step: bool = False
    put_back: Callable[[int, int], keras.layers.Layer] | None = None
    in_frame: Callable[[np.ndarray, Split, Resize], np.ndarray] | None = None


def _tokens_form(recipe: Recipe, network: keras.Model) -> Form:
    return "hidden" if TASKS[recipe.task].fills_in else "target"


def _decoder_form(recipe: Recipe, network: keras.Model) -> Form:
    return "decoder_input"


def _autoencoder_form(recipe: Recipe, network: keras.Model) -> Form:
    return "itself"


def _generator_form(recipe: Recipe, network: keras.Model) -> Form:
    return "normalized_with_class" if conditional(network) else "normalized"


def _encoder_form(recipe: Recipe, network: keras.Model) -> Form:
    return "views" if recipe.loss.name in TWO_VIEWS else "target"


_AUTOENCODER = Training(targets=whole_numbers, form=_autoencoder_form, views=autoencoder_views)

KINDS: dict[Kind, Training] = {
    "classification": Training(targets=one_hot, head=heads.probabilities),
    "multi_label": Training(targets=multi_hot, head=heads.label_probabilities),
    "regression": Training(targets=standardized_values, scale=value_scale, head=heads.value),
    "forecasting": Training(
        targets=standardized_forecasts,
        scale=forecast_scale,
        views=forecaster_views,
        head=heads.forecast,
    ),
    "tokens": Training(targets=whole_numbers, form=_tokens_form, head=heads.logits, every_step=True),
    "sequences": Training(targets=whole_numbers, form=_decoder_form, views=decoder_views, head=heads.logits),
    "transcription": Training(targets=whole_numbers, head=heads.probabilities),
    "segmentation": Training(targets=whole_numbers, head=heads.probabilities, put_back=ZeroPadding),
    "detection": Training(targets=boxes, head=heads.boxes, put_back=BoxesToImage, in_frame=boxes_in_frame),
    "reconstruction": _AUTOENCODER,
    "anomaly": _AUTOENCODER,
    "generation": Training(targets=whole_numbers, form=_generator_form, views=generator_views),
    "representation": Training(targets=whole_numbers, form=_encoder_form, views=encoder_views),
}
