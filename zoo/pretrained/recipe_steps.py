"""The steps of a recipe's `preprocess:` that published weights expect, and whether a recipe's own are like them."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo import registry
from zoo.errors import ZooError
from zoo.models.weights.naming import ImagePreprocessing, TextPreprocessing
from zoo.pretrained.preprocessing import preprocessing_of
from zoo.pretrained.source import find_weights, is_source
from zoo.recipe.checks.preprocess import TARGET_STAYS
from zoo.recipe.load import load_recipe
from zoo.recipe.steps import SHAPE_STEPS
from zoo.tasks import TASKS

if TYPE_CHECKING:
    from zoo.recipe import Recipe

CONFIG_KEY = "zoo_preprocess"  # of the config.json that `zoo publish` writes
NORMALIZE = "normalize"  # the layer of a saved model that scales its inputs
_LARGEST_PIXEL = 255.0
_NEARLY = 0.1  # standard deviations: no further is an input from the expected one where they count as alike

Step = dict[str, Any]


def expected_steps(recipe: Recipe, size: int | None) -> list[Step]:
    """Return the steps that prepare inputs as the recipe's pretrained weights expect them.

    Of a run, and of what `zoo publish` wrote of one: the steps of its recipe, with the values that they were fitted to.
    Images of other weights: resized, with their interpolation, so that the shorter side has their length, cropped about
    the middle, and standardised by their mean and deviation; where a crop would cut targets, stretched to the size.
    Texts: cut by the tokenizer beside the weights, with its marks.

    Args:
        recipe: names the weights in `model.pretrained`.
        size: height and width of the images; None for the weights' own.

    Raises:
        ZooError: what they expect is not known, or it is an input of another kind.
    """
    source, task = recipe.model.pretrained or "", TASKS[recipe.task]
    own = _steps_of_own(source)
    if own is not None:
        if size is not None:
            raise ZooError(
                f"size has no effect on {source}, whose images have its own; leave it out, or write the steps"
            )
        return own
    found = find_weights(source)
    expected = preprocessing_of(builder_of_weights(recipe), found)
    if isinstance(expected, TextPreprocessing):
        if "text" not in task.inputs or found.tokenizer is None:
            raise ZooError(f"{found.source} takes texts, and {recipe.task} {' or '.join(task.inputs)}")
        if size is not None:
            raise ZooError("size is of images; leave it out")
        settings = {"level": "subword", "file": str(found.tokenizer), "marks": True, "length": expected.length}
        return [{"tokenize": settings}]
    if "image" not in task.inputs:
        raise ZooError(f"{found.source} takes images, and {recipe.task} {' or '.join(task.inputs)}")
    return [
        *_shape_steps(expected, size or expected.size, crops=task.kind not in TARGET_STAYS),
        _standardize(expected),
    ]


def _steps_of_own(source: str) -> list[Step] | None:
    """Return the steps of a run or of what `zoo publish` wrote of one; None for weights of others."""
    if not is_source(source):
        return steps_of_run(Path(source))
    steps: Any = find_weights(source).config.get(CONFIG_KEY)
    return steps if isinstance(steps, list) else None


def steps_of_run(folder: Path) -> list[Step]:
    """Return the steps of a run on images, with the mean and deviation that its model has.

    Raises:
        ZooError: the folder is not that of a trained run, or its inputs are not images.
    """
    path = folder / "model.keras"
    if not path.is_file():
        raise ZooError(f"{folder} is not a run that finished its training: there is no model.keras")
    loaded = load_recipe(folder / "recipe.yaml", trained=True)
    if "image" not in TASKS[loaded.recipe.task].inputs:
        raise ZooError(f"{folder}: its inputs are {' or '.join(TASKS[loaded.recipe.task].inputs)}; write the steps")
    steps = [step for step in loaded.tree()["preprocess"] if next(iter(step)) in SHAPE_STEPS]
    try:
        with zipfile.ZipFile(path) as archive:
            layers = json.loads(archive.read("config.json"))["config"]["layers"]
        (own,) = (layer["config"] for layer in layers if layer["config"].get("name") == NORMALIZE)
        scale, offset = np.atleast_1d(own["scale"]).astype(float), np.atleast_1d(own["offset"]).astype(float)
    except (OSError, zipfile.BadZipFile, ValueError, LookupError, TypeError) as error:
        raise ZooError(f"{path}: how it scales its inputs is not to be read ({error})") from error
    return [*steps, {"standardize": {"mean": (-offset / scale).tolist(), "std": (1 / scale).tolist()}}]


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
    """Return the step that scales images as the recipe's weights expect; None where that is not known."""
    if recipe.model.pretrained is None:
        return None
    try:
        steps = expected_steps(recipe, None)
    except ZooError:
        return None
    return next((step for step in steps if "standardize" in step), None)


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
    try:
        mean, std = (np.asarray(step["standardize"][name], dtype=float) for name in ("mean", "std"))
    except (LookupError, TypeError, ValueError):  # of a config.json that is not as `zoo publish` writes it
        return None
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
