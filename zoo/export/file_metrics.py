"""How much worse a smaller file is than the exported one, in the metric of its task, on the same test examples."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.evaluation.metrics.comparison import compare
from zoo.evaluation.metrics.evaluate import evaluate
from zoo.evaluation.metrics.generation_distances import frechet_distance
from zoo.evaluation.metrics.probes import SPLITS, classify
from zoo.postprocessing.kinds import compact_outputs
from zoo.recipe.task import task_of
from zoo.serving.exported_model import ExportedModel
from zoo.training.saved_outputs import chunks, keras_output

if TYPE_CHECKING:
    import keras

    from zoo.data.dataset import Dataset, Split
    from zoo.recipe import LoadedRecipe
    from zoo.tasks import Kind, Task

DRAWS = 5  # of noise, for image generation
DRAWN_IMAGES = 400  # of each draw
_MAX_REAL_IMAGES = 2_000  # of the test split
_T_QUANTILE = 2.776  # of Student's distribution, 97.5%, with one degree less than `DRAWS`


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What files are measured on.

    Attributes:
        loaded: the recipe.
        dataset: its data.
        model: the saved model, which knows what an image looks like after preprocessing.
    """

    loaded: LoadedRecipe
    dataset: Dataset
    model: keras.Model

    @property
    def task(self) -> Task:
        """The task, headlined by the recipe's metric."""
        return task_of(self.loaded.recipe)


@dataclass(frozen=True, kw_only=True)
class Measure:
    """How the files of one kind of task are measured.

    Attributes:
        answers: takes a file; returns what `compare` takes of it.
        compare: takes what both files answer, the original's first; returns `float32`, `quantized`, `difference`,
            `interval` and `loss`, None where an answer is not finite.
    """

    answers: Callable[[ExportedModel, Measured], np.ndarray]
    compare: Callable[[np.ndarray, np.ndarray, Measured], dict[str, Any] | None]


def file_answers(path: Path, measured: Measured) -> np.ndarray:
    """Return a file's answers in the form that `compare_files` takes."""
    return _MEASURES.get(measured.task.kind, _USUAL).answers(ExportedModel(path, verify=False), measured)


def compare_files(before: np.ndarray, after: np.ndarray, measured: Measured) -> dict[str, Any] | None:
    """Return the metric of both files, and their difference with its interval; None where an answer is not finite.

    Args:
        before: answers of the exported file.
        after: those of the smaller one.
        measured: what they were asked.
    """
    found = _MEASURES.get(measured.task.kind, _USUAL).compare(before, after, measured)
    return None if found is None else {"metric": measured.task.primary, **found}


def _outputs(exported: ExportedModel, measured: Measured, split: Split | None = None) -> np.ndarray:
    """Return the outputs for the test split in the form that metrics take."""
    task, split = measured.task, split or measured.dataset.test

    def run(raw: Any) -> Any:
        if task.decodes:
            return exported.predict(raw[0], decoder_input=raw[1]).output
        prediction = exported.predict(raw)
        if task.kind == "reconstruction":
            image = keras_output(measured.model, raw, measured.dataset.signature, None)["image"]
            return {**prediction.parts, "image": image}
        output = prediction.output
        return dict(prediction.parts) or (output[:, None] if output.ndim == 1 else output)

    return compact_outputs(task.kind, run, (split.take(positions) for positions in chunks(split)), split.targets)


def _compare_outputs(before: np.ndarray, after: np.ndarray, measured: Measured) -> dict[str, Any] | None:
    task, y, labels = measured.task, measured.dataset.test.targets, measured.dataset.signature.labels
    compared = compare(task, y, after, before, seed=measured.loaded.recipe.training.seed, labels=labels)
    if compared["difference"] is None:
        return None
    sign, interval = 1 if task.greater_is_better else -1, compared["interval"]
    return {
        "float32": float(evaluate(task, y, before, labels)[task.primary]),
        "quantized": float(evaluate(task, y, after, labels)[task.primary]),
        "difference": sign * float(compared["difference"]),
        "interval": None if interval is None else sorted(sign * bound for bound in interval),
        "loss": 0.0 - float(compared["difference"]),
    }


def _probed(exported: ExportedModel, measured: Measured) -> np.ndarray:
    """Return the probabilities that a linear probe of a file's embeddings gives the test examples."""
    data = measured.dataset
    splits = {"train": data.train, "validation": data.validation, "test": data.test}
    embeddings = {name: _outputs(exported, measured, splits[name]) for name in SPLITS}
    if not all(np.isfinite(rows).all() for rows in embeddings.values()):
        return np.full((len(data.test), len(data.signature.labels)), math.nan, np.float32)
    targets = {name: splits[name].targets for name in SPLITS}
    seed, classes = measured.loaded.recipe.training.seed, len(data.signature.labels)
    return classify(embeddings, targets, classes=classes, seed=seed)[0]["test"]


def _drawn_features(exported: ExportedModel, measured: Measured) -> np.ndarray:
    """Return features of random convolutions of generated images, `(draws, images, features)`, from the same noise."""
    network = _feature_network(exported.sample(1).shape[1:])
    draws = [exported.sample(DRAWN_IMAGES, seed=seed) for seed in range(DRAWS)]
    return np.stack([np.asarray(network.predict_on_batch(images)) for images in draws])


def _compare_draws(before: np.ndarray, after: np.ndarray, measured: Measured) -> dict[str, Any] | None:
    """Compare the Fréchet distances of generated images from those of the test split, draw by draw."""
    if not np.isfinite(after).all():
        return None
    real = _real_features(measured)
    first, second = (
        np.array([frechet_distance(real, rows.astype(np.float64)) for rows in draws]) for draws in (before, after)
    )
    difference = second - first
    half = _T_QUANTILE * float(difference.std(ddof=1)) / math.sqrt(DRAWS)
    mean = float(difference.mean())
    return {
        "float32": float(first.mean()),
        "quantized": float(second.mean()),
        "difference": mean,
        "interval": [mean - half, mean + half],
        "loss": mean,
        "features": f"of random convolutions, {DRAWS} draws of {DRAWN_IMAGES} images",
    }


def _feature_network(shape: tuple[int, ...]) -> keras.Model:
    from zoo.layers.random_convolutions import random_convolutions

    return random_convolutions(shape)


def _real_features(measured: Measured) -> np.ndarray:
    from zoo.data.preprocessing import fit_preprocessor
    from zoo.data.preprocessor import chunks as prepared_chunks

    test = measured.dataset.test
    part = test.part(np.arange(min(len(test), _MAX_REAL_IMAGES)))
    preprocessor = fit_preprocessor(measured.loaded.recipe.preprocess, measured.dataset)
    images = np.concatenate([np.round(x).astype(np.uint8) for x in prepared_chunks(part, preprocessor)])
    return np.asarray(_feature_network(images.shape[1:]).predict_on_batch(images), np.float64)


_USUAL = Measure(answers=_outputs, compare=_compare_outputs)
_MEASURES: dict[Kind, Measure] = {
    "generation": Measure(answers=_drawn_features, compare=_compare_draws),
    "representation": Measure(answers=_probed, compare=_compare_outputs),
}
