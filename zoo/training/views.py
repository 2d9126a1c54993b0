"""The three views of one model: what is trained, what is evaluated, and what is saved and exported.

raw ── to_shape ──► prepared ── normalize ──► network ──► logits ── head ──► probabilities, values, boxes …
                    └──────────── trained ───────────────────────┘
                    └──────────── evaluated ─────────────────────────────────────────────────────┘
└───────────────────────────────── saved and exported ───────────────────────────────────────────┘
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from zoo.data.batches import VIEWS
from zoo.layers.code import SquaredError, with_embedding
from zoo.layers.covariates import HistoryStandardize
from zoo.layers.encoder import representation
from zoo.layers.members import has_members
from zoo.layers.preprocessing import DoubleRescaling, WindowRestore, WindowStandardize
from zoo.training.generative.views import saved_view, trained_view
from zoo.training.lora import merged_weights
from zoo.training.members import TrainedMembers
from zoo.training.penalty import Penalized

if TYPE_CHECKING:
    from zoo.data.dataset import Signature
    from zoo.data.preprocessor import Preprocessor
    from zoo.recipe.schema import Recipe
    from zoo.training.heads import Head
    from zoo.training.targets import TargetScale

TWO_VIEWS = ("nt_xent", "supcon", "dino")  # losses that compare two views of each example


@dataclass(frozen=True)
class Views:
    """One set of weights, three models.

    Under mixed precision, on several devices, and with adapters, `trained` has a network of its own; the other views
    have its copy, in float32, on one device, and with adapters merged.

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
            self.network.set_weights(merged_weights(self.learner))


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What views are built from: the network, its recipe and data, and what was fitted on the training split.

    `put_back` is that of the kind of task (`zoo.training.kinds.Training`).
    """

    network: keras.Model
    recipe: Recipe
    signature: Signature
    preprocessor: Preprocessor
    scale: TargetScale
    put_back: Callable[[int, int], keras.layers.Layer] | None = None


# Prepared examples to what the loss takes, and to what is evaluated.
Outputs = Callable[[Any], tuple[Any, Any]]


def predictor_views(parts: Parts, head: Head) -> Views:
    """Return the views of a network that maps examples to logits or values."""
    return _views(parts, _through(parts, head, []))


def decoder_views(parts: Parts, head: Head) -> Views:
    """Return the views of a network that also takes the decoder's input."""
    decoder_input = [keras.Input((None,), dtype="int32", name="target")]
    return _views(parts, _through(parts, head, decoder_input), decoder_input)


def forecaster_views(parts: Parts, head: Head) -> Views:
    """Return the views of a forecaster, which may standardise each window by itself and put the forecast back."""
    if not parts.preprocessor.window:
        return predictor_views(parts, head)
    dtype, count = None, max(1, len(parts.signature.targets))
    factor = [1 / std for std in parts.scale.lists()[1]]
    offset = [-mean * by for mean, by in zip(parts.scale.lists()[0], factor, strict=True)]
    one = len(factor) == 1
    unscale: keras.layers.Layer = keras.layers.Rescaling(
        factor[0] if one else factor, offset[0] if one else offset, name="unscale"
    )
    normalize = parts.preprocessor.normalize()
    if parts.scale.double:  # all stays float64 until a window is standardised, and from where it is restored
        dtype, unscale = "float64", DoubleRescaling(factor, offset, name="unscale")
        own = parts.preprocessor
        normalize = DoubleRescaling(own.scale.tolist(), own.offset.tolist(), "float64", name="normalize")
    standardize: keras.layers.Layer = WindowStandardize(count, name="standardize_window", dtype=dtype)
    if parts.preprocessor.unknown:
        known = {"horizon": parts.signature.horizon, "unknown": parts.preprocessor.unknown}
        standardize = HistoryStandardize(targets=count, name="standardize_window", dtype=dtype, **known)
        normalize = parts.preprocessor.normalize()
    restore = WindowRestore(name="restore_window", dtype=dtype)

    def outputs(x: Any) -> tuple[Any, Any]:
        x, mean, deviation = standardize(normalize(x))
        standardized = _by_target(parts, parts.network(x))
        values = restore(standardized, mean, deviation)
        trained = standardized if parts.scale.by_window else unscale(values)
        return trained, keras.layers.Identity(name="forecast", dtype=dtype)(values)

    return _views(parts, outputs)


