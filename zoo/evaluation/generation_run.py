"""What a model that makes images is judged by: real and made images as a classifier sees them, and the nearest ones."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from zoo.errors import ZooError
from zoo.recipe import load_recipe
from zoo.recipe.steps import SHAPE_STEPS
from zoo.utils.cache import cached
from zoo.utils.files import read_json

SHOWN, PAIRS = 60, 12
SAMPLES = 2000  # images that are judged
_COMPARED, _TRAIN = (
    1000,
    20_000,
)  # made and held-out images, and training images, among which the nearest are looked for

Outputs = dict[str, tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Judged:
    """The results of a run that makes images.

    Attributes:
        outputs: validation and test: real and made images as rows (`zoo.evaluation.metrics.generation`).
        baseline: what `fit_and_run_baseline` returns, or None.
        facts: what the report says beside the figures: `features` and `memorization`.
        pictures: what it shows: `samples` (images), `nearest` (pairs), `epochs` (number to grid).
    """

    outputs: Outputs
    baseline: dict[str, Any] | None
    facts: dict[str, Any]
    pictures: dict[str, Any] = field(default_factory=dict)


def judge_generated(problem: Any, model: Any, folder: Path, console: Console, train: Callable[..., Path]) -> Judged:
    """Make images with a saved model and judge them, and the baseline's.

    Args:
        problem: data and model, `zoo.training.problem.Problem`.
        model: the saved model.
        folder: the run folder, where grids of earlier epochs lie.
        console: where progress is shown.
        train: `zoo.commands.train.train`, for the classifier, where it is not in the cache.

    Raises:
        ZooError: the classifier is of other data, or of images of another shape.
    """
    from zoo.evaluation.baselines.kinds import BaselineData, fit_and_run_baseline
    from zoo.evaluation.metrics.memorization import nearest_training
    from zoo.tasks import words
    from zoo.training.callbacks.samples import draw

    recipe, dataset = problem.recipe, problem.dataset
    judge, about = _judge(problem, console, train)
    count, seed = recipe.evaluation.samples or SAMPLES, recipe.training.seed
    console.print(f"Making {count:,} images …")
    made = draw(problem, count, seed=seed + 1, model=model)
    splits = {"train": dataset.train, "validation": dataset.validation, "test": dataset.test}
    images = {name: _images(problem, split, _TRAIN) for name, split in splits.items()}
    seen = judge(made)
    real = {name: judge(images[name]) for name in ("validation", "test")}
    baseline = None
    if recipe.evaluation.baseline is not None:
        console.print(f"Baseline: {words(recipe.evaluation.baseline)} on the same split …")
        data = BaselineData(
            {name: split.targets for name, split in splits.items()}, images.__getitem__, judge=judge, samples=count
        )
        baseline = fit_and_run_baseline(recipe.task, recipe.evaluation.baseline, data, seed=recipe.data.split_seed)
    near = nearest_training(made[:_COMPARED], images["test"][:_COMPARED], images["train"])
    closest = np.argsort(near["distance"], kind="stable")[:PAIRS]
    return Judged(
        {name: (rows, seen) for name, rows in real.items()},
        baseline,
        {"features": about, "memorization": {name: near[name] for name in ("ratio", "closer", "verdict")}},
        {
            "samples": draw(problem, SHOWN, seed=seed + 2, model=model),
            "nearest": [(made[i], images["train"][near["index"][i]]) for i in closest],
            "epochs": {int(path.stem.rpartition("-")[2]): path for path in sorted((folder / "samples").glob("*.png"))},
        },
    )


def _images(problem: Any, split: Any, most: int) -> np.ndarray:
    """Return a split's images in the shape of the model's, uint8, at most so many."""
    from zoo.data.preprocessing import chunks

    part = split.part(np.arange(min(len(split), most)))
    return np.concatenate([np.round(x).astype(np.uint8) for x in chunks(part, problem.preprocessor)])


def _judge(problem: Any, console: Console, train: Callable[..., Path]) -> tuple[Any, dict[str, Any]]:
    """Return the judge, and what the report says of it; its classifier is trained once and kept in the cache."""
    import keras

    from zoo import registry
    from zoo.evaluation.metrics.image_features import image_features
    from zoo.layers.head import features

    name = problem.recipe.evaluation.features
    loaded = load_recipe(name)
    if loaded.recipe.task != "image_classification" or loaded.recipe.data.source != problem.dataset.name:
        raise ZooError(
            f"evaluation.features: {name} is {loaded.recipe.task} of {loaded.recipe.data.source}, and must be image "
            f"classification of {problem.dataset.name}"
        )
    if any(step.kind in SHAPE_STEPS for step in loaded.recipe.preprocess):
        raise ZooError(
            f"evaluation.features: {name} resizes or crops its images; name a recipe that takes them as they are"
        )

    def make(folder: Path) -> None:
        console.print(f"Training {name}, whose features images are compared by (once; it is kept in the cache) …")
        run = train(name, runs=folder / "runs", export=False, console=console)
        for file in ("model.keras", "report.json"):
            shutil.copyfile(run / file, folder / file)
        shutil.rmtree(folder / "runs")

    key = hashlib.sha256(f"{loaded.run_yaml()}{problem.dataset.fingerprint}{keras.__version__}".encode()).hexdigest()[
        :16
    ]
    folder = cached(f"features/{loaded.name.replace('/', '-')}-{key}", make)
    registry.builder(loaded.recipe.model.name)  # its module registers the layers of its family
    saved = keras.saving.load_model(folder / "model.keras", safe_mode=True, compile=False)
    network = saved.get_layer(loaded.recipe.model.name)
    raw = keras.Input(saved.input_shape[1:], dtype=saved.inputs[0].dtype)
    seen = keras.Model(raw, features(network)(saved.get_layer("normalize")(raw)))
    shape = tuple(problem.preprocessor.shape)
    accuracy = read_json(folder / "report.json")["metrics"]["test"]["accuracy"]
    return image_features(saved, seen, shape, name), {"recipe": loaded.name, "accuracy": accuracy}
