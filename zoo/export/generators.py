"""Models that make images: the whole sampler as one file, and its proof on noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from zoo.export.convert import check_graph, name_axes, to_onnx
from zoo.export.diffusion_sampler import sampler_proto
from zoo.export.graph_outputs import add_image
from zoo.export.parity import OutputParity, Parity
from zoo.export.sampler_parity import measure_sampler
from zoo.export.tensor_forms import refuse_forms
from zoo.training.generative.views import SAMPLE, draw_inputs, process_of, sampling_of
from zoo.utils.onnx_session import open_session

if TYPE_CHECKING:
    from pathlib import Path

    import keras
    import onnx

    from zoo.data.dataset import Dataset, Signature
    from zoo.export.card_text import CardText
    from zoo.recipe.schema import Recipe
    from zoo.serving.feeds import Feeds

_COMPARED_IMAGES = 256  # of a GAN
_TRIED_IMAGES = 4  # of a GAN that is not trained yet
_EXACT_IMAGES = 16  # of a diffusion model, whose reference in float64 is slow
_ROUNDING = 1e-6  # difference that even a sampler of one step may have


@dataclass(frozen=True, kw_only=True)
class Generator:
    """How models that make images become a file.

    Attributes:
        card: what the card says.
    """

    card: CardText
    exact: ClassVar[bool] = False
    decided: ClassVar[str | None] = None
    compared_on: ClassVar[str] = "noise"

    def convert(
        self, model: keras.Model, recipe: Recipe, signature: Signature
    ) -> tuple[onnx.ModelProto, dict[str, Any]]:
        """Return the graph from noise to finished images, and what the file says of its inputs.

        Args:
            model: the saved model, from noise to images.
            recipe: how the model was trained, and how it samples.
            signature: of the images that it was trained on.

        Raises:
            ZooError: an operation of the model has no ONNX form.
        """
        refuse_forms(recipe.export, "a model that makes images")
        return convert_sampler(model, recipe, signature)

    def prove(
        self, path: Path, proto: onnx.ModelProto, model: keras.Model, recipe: Recipe, dataset: Dataset
    ) -> tuple[Parity, float]:
        """Compare the graph with the saved model on the same noise; return the difference and what is allowed."""
        return measure_generation(proto, model, recipe)

    def try_out(
        self, path: Path, proto: onnx.ModelProto, model: keras.Model, recipe: Recipe, dataset: Dataset
    ) -> tuple[float, float]:
        """Compare the graph with a model that is not trained; a sampler of many steps, which takes long, is loaded."""
        if recipe.loss.name == "denoising":
            open_session(proto.SerializeToString())
            return 0.0, recipe.export.tolerance
        parity, tolerance = measure_generation(proto, model, recipe, images=_TRIED_IMAGES)
        return parity.max_abs_difference, tolerance

    def answers(self, model: keras.Model, feeds: Feeds, signature: Signature) -> dict[str, np.ndarray]:
        """Return the saved model's images of one step by name, for the file's inputs."""
        given = [feeds[each.name] for each in model.inputs]
        output = model(given if len(given) > 1 else given[0], training=False)
        return {"sample": np.asarray(output)}


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


def convert_generator(model: keras.Model, *, opset: int) -> onnx.ModelProto:
    """Convert a GAN's saved generator: `noise` `(batch, latent)` and, where it takes classes, `label` `(batch,)` int32.

    Outputs: `image` `(batch, height, width, channels)` uint8, and `sample`, the same in float32 before -1 to 1 became 0
    to 255.

    Args:
        model: the saved model.
        opset: version of the ONNX operators, 13 to 18.
    """
    proto = to_onnx(model, [x.name for x in model.inputs], ["sample"], opset=opset)
    name_axes(proto)
    add_image(proto)
    check_graph(proto, model, opset)
    return proto


def measure_generation(
    proto: onnx.ModelProto, model: keras.Model, recipe: Recipe, *, images: int = _COMPARED_IMAGES
) -> tuple[Parity, float]:
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
            samples=_EXACT_IMAGES,
            guidance=1.0 if settings.guidance is None else settings.guidance,
        )
        return _of_sample(found.exported, found.mean_abs_difference, found.samples, 2 * found.keras + _ROUNDING)
    classes = next((x for x in model.inputs if x.name == "label"), None)
    labels = None if classes is None else np.arange(images, dtype=np.int32) % _classes(model)
    given = draw_inputs(model, images, 0, labels)
    session = open_session(proto.SerializeToString())
    (got,) = session.run(["sample"], {x.name: value for x, value in zip(model.inputs, given, strict=True)})
    wanted = model.predict_on_batch(given if len(given) > 1 else given[0])
    difference = np.abs(got.astype(np.float64) - wanted)
    return _of_sample(float(difference.max()), float(difference.mean()), images, recipe.export.tolerance)


def _of_sample(difference: float, mean: float, images: int, tolerance: float) -> tuple[Parity, float]:
    outputs = {"sample": OutputParity(difference, 1.0, tolerance, mean)}
    return Parity(difference, 0, images, 1.0, outputs, mean), tolerance


def _classes(model: keras.Model) -> int:
    return next(layer.input_dim for layer in model.get_layer("generator").layers if layer.name == "class_embedding")
