"""Edits of preprocessing and augmentation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from zoo.evaluation.report.diagnosis.edits.edit import Context, Edit, edit
from zoo.pretrained.recipe_steps import standardization
from zoo.recipe.augment_steps import PHOTOMETRIC, SPECTRAL

Step = dict[str, Any]  # name of a step to its settings
_SCALING = ("standardize", "standardize_window", "rescale")
_MIN_PHOTO_SIDE = 32  # pixels: colour images at least as high are taken for photographs, whose mirror image is one, too
_SHIFT: Step = {"random_translation": {"height": 0.1, "width": 0.1}}
_TURN: Step = {"random_rotation": {"factor": 0.03}}
_FLIP: Step = {"random_flip": {"mode": "horizontal"}}
_PHOTOMETRIC: tuple[Step, ...] = (
    {"random_brightness": {"factor": 0.1}},
    {"random_contrast": {"factor": 0.2}},
    {"gaussian_noise": {"std": 0.03}},
)
_SPECTRAL: tuple[Step, ...] = ({"time_shift": {"factor": 0.1}}, {"spec_augment": {}})
_MILD = (*PHOTOMETRIC, *SPECTRAL, "random_flip", "random_translation")  # steps that leave much of an example
_BLEND = 0.2  # alpha of mixup, as in its paper


def scaled_inputs(context: Context) -> Iterator[Edit]:
    """Yield standardised inputs, where numbers go into the network as they are."""
    kinds = {step.kind for step in context.recipe.preprocess}
    if kinds & set(_SCALING) or "tokenize" in kinds:
        return
    step = standardization(context.recipe) if "image" in context.task.inputs else None
    how = "by the training split" if step is None else "as the pretrained weights expect"
    yield edit(
        "preprocessing",
        {"preprocess": [*context.tree["preprocess"], step or {"standardize": {}}]},
        f"The inputs go into the network unscaled: standardise them {how}.",
    )


def more_augmentation(context: Context) -> Iterator[Edit]:
    """Yield augmentation that keeps what an example shows: by the kind of input, what is not there already."""
    task, there = context.task, {step.kind for step in context.recipe.augment}
    steps: list[Step] = []
    if "audio" in task.inputs:
        steps = [step for step in _SPECTRAL if next(iter(step)) not in there]
        what = "Shift clips in time and hide bands and stretches of their spectrograms"
    elif "image" in task.inputs:
        moves = [_SHIFT, _TURN, *([_FLIP] if _is_photo(context) else [])]
        follows = task.labeled or task.multi_label or task.scales_targets or task.labels_pixels
        fitting = moves if follows and not task.embeds else list(_PHOTOMETRIC)
        steps = [step for step in fitting if next(iter(step)) not in there]
        what = "Shift and turn images" if fitting is moves else "Vary brightness, contrast and noise of images"
    if steps:
        yield edit(
            "preprocessing",
            {"augment": [*context.tree["augment"], *steps]},
            f"{what} while training: the network sees an example in another form each time.",
        )


def _is_photo(context: Context) -> bool:
    """Return whether the images are in colour and not small, so that they are mirrored without harm."""
    shape = context.situation.input_shape
    return len(shape) == 3 and shape[-1] == 3 and min(side or 0 for side in shape[:2]) >= _MIN_PHOTO_SIDE


def mixup(context: Context) -> Iterator[Edit]:
    """Yield mixup, where two examples and their classes can be blended."""
    regularization = context.recipe.regularization
    if context.task.classifies and not regularization.mixup and not regularization.cutmix:
        yield edit(
            "preprocessing",
            {"regularization.mixup": _BLEND},
            "Blend pairs of examples and of their classes: the network cannot learn single ones by heart.",
        )


def less_augmentation(context: Context) -> Iterator[Edit]:
    """Yield training without blending or with fewer steps, where training is much harder than the examples are."""
    recipe, changes = context.recipe, dict[str, Any]()
    if not context.situation.trains_on_harder_examples:
        return
    for key in ("mixup", "cutmix"):
        if getattr(recipe.regularization, key):
            changes[f"regularization.{key}"] = 0.0
    if recipe.augment and recipe.loss.name not in ("nt_xent", "supcon", "dino"):
        mild = [i for i, step in enumerate(recipe.augment) if step.kind in _MILD]
        steps = [context.tree["augment"][i] for i in mild]
        changes["augment"] = [] if len(steps) == len(recipe.augment) else steps
    if changes:
        yield edit(
            "preprocessing", changes, "Examples are harder in training than they are: augment them less, as they fit."
        )
