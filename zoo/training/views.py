"""The three views of one model: what is trained, what is evaluated, and what is saved and exported.

raw ── to_shape ──► prepared ── normalize ──► network ──► logits ── finish ──► probabilities, values, boxes …
                    └──────────── trained ───────────────────────┘
                    └──────────── evaluated ───────────────────────────────────────────────────────┘
└───────────────────────────────── saved and exported ─────────────────────────────────────────────┘

An autoencoder's three views give an image; what is evaluated and saved also gives embedding and error. Of models that
make images from noise, `zoo.training.generative.views` has the views.

Under mixed precision, and on several devices, `trained` has a network of its own; the other views have its copy, in
float32 and on one device.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo import registry
from zoo.backend.devices import Devices
from zoo.backend.precision import precision
from zoo.data.batches import VIEWS
from zoo.data.dataset import Dataset, Signature, Split
from zoo.data.preprocessing import Preprocessor
from zoo.layers.code import SquaredError, with_embedding
from zoo.layers.detection import DecodeBoxes
from zoo.layers.encoder import representation
from zoo.layers.preprocessing import WindowRestore, WindowStandardize
from zoo.recipe.schema import Recipe
from zoo.tasks import TASKS, Task
from zoo.training.generative.views import saved_view, trained_view
from zoo.training.penalty import Penalized, Penalty

TWO_VIEWS = ("nt_xent", "supcon")  # losses that compare two views of each example


@dataclass(frozen=True)
class Views:
    """One set of weights, three models.

    Attributes:
        network: what the registry built, in float32: normalised examples to logits or values.
        learner: the network that is trained: `network` itself, or one with weights of its own.
        trained: prepared examples to what the loss takes.
        evaluated: prepared examples to probabilities, values, or what the task has in their place.
        saved: raw examples to the same.
    """

    network: keras.Model
    learner: keras.Model
    trained: keras.Model
    evaluated: keras.Model
    saved: keras.Model

    def settle(self) -> None:
        """Give the views that are evaluated and saved the weights that were trained, where these are not their own."""
        if self.learner is not self.network:
            self.network.set_weights(self.learner.get_weights())


@dataclass(frozen=True)
class TargetScale:
    """The unit that numbers are trained in: standard deviations from the mean of the training split."""

    mean: float = 0.0
    std: float = 1.0


def fit_target_scale(train: Split, task: Task) -> TargetScale:
    """Return the scale of targets that are numbers; for all others, one that does nothing."""
    if task.kind not in ("regression", "forecasting"):
        return TargetScale()
    y = train.targets[:, :-1] if task.kind == "forecasting" else train.targets
    return TargetScale(float(y.mean(dtype=np.float64)), float(y.std(dtype=np.float64)) or 1.0)


def training_targets(split: Split, task: Task, signature: Signature, scale: TargetScale) -> np.ndarray:
    """Return what the model is trained on.

    One-hot `(examples, classes)` or standardised `(examples, values)` float32; boxes float32; tokens, symbols and
    masks int32.
    """
    if task.kind == "classification":
        return np.eye(len(signature.labels), dtype=np.float32)[split.targets]
    if task.kind == "regression":
        return ((split.targets - scale.mean) / scale.std).astype(np.float32)[:, None]
    if task.kind == "forecasting":  # the last column is what MASE divides by
        return ((split.targets[:, :-1] - scale.mean) / scale.std).astype(np.float32)
    return split.targets if task.kind == "detection" else split.targets.astype(np.int32)


def build_views(
    recipe: Recipe, dataset: Dataset, preprocessor: Preprocessor, scale: TargetScale, devices: Devices | None = None
) -> Views:
    """Build the recipe's network for the data set, with preprocessing before it and what the task wants after it.

    What is trained on several devices has weights of its own; all else stays on one.
    """
    devices = devices or Devices()

    def views(policy: str) -> Views:
        with precision(policy):
            network = _network(recipe, dataset, preprocessor)
        return _views(network, recipe, dataset, preprocessor, scale)

    with devices.scope():
        built = views(recipe.training.precision)
        devices.prepare(built.trained)
    if recipe.training.precision != "float32" or devices.count > 1:
        built = replace(views("float32"), learner=built.learner, trained=built.trained)
    if recipe.regularization.l1 or recipe.regularization.l2:
        built.trained.penalty = Penalty(recipe.regularization.l1, recipe.regularization.l2)
    return built


def _network(recipe: Recipe, dataset: Dataset, preprocessor: Preprocessor) -> keras.Model:
    signature = dataset.signature
    has_head = registry.entry(recipe.model.name).outputs is not None  # or takes classes
    return registry.build(
        recipe.model.name,
        input_shape=signature.shape if signature.kind == "graph" else _prepared_shape(signature, preprocessor),
        outputs=(len(signature.labels) or signature.horizon or 1) if has_head else None,
        vocabulary=signature.vocabulary,
        every_step=TASKS[recipe.task].kind == "tokens",
        **recipe.model.config,
    )


def _prepared_shape(signature: Signature, preprocessor: Preprocessor) -> tuple[int | None, ...]:
    """Return the shape of a prepared example; texts are of any length."""
    return preprocessor.shape if signature.vocabulary is None else (None,)


def _views(
    network: keras.Model, recipe: Recipe, dataset: Dataset, preprocessor: Preprocessor, scale: TargetScale
) -> Views:
    """Return the three views of one network."""
    task, signature = TASKS[recipe.task], dataset.signature
    if task.kind == "generation":
        sampler = saved_view(network, recipe)
        return Views(network, network, trained_view(network, recipe), sampler, sampler)
    if task.kind == "representation":
        return _representation_views(network, recipe, preprocessor)
    graph = signature.kind == "graph"
    decoder_inputs = [keras.Input((None,), dtype="int32", name="target")] if task.kind == "sequences" else []
    normalize = None if signature.vocabulary else preprocessor.normalize()
    standardize = WindowStandardize(name="standardize_window") if preprocessor.window else None
    restore = WindowRestore(name="restore_window")
    unscale = keras.layers.Rescaling(1 / scale.std, -scale.mean / scale.std, name="unscale")
    finish = _finish(recipe, task, scale)
    parts = with_embedding(network) if task.reconstructs else network
    error = SquaredError(name="score", dtype="float32")

    def outputs(x: Any) -> tuple[Any, Any]:
        """Return what the loss takes, and what is evaluated."""
        x, edges = (x["nodes"], [x["edges"]]) if isinstance(x, dict) else (x, [])
        x = normalize(x) if normalize is not None else x
        if standardize is not None:
            x, mean, deviation = standardize(x)
            values = restore(network(x), mean, deviation)
            return unscale(values), keras.layers.Identity(name="forecast")(values)
        if task.reconstructs:
            embedding, image = parts(x)
            return image, {"embedding": embedding, "image": x, "reconstruction": image, "score": error(image, x)}
        logits = network([x, *decoder_inputs, *edges] if decoder_inputs or edges else x)
        return logits, finish(logits)

    raw = preprocessor.raw_inputs()
    prepared = (
        raw
        if graph
        else keras.Input(_prepared_shape(signature, preprocessor), dtype=preprocessor.dtype, name="prepared")
    )
    logits, result = outputs(prepared)
    _, exported = outputs(raw if preprocessor.to_shape is None else preprocessor.to_shape(raw))
    inputs = [prepared, *decoder_inputs] if decoder_inputs else prepared
    return Views(
        network=network,
        learner=network,
        trained=_trained(inputs, logits, recipe),
        evaluated=keras.Model(inputs, result, name="evaluated"),
        saved=keras.Model([raw, *decoder_inputs] if decoder_inputs else raw, exported, name=recipe.model.name),
    )


def _representation_views(network: keras.Model, recipe: Recipe, preprocessor: Preprocessor) -> Views:
    """Return the views of a network that is trained by comparing: what is evaluated and saved is its encoder."""
    normalize, encoder = preprocessor.normalize(), representation(network)
    views = (VIEWS,) if recipe.loss.name in TWO_VIEWS else ()
    shape = preprocessor.shape

    # === What the loss takes ===
    compared = keras.Input((*views, *shape), dtype=preprocessor.dtype if not views else "float32", name="prepared")
    each = ops.reshape(compared, (-1, *shape)) if views else compared
    result = network(normalize(each))
    if views:
        result = ops.reshape(result, (-1, VIEWS, *result.shape[1:]))

    # === Embeddings ===
    name = keras.layers.Identity(name="embedding", dtype="float32")
    prepared = keras.Input(shape, dtype=preprocessor.dtype, name="prepared")
    raw = preprocessor.raw_inputs()
    given = raw if preprocessor.to_shape is None else preprocessor.to_shape(raw)
    return Views(
        network=network,
        learner=network,
        trained=_trained(compared, result, recipe),
        evaluated=keras.Model(prepared, name(encoder(normalize(prepared))), name="evaluated"),
        saved=keras.Model(raw, name(encoder(normalize(given))), name=recipe.model.name),
    )


def _trained(inputs: Any, outputs: Any, recipe: Recipe) -> keras.Model:
    kind = Penalized if recipe.regularization.l1 or recipe.regularization.l2 else keras.Model
    return kind(inputs, outputs, name="trained")


def _finish(recipe: Recipe, task: Task, scale: TargetScale) -> Callable[[Any], Any]:
    """Return the layers after the network: logits to probabilities, values to their unit, maps to boxes."""
    if task.kind in ("regression", "forecasting"):
        name = "value" if task.kind == "regression" else "forecast"
        return keras.layers.Rescaling(scale.std, scale.mean, name=name, dtype="float32")
    if task.kind in ("tokens", "sequences"):
        return keras.layers.Identity(name="logits", dtype="float32")
    if task.kind == "detection":
        return DecodeBoxes(name="detections", dtype="float32")
    softmax = keras.layers.Softmax(name="probabilities", dtype="float32")
    if recipe.loss.name != "binary_crossentropy":
        return softmax
    one_by_one = keras.layers.Activation("log_sigmoid", name="log_sigmoid", dtype="float32")
    return lambda logits: softmax(one_by_one(logits))  # the sigmoids of all classes, scaled to sum to one
