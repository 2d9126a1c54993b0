"""Checks of models that make images: `sampling:`, and what their loss, training and evaluation need."""

from __future__ import annotations

from zoo.recipe.checks.collect import Checks
from zoo.recipe.losses import Adversarial, Denoising
from zoo.recipe.schema import Sampling


def check_generation(checks: Checks) -> None:
    """Check the keys of image generation, and that no other task has them."""
    recipe, makes_images = checks.recipe, checks.task.makes_images
    loss, sampling = recipe.loss, recipe.sampling
    denoises = isinstance(loss, Denoising)
    checks.refuse(
        denoises and sampling is None,
        ("sampling",),
        "required, and missing: how the model makes images, for example {sampler: ddim, steps: 50}",
    )
    checks.refuse(
        sampling is not None and not denoises,
        ("sampling",),
        f"is for the loss denoising, and the loss is {loss.name}",
    )
    checks.refuse(
        recipe.evaluation.samples is not None and not makes_images,
        ("evaluation", "samples"),
        f"is for image generation, and the task is {recipe.task}",
    )
    checks.refuse(
        recipe.evaluation.features is not None and not makes_images,
        ("evaluation", "features"),
        f"is for image generation, and the task is {recipe.task}",
    )
    checks.refuse(
        makes_images and recipe.training.select != "last",
        ("training", "select"),
        "the loss does not say which epoch makes the best images; set it to last",
    )
    if isinstance(loss, Denoising) and sampling is not None:
        _check_diffusion(checks, loss, sampling)
    checks.refuse(
        isinstance(loss, Adversarial) and loss.gradient_penalty and loss.r1,
        ("loss", "r1"),
        "gradient_penalty and r1 are two forms of one thing; keep one, and set the other to 0",
    )


def _check_diffusion(checks: Checks, loss: Denoising, sampling: Sampling) -> None:
    """Check that the noise schedule, the prediction and the sampler go together."""
    flow = loss.schedule == "rectified_flow"
    checks.refuse(
        flow != (loss.prediction == "velocity"),
        ("loss", "prediction"),
        f"{loss.schedule} goes with {'velocity' if flow else 'noise, x0 or v'}, received {loss.prediction}",
    )
    checks.refuse(
        flow != (sampling.sampler == "euler"),
        ("sampling", "sampler"),
        f"{loss.schedule} goes with {'euler' if flow else 'ddim or ddpm'}, received {sampling.sampler}",
    )
