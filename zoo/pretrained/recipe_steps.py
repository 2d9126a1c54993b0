"""The steps of a recipe's `preprocess:` that published weights expect, and whether a recipe's own are like them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from zoo import registry
from zoo.errors import ZooError
from zoo.models.weights.naming import ImagePreprocessing, TextPreprocessing
from zoo.pretrained.preprocessing import preprocessing_of
from zoo.pretrained.source import find_weights
from zoo.tasks import TASKS

if TYPE_CHECKING:
    from zoo.recipe import Recipe

_LARGEST_PIXEL = 255.0
_NEARLY = 0.1  # standard deviations: no further is an input from the expected one where they count as alike
_OBJECTS_STAY = ("segmentation", "detection", "transcription")  # kinds whose targets a crop would cut

Step = dict[str, Any]


def expected_steps(recipe: Recipe, size: int | None) -> list[Step]:
    """Return the steps that prepare inputs as the recipe's published weights expect them.

    Images: resized, with the weights' interpolation, so that the shorter side has their length, cropped about the
    middle, and standardised by their mean and deviation; where a crop would cut targets, stretched to the size. Texts:
    cut by the tokenizer beside the weights, with its marks.

    Args:
        recipe: names the weights in `model.pretrained`.
        size: height and width of the images; None for the weights' own.

    Raises:
        ZooError: what they expect is not known, or it is an input of another kind.
    """
    found = find_weights(recipe.model.pretrained or "")
    expected, task = preprocessing_of(builder_of_weights(recipe), found), TASKS[recipe.task]
    if isinstance(expected, TextPreprocessing):
        if "text" not in task.inputs or found.tokenizer is None:
            raise ZooError(f"{found.source} takes texts, and {recipe.task} {' or '.join(task.inputs)}")
        if size is not None:
            raise ZooError("size is of images; leave it out")
        own = {"level": "subword", "file": str(found.tokenizer), "marks": True, "length": expected.length}
        return [{"tokenize": own}]
    if "image" not in task.inputs:
        raise ZooError(f"{found.source} takes images, and {recipe.task} {' or '.join(task.inputs)}")
    return [
        *_shape_steps(expected, size or expected.size, crops=task.kind not in _OBJECTS_STAY),
        _standardize(expected),
    ]


def _shape_steps(expected: ImagePreprocessing, size: int, *, crops: bool) -> list[Step]:
    resized = round(size * expected.resize / expected.size) if crops else size
    resize: Step = {"height": resized, "width": resized}
    if expected.interpolation == "bicubic":  # the files that this package writes take bilinear for all others
        resize["interpolation"] = "bicubic"
    if crops:
        resize["mode"] = "crop"
    crop: list[Step] = [{"center_crop": {"height": size, "width": size}}] if resized != size else []
    return [{"resize": resize}, *crop]


def _standardize(expected: ImagePreprocessing) -> Step:
    """Return the step for colour images, or for those of any channels where all have one mean and deviation."""
    values = {"mean": expected.mean, "std": expected.std}
    channels = 1 if all(len(set(given)) == 1 for given in values.values()) else None
    return {"standardize": {name: [round(value, 6) for value in given[:channels]] for name, given in values.items()}}


def builder_of_weights(recipe: Recipe) -> str:
    """Return the builder that the recipe's published weights are of: its own, or that of its encoder."""
    name = recipe.model.name
    return str({**registry.defaults(name), **recipe.model.config}.get("encoder") or name)


def standardization(recipe: Recipe) -> Step | None:
    """Return the step that scales images as the recipe's weights expect; None where it names no such weights."""
    try:
        expected = preprocessing_of(builder_of_weights(recipe), find_weights(recipe.model.pretrained or ""))
    except ZooError:
        return None
    return _standardize(expected) if isinstance(expected, ImagePreprocessing) else None


def unlike_expected(recipe: Recipe, scale: np.ndarray, offset: np.ndarray) -> str | None:
    """Return how a recipe's images differ from what its published weights expect, in words; None where they do not.

    Args:
        recipe: names the weights in `model.pretrained`.
        scale: factor of the pixels on their way into the network, 1 or one a channel.
        offset: what is added then, likewise.
    """
    step = standardization(recipe)
    if step is None:
        return None
    mean, std = (np.asarray(step["standardize"][name]) for name in ("mean", "std"))
    if {len(mean), np.size(scale), np.size(offset)} - {1, max(len(mean), np.size(scale))}:
        return None  # of other channels, which the first convolution adapts to
    ends = np.array([[0.0], [_LARGEST_PIXEL]])
    own, theirs = ends * np.ravel(scale) + np.ravel(offset), (ends - mean) / std
    if np.abs(own - theirs).max() <= _NEARLY:
        return None
    return (
        f"black to white goes into the network as {_span(own)}, and the weights expect {_span(theirs)}; put "
        "{pretrained: {}} into preprocess, in place of its other steps"
    )


def _span(ends: np.ndarray) -> str:
    low, high = ends.mean(axis=1)
    return f"{low:.3g} to {high:.3g}"