def autoencoder_views(parts: Parts, head: Head | None) -> Views:
    """Return the views of an autoencoder: an image for the loss; embedding, images and error besides it."""
    normalize, network = parts.preprocessor.normalize(), with_embedding(parts.network)
    error = SquaredError(parts.signature.kind == "array", name="score", dtype="float32")

    def outputs(x: Any) -> tuple[Any, Any]:
        x = normalize(x)
        embedding, image = network(x)
        return image, {"embedding": embedding, "image": x, "reconstruction": image, "score": error(image, x)}

    return _views(parts, outputs)


def generator_views(parts: Parts, head: Head | None) -> Views:
    """Return the views of a model that makes images from noise: what is evaluated and saved is the sampler."""
    network, sampler = parts.network, saved_view(parts.network, parts.recipe)
    return Views(network, network, trained_view(network, parts.recipe), sampler, sampler)


def encoder_views(parts: Parts, head: Head | None) -> Views:
    """Return the views of a network that is trained by comparing: what is evaluated and saved is its encoder."""
    network, preprocessor = parts.network, parts.preprocessor
    normalize, encoder = preprocessor.normalize(), representation(network)
    views = (VIEWS,) if parts.recipe.loss.name in TWO_VIEWS else ()
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
        trained=_trained(compared, result, parts),
        evaluated=keras.Model(prepared, name(encoder(normalize(prepared))), name="evaluated"),
        saved=keras.Model(raw, name(encoder(normalize(given))), name=parts.recipe.model.name),
    )


def _by_target(parts: Parts, values: Any) -> Any:
    """Return the values of a network by step and target, where there are several targets."""
    targets = len(parts.signature.targets)
    if not targets or not parts.signature.horizon:
        return values
    return keras.layers.Reshape((parts.signature.horizon, targets), name="by_target")(values)


def _through(parts: Parts, head: Head, decoder_input: Sequence[Any]) -> Outputs:
    """Return the way through the network: normalised examples, with a decoder's input or a graph's edges."""
    normalize = None if parts.signature.vocabulary else parts.preprocessor.normalize()
    finish = head(parts.recipe, parts.scale)

    def outputs(x: Any) -> tuple[Any, Any]:
        x, edges = (x["nodes"], [x["edges"]]) if isinstance(x, dict) else (x, [])
        x = normalize(x) if normalize is not None else x
        others = [*decoder_input, *edges]
        logits = _by_target(parts, parts.network([x, *others] if others else x))
        return logits, finish(logits)

    return outputs


def _views(parts: Parts, outputs: Outputs, decoder_input: Sequence[Any] = ()) -> Views:
    """Return the views whose outputs follow from prepared examples, and from a decoder's input where there is one."""
    recipe, preprocessor = parts.recipe, parts.preprocessor
    raw = preprocessor.raw_inputs()
    prepared = raw
    if parts.signature.kind != "graph":
        prepared = keras.Input(prepared_shape(parts.signature, preprocessor), dtype=preprocessor.dtype, name="prepared")
    logits, result = outputs(prepared)
    _, exported = outputs(raw if preprocessor.to_shape is None else preprocessor.to_shape(raw))
    letterbox = preprocessor.letterbox
    if letterbox is not None and parts.put_back is not None:
        exported = parts.put_back(letterbox.height, letterbox.width)([exported, raw])
    inputs = [prepared, *decoder_input] if decoder_input else prepared
    return Views(
        network=parts.network,
        learner=parts.network,
        trained=_trained(inputs, logits, parts),
        evaluated=keras.Model(inputs, result, name="evaluated"),
        saved=keras.Model([raw, *decoder_input] if decoder_input else raw, exported, name=recipe.model.name),
    )


def prepared_shape(signature: Signature, preprocessor: Preprocessor) -> tuple[int | None, ...]:
    """Return the shape of a prepared example; texts, and sequences that are padded, are of any length."""
    if signature.kind == "array" and signature.shape[0] is None:
        return signature.shape
    return preprocessor.shape if signature.vocabulary is None else (None,)


def _trained(inputs: Any, outputs: Any, parts: Parts) -> keras.Model:
    recipe = parts.recipe
    adds = (
        recipe.regularization.l1
        or recipe.regularization.l2
        or recipe.optimizer.ema is not None
        or recipe.optimizer.swa is not None
    )
    kind = TrainedMembers if has_members(parts.network) else Penalized if adds else keras.Model
    return kind(inputs, outputs, name="trained")
