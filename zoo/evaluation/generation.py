"""Evaluation of a model that generates images: how a classifier sees them, and the nearest training images."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.errors import ZooError
from zoo.evaluation.result import TaskResult
from zoo.recipe import LoadedRecipe, load_recipe
from zoo.recipe.steps import SHAPE_STEPS
from zoo.tasks import words
from zoo.utils.cache import cached
from zoo.utils.files import read_json

if TYPE_CHECKING:
    from keras import Model

    from zoo.data.dataset import Split
    from zoo.evaluation.metrics.image_features import ImageFeatures
    from zoo.evaluation.result import TrainedTask
    from zoo.training.problem import Problem

DEFAULT_SAMPLES = 2000  # generated images, where the recipe does not say
SHOWN_SAMPLES = 60  # images on the page
SHOWN_PAIRS = 12  # generated images on the page beside their nearest training image
_MEMORIZATION_IMAGES = 1000  # generated and held-out images that are searched among the training images
_MAX_IMAGES = 20_000  # of a split


def evaluate_generation(trained: TrainedTask) -> TaskResult:
    """Generate images with the saved model, and compare them and the baseline's with real ones.

    The outputs are rows of real and of generated images (`zoo.evaluation.metrics.generation.image_rows`).

    Raises:
        ZooError: the classifier was trained on other data, or takes images of another shape.
    """
    from zoo.evaluation.baselines.data import BaselineData
    from zoo.evaluation.baselines.run import fit_and_run_baseline
    from zoo.evaluation.metrics.memorization import nearest_training
    from zoo.training.callbacks.samples import draw

    problem, model, console = trained.problem, trained.model, trained.console
    recipe, dataset = problem.recipe, problem.dataset
    image_features, about = _image_features(trained)
    count, seed = recipe.evaluation.samples or DEFAULT_SAMPLES, recipe.training.seed
    console.print(f"Generating {count:,} images …")
    generated = draw(problem, count, seed=seed + 1, model=model)
    splits = {"train": dataset.train, "validation": dataset.validation, "test": dataset.test}
    images = {name: _images(problem, split, _MAX_IMAGES) for name, split in splits.items()}
    rows = image_features(generated)
    real = {name: image_features(images[name]) for name in ("validation", "test")}
    baseline = None
    if recipe.evaluation.baseline is not None:
        console.print(f"Baseline: {words(recipe.evaluation.baseline)} on the same split …")
        targets = {name: split.targets for name, split in splits.items()}
        data = BaselineData(targets, images.__getitem__, image_features=image_features, samples=count)
        baseline = fit_and_run_baseline(recipe.task, recipe.evaluation.baseline, data, seed=recipe.data.split_seed)
    near = nearest_training(generated[:_MEMORIZATION_IMAGES], images["test"][:_MEMORIZATION_IMAGES], images["train"])
    closest = np.argsort(near["distance"], kind="stable")[:SHOWN_PAIRS]
    grids = sorted((trained.folder / "samples").glob("*.png"))
    return TaskResult(
        {name: (real_rows, rows) for name, real_rows in real.items()},
        baseline,
        {"features": about, "memorization": {name: near[name] for name in ("ratio", "closer", "verdict")}},
        {
            "samples": draw(problem, SHOWN_SAMPLES, seed=seed + 2, model=model),
            "nearest": [(generated[i], images["train"][near["index"][i]]) for i in closest],
            "epochs": {int(path.stem.rpartition("-")[2]): path for path in grids},
        },
    )


def _images(problem: Problem, split: Split, most: int) -> np.ndarray:
    """Return the first images of a split, at most `most`, in the shape of the model's, uint8."""
    from zoo.data.preprocessor import chunks

    part = split.part(np.arange(min(len(split), most)))
    return np.concatenate([np.round(x).astype(np.uint8) for x in chunks(part, problem.preprocessor)])


def check_features(problem: Problem) -> LoadedRecipe | None:
    """Return the recipe of the classifier that images are compared by, which is checked before training, too.

    None where the recipe names none.

    Raises:
        ZooError: there is no such recipe, it is of other data, or takes images of another shape.
    """
    name = problem.recipe.evaluation.features
    if name is None:
        return None
    loaded = load_recipe(name)
    if loaded.recipe.task != "image_classification" or loaded.recipe.data.source != problem.dataset.name:
        raise ZooError(
            f"evaluation.features: expected image_classification of {problem.dataset.name}; {name} is "
            f"{loaded.recipe.task} of {loaded.recipe.data.source}"
        )
    if any(step.kind in SHAPE_STEPS for step in loaded.recipe.preprocess):
        raise ZooError(
            f"evaluation.features: {name} resizes or crops its images; name a recipe that takes them as they are"
        )
    takes, made = problem.dataset.signature.shape, tuple(problem.preprocessor.shape)
    if any(a not in (None, b) for a, b in zip(takes, made, strict=True)):
        raise ZooError(
            f"evaluation.features: {name} takes images as they are in {problem.dataset.name}, {takes}, and this recipe "
            f"makes images of the shape {made}; leave out what resizes or crops them in preprocess"
        )
    return loaded


def _image_features(trained: TrainedTask) -> tuple[ImageFeatures, dict[str, Any]]:
    """Return the function from images to rows, and what the report says of its classifier, None for random features."""
    import keras

    from zoo import registry
    from zoo.evaluation.metrics.image_features import image_features, unlabeled_features
    from zoo.layers.head import features
    from zoo.layers.random_convolutions import random_convolutions

    problem = trained.problem
    loaded = check_features(problem)
    if loaded is None:
        network = random_convolutions(tuple(problem.preprocessor.shape))
        return unlabeled_features(network), {"recipe": None, "accuracy": None}
    name = str(problem.recipe.evaluation.features)
    settings = f"{loaded.run_yaml()}{problem.dataset.fingerprint}{keras.__version__}"
    key = hashlib.sha256(settings.encode()).hexdigest()[:16]
    folder = cached(f"features/{loaded.name.replace('/', '-')}-{key}", _trainer(trained, name))
    registry.builder(loaded.recipe.model.name)  # its module registers the layers of its family
    saved = keras.saving.load_model(folder / "model.keras", safe_mode=True, compile=False)
    network = saved.get_layer(loaded.recipe.model.name)
    raw = keras.Input(saved.input_shape[1:], dtype=saved.inputs[0].dtype)
    before_head: Model = keras.Model(raw, features(network)(saved.get_layer("normalize")(raw)))
    shape = tuple(problem.preprocessor.shape)
    accuracy = read_json(folder / "report.json")["metrics"]["test"]["accuracy"]
    return image_features(saved, before_head, shape, name), {"recipe": loaded.name, "accuracy": accuracy}


def _trainer(trained: TrainedTask, recipe: str) -> Callable[[Path], None]:
    """Return a function that trains the classifier and keeps its model and report in a folder."""

    def train(folder: Path) -> None:
        trained.console.print(f"Training {recipe}, whose features images are compared by (once, then cached) …")
        run = trained.train(recipe, runs=folder / "runs", export=False, console=trained.console)
        for file in ("model.keras", "report.json"):
            shutil.copyfile(run / file, folder / file)
        shutil.rmtree(folder / "runs")

    return train
