"""The views of models that make images: what is trained, and the sampler that is saved.

GAN: the generator is the sampler. Diffusion: the sampler asks the denoiser again and again. Saved models take noise
(and classes) and give images in the unit of training, from -1 to 1 by custom.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.layers.diffusion import Process
from zoo.layers.diffusion_sampler import Sampler
from zoo.layers.time_embedding import class_count
from zoo.models.gan import DISCRIMINATOR, GENERATOR
from zoo.recipe.schema import Recipe, Sampling
from zoo.training.generative.diffusion import DiffusionTraining
from zoo.training.generative.gan import Adversarial

SAMPLE = "sample"


def is_gan(network: keras.Model) -> bool:
    """Return whether a network has two players; else it is a denoiser."""
    return {GENERATOR, DISCRIMINATOR} <= {layer.name for layer in network.layers}


def conditional(network: keras.Model) -> bool:
    """Return whether a network takes classes."""
    return any(x.name == "label" for x in network.inputs)


def process_of(recipe: Recipe) -> Process:
    """Return the process of noise that a recipe's loss names."""
    return Process(recipe.loss.schedule, recipe.loss.prediction)  # type: ignore[union-attr]


def sampling_of(recipe: Recipe) -> Sampling:
    """Return how a recipe of a diffusion model makes images."""
    return recipe.sampling or Sampling()


def trained_view(network: keras.Model, recipe: Recipe) -> keras.Model:
    """Return what is fitted: from normalised images, or images and classes, to what its loss takes."""
    if is_gan(network):
        settings = recipe.loss.model_dump(exclude={"name"})
        return Adversarial(network, **settings, seed=recipe.training.seed, name="trained")
    drop = recipe.loss.drop_label  # type: ignore[union-attr]
    process, seed = process_of(recipe), recipe.training.seed
    return DiffusionTraining(network, process, drop_label=drop, seed=seed, name="trained")


def saved_view(network: keras.Model, recipe: Recipe) -> keras.Model:
    """Return the sampler: from noise (classes, noise of each step) to images.

    Inputs are `noise`, for conditional models `label` `(batch,)`, and for the sampler "ddpm" `step_noise` `(batch,
    steps, height, width, channels)`.
    """
    if is_gan(network):
        generator = network.get_layer(GENERATOR)
        inputs = [keras.Input(x.shape[1:], dtype=x.dtype, name=x.name) for x in generator.inputs]
        result = generator(inputs if len(inputs) > 1 else inputs[0])
        return keras.Model(inputs, keras.layers.Identity(name=SAMPLE)(result), name=recipe.model.name)
    settings = sampling_of(recipe)
    sampler = Sampler(network, process_of(recipe), settings.steps, settings.sampler, name=SAMPLE)
    shape = network.inputs[0].shape[1:]
    given: dict[str, Any] = {"noise": keras.Input(shape, name="noise")}
    if class_count(network) is not None:
        given["label"] = keras.Input((), dtype="int32", name="label")
    inputs = list(given.values())
    if settings.sampler == "ddpm":
        fresh = keras.Input((settings.steps, *shape), name="step_noise")
        inputs.append(fresh)
        given["step_noise"] = ops.transpose(fresh, (1, 0, 2, 3, 4))
    return keras.Model(inputs, sampler(**given, guidance=settings.guidance), name=recipe.model.name)


def draw_inputs(model: keras.Model, count: int, seed: int, labels: np.ndarray | None = None) -> list[np.ndarray]:
    """Return standard normal noise, and classes, for `count` images.

    Args:
        model: a saved view.
        count: number of images.
        seed: the same seed gives the same noise.
        labels: class of each image, `(count,)`, for conditional models.
    """
    generator = np.random.default_rng(seed)
    return [
        np.asarray(labels, np.int32)
        if x.name == "label"
        else generator.standard_normal((count, *x.shape[1:]), np.float32)
        for x in model.inputs
    ]


def make_images(
    model: keras.Model,
    count: int,
    seed: int,
    labels: np.ndarray | None,
    *,
    scale: float,
    offset: float,
    batch: int = 250,
) -> np.ndarray:
    """Return images that a saved view makes, uint8 `(count, height, width, channels)`.

    Args:
        model: a saved view.
        count: number of images.
        seed: seed of the noise.
        labels: class of each image, for conditional models.
        scale: what pixels were multiplied by for training.
        offset: what was added to them then.
        batch: images that are made at a time.
    """
    given = draw_inputs(model, count, seed, labels)
    parts = [
        model.predict_on_batch([x[i : i + batch] for x in given] if len(given) > 1 else given[0][i : i + batch])
        for i in range(0, count, batch)
    ]
    return to_pixels(np.concatenate(parts), scale, offset)


def to_pixels(sample: np.ndarray, scale: float, offset: float) -> np.ndarray:
    """Return images in the unit of training as uint8."""
    return np.round(np.clip((sample - offset) / scale, 0, 255)).astype(np.uint8)
