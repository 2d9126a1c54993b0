"""The teacher of `training.teacher`: a run or an exported file, and what it answers."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.errors import ZooError, listing
from zoo.tasks import TASKS
from zoo.training.run_files import read_run_file

if TYPE_CHECKING:
    import keras
    from rich.console import Console

    from zoo.data.dataset import Dataset, Split
    from zoo.training.problem import Problem
    from zoo.training.run import Run
    from zoo.training.teacher import Teacher

_WHERE = "training.teacher"


def load_teacher(problem: Problem, console: Console) -> Teacher:
    """Open the teacher of a problem's recipe, and compute its answers where they stay the same throughout training.

    A run whose images are of the student's size is asked in training, about each image as the student sees it, changed
    and blended. Any other teacher, and every exported file, answers once for each training example as it is.

    Raises:
        ZooError: there is no such teacher, it knows other classes, or takes other examples.
    """
    from zoo.training.teacher import Teacher

    recipe, dataset = problem.recipe, problem.dataset
    settings = recipe.training.teacher
    assert settings is not None
    source = Path(settings.source)
    if source.is_dir():
        opened: _Run | _File = _Run(source, dataset)
    elif source.is_file():
        if settings.features:
            raise ZooError(f"{_WHERE}.features: {source} is an exported file, which gives no features; name its run")
        opened = _File(source)
    else:
        raise ZooError(f"{_WHERE}: {source} is neither the folder of a run nor a file that `zoo export` wrote")
    _check(opened, dataset)
    accuracy = float(np.mean(opened.probabilities(dataset.validation).argmax(axis=1) == dataset.validation.targets))
    facts = {"source": str(source), "recipe": opened.recipe, "sha256": opened.sha256, "validation_accuracy": accuracy}
    console.print(f"Teacher: {opened.recipe}, accuracy {accuracy:.4f} on validation")
    if isinstance(opened, _Run) and opened.takes_images_of(problem):
        model, width = opened.answering(bool(settings.features))
        return Teacher(answer=model, features=width, facts={**facts, "answers": "in training"})
    if recipe.augment:
        console.print("  note: it answers once for each example, without the changes of augment")
    answers = opened.probabilities(dataset.train)
    features = opened.features(dataset.train) if settings.features and isinstance(opened, _Run) else None
    width = 0 if features is None else features.shape[1]
    answers = answers if features is None else np.concatenate([answers, features], axis=1)
    return Teacher(answers=answers, features=width, facts={**facts, "answers": "once for each example"})


def taught_by(run: Run) -> dict[str, Any]:
    """Return what the data file of a run says of its teacher, by its key; nothing where it has none."""
    path = run.folder / "data.json"  # which a fold that is not trained yet does not have
    known = read_run_file(path) if path.is_file() else {}
    return {"teacher": known["teacher"]} if "teacher" in known else {}


def _check(teacher: _Run | _File, dataset: Dataset) -> None:
    labels = dataset.signature.labels
    if tuple(teacher.labels) != tuple(labels):
        raise ZooError(
            f"{_WHERE}: expected a teacher of the classes {listing(labels)}, as {dataset.name} has them, received one "
            f"of {listing(teacher.labels) or 'none'}"
        )


class _File:
    """An exported file as a teacher."""

    def __init__(self, path: Path) -> None:
        from zoo.serving.exported_model import ExportedModel

        self.model = ExportedModel(path)
        self.labels, self.recipe = self.model.labels, path.name
        self.sha256 = hashlib.sha256(path.read_bytes()).hexdigest()

    def probabilities(self, split: Split) -> np.ndarray:
        parts = []
        for positions in split.chunks(512):
            found = self.model.predict(split.take(positions)).probabilities
            assert found is not None
            parts.append(found)
        return np.concatenate(parts)


class _Run:
    """A run as a teacher."""

    def __init__(self, folder: Path, dataset: Dataset) -> None:
        from zoo.training.run import open_run
        from zoo.training.saved_model import load_model

        run = open_run(folder)
        own = run.recipe()
        self.task, self.recipe, self.dataset = TASKS[own.recipe.task], own.name, dataset
        if not self.task.classifies:
            raise ZooError(f"{_WHERE}: {folder} is of {self.task.name}, which gives no probabilities of classes")
        self.model: keras.Model = load_model(run)
        self.sha256 = hashlib.sha256(run.model_path.read_bytes()).hexdigest()
        self.labels = read_run_file(folder / "report.json")["labels"]

    def probabilities(self, split: Split) -> np.ndarray:
        return self._outputs(self.model, split)

    def features(self, split: Split) -> np.ndarray:
        from zoo.layers.head import features

        return self._outputs(features(self.model), split)

    def _outputs(self, model: keras.Model, split: Split) -> np.ndarray:
        from zoo.training.saved_outputs import saved_outcomes

        try:
            return np.asarray(saved_outcomes(model, split, self.dataset.signature, self.task), np.float32)
        except (ValueError, TypeError, KeyError) as error:
            raise ZooError(
                f"{_WHERE}: the model of {self.recipe} does not take the examples of {self.dataset.name} "
                f"({str(error).splitlines()[0]})"
            ) from error

    def takes_images_of(self, problem: Problem) -> bool:
        """Return whether the model takes images of the size that the student's network does."""
        is_image = problem.dataset.signature.kind == "image"
        return is_image and tuple(self.model.input.shape[1:]) == tuple(problem.preprocessor.shape)

    def answering(self, features: bool) -> tuple[Any, int]:
        """Return a function from prepared images to answers, and how many features follow the probabilities."""
        from keras import ops

        from zoo.layers.head import features as features_of

        models = [self.model, *([features_of(self.model)] if features else [])]
        dtype = self.model.input.dtype

        def answer(images: Any) -> Any:
            pixels = ops.cast(ops.clip(ops.round(ops.cast(images, "float32")), 0, 255), dtype)
            return ops.concatenate([ops.cast(model(pixels, training=False), "float32") for model in models], axis=-1)

        return answer, models[1].output.shape[-1] if features else 0
