"""Models that make images: the whole sampler as one file, and the proof of it."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import onnx
import onnxruntime

from zoo.data.dataset import Signature
from zoo.export.convert import convert_generator
from zoo.export.diffusion_sampler import measure_sampler, sampler_proto
from zoo.export.parity import Parity
from zoo.recipe.schema import Recipe
from zoo.training.generative.views import SAMPLE, draw_inputs, process_of, sampling_of

_SAMPLES, _EXACT = 256, 16  # images that are compared; and with a reference in float64
_ROUNDING = 1e-6  # that even a sampler of one step may have


def convert_sampler(model: keras.Model, recipe: Recipe, signature: Signature) -> tuple[onnx.ModelProto, dict[str, Any]]:
    """Return the graph from noise to finished images, and what the file says of its inputs.

    Args:
        model: the saved model, from noise to images.
        recipe: how the model was trained, and how it samples.
        signature: of the images that it was trained on.

    Raises:
        ZooError: an operation of the model has no ONNX form.
    """
    if recipe.loss.name == "adversarial":
        proto = convert_generator(model, opset=recipe.export.opset)
    else:
        settings, denoiser = sampling_of(recipe), model.get_layer(SAMPLE).denoiser
        proto = sampler_proto(denoiser, process_of(recipe), settings.steps, settings.sampler, opset=recipe.export.opset)
    takes_classes = any(x.name == "label" for x in model.inputs)
    facts: dict[str, Any] = {
        "kind": "noise",
        "target": "image",
        "shape": list(model.inputs[0].shape[1:]),
        "columns": [],
        "labels": list(signature.labels) if takes_classes else [],
    }
    if recipe.loss.name == "denoising":
        facts["steps"] = sampling_of(recipe).steps
        if takes_classes:
            facts["guidance"] = 1.0 if sampling_of(recipe).guidance is None else sampling_of(recipe).guidance

    return proto, facts


def measure_generation(proto: onnx.ModelProto, model: keras.Model, recipe: Recipe) -> tuple[Parity, float]:
    """Compare the graph with the saved model on the same noise.

    A generator is held to the recipe's tolerance. The rounding of a sampler grows with its steps, in Keras as in
    onnxruntime: there the difference is the root mean square from a reference in float64, and may be twice what that of
    the Keras sampler is.

    Returns:
        The difference, and what is allowed.
    """
    if recipe.loss.name == "denoising":
        settings = sampling_of(recipe)
        found = measure_sampler(
            proto,
            model.get_layer(SAMPLE).denoiser,
            process_of(recipe),
            settings.steps,
            settings.sampler,
            samples=_EXACT,
            guidance=1.0 if settings.guidance is None else settings.guidance,
        )
        return Parity(found.exported, 0, found.samples, 1.0), 2 * found.keras + _ROUNDING
    classes = next((x for x in model.inputs if x.name == "label"), None)
    labels = None if classes is None else np.arange(_SAMPLES, dtype=np.int32) % _classes(model)
    given = draw_inputs(model, _SAMPLES, 0, labels)
    session = onnxruntime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    (got,) = session.run(["sample"], {x.name: value for x, value in zip(model.inputs, given, strict=True)})
    wanted = model.predict_on_batch(given if len(given) > 1 else given[0])
    difference = float(np.abs(got.astype(np.float64) - wanted).max())
    return Parity(difference, 0, _SAMPLES, 1.0), recipe.export.tolerance


def _classes(model: keras.Model) -> int:
    return next(layer.input_dim for layer in model.get_layer("generator").layers if layer.name == "class_embedding")
