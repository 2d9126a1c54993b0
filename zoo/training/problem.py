"""A recipe's data, prepared, and its model, built: what training starts from."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import keras
import numpy as np

from zoo.backend.determinism import start_from_seed
from zoo.backend.devices import Devices, devices_for
from zoo.data.batches import evaluation_batches
from zoo.data.dataset import Dataset, Split
from zoo.data.prepared import MAX_RESIDENT_BYTES_ONCE, Form, Prepared, prepare
from zoo.data.preprocessing import Preprocessor, fit_preprocessor
from zoo.errors import ZooError
from zoo.losses import balanced_weights
from zoo.postprocessing.kinds import compact_outputs
from zoo.recipe import Recipe
from zoo.tasks import TASKS
from zoo.training.generative.views import conditional
from zoo.training.pretrained import load_pretrained
from zoo.training.views import TWO_VIEWS, TargetScale, Views, build_views, fit_target_scale, training_targets


@dataclass
class Problem:
    """A recipe's data, prepared, and its model, not yet trained."""

    recipe: Recipe
    dataset: Dataset
    preprocessor: Preprocessor
    scale: TargetScale
    views: Views
    train: Prepared
    validation: Prepared
    pretrained: dict[str, Any] | None = None
    devices: Devices = field(default_factory=Devices)

    def prepare(self, split: Split) -> Prepared:
        """Prepare a split as the model's input, to be read once."""
        return _prepare(
            split, self.dataset, self.preprocessor, self.scale, self.recipe, self.views.network, MAX_RESIDENT_BYTES_ONCE
        )

    def outputs(self, prepared: Prepared) -> np.ndarray:
        """Return the evaluated model's outputs in compact form (`zoo.postprocessing.kinds`)."""
        batches = evaluation_batches(replace(prepared, form="target"), targets=False)
        arrays = (keras.tree.map_structure(lambda x: x.numpy(), batch) for batch in batches)
        kind = TASKS[self.recipe.task].kind
        return compact_outputs(kind, self.views.evaluated.predict_on_batch, arrays, prepared.split.targets)


def set_up(recipe: Recipe, dataset: Dataset) -> Problem:
    """Seed, fit the preprocessing, prepare the data and build the model.

    Raises:
        ZooError: the data does not fit the preprocessing, the model or the batch size.
    """
    start_from_seed(recipe.training.seed)
    size = recipe.training.batch_size
    if size > len(dataset.train):
        raise ZooError(
            f"training.batch_size is {size}, and the training split of {dataset.name} has {len(dataset.train)} examples"
        )
    preprocessor = fit_preprocessor(recipe.preprocess, dataset)
    scale = fit_target_scale(dataset.train, TASKS[recipe.task])
    devices = devices_for(recipe)
    views = build_views(recipe, dataset, preprocessor, scale, devices)
    pretrained = None
    if recipe.model.pretrained is not None:
        with devices.scope():
            pretrained = load_pretrained(views.learner, recipe.model.pretrained, freeze=recipe.model.freeze)
    watched = dataset.validation
    if TASKS[recipe.task].kind == "anomaly":  # training sees what is normal, and so does its figure on validation
        watched = watched.part(np.flatnonzero(watched.targets == 0))
    train, validation = (
        _prepare(s, dataset, preprocessor, scale, recipe, views.network) for s in (dataset.train, watched)
    )
    return Problem(recipe, dataset, preprocessor, scale, views, train, validation, pretrained, devices)


def _prepare(
    split: Split,
    dataset: Dataset,
    preprocessor: Preprocessor,
    scale: TargetScale,
    recipe: Recipe,
    network: keras.Model,
    max_bytes: int | None = None,
) -> Prepared:
    task = TASKS[recipe.task]
    targets = training_targets(split, task, dataset.signature, scale)
    form: Form = "decoder_input" if task.decodes else "itself" if task.reconstructs else "target"
    if task.kind == "generation":
        form = "normalized_with_class" if conditional(network) else "normalized"
    if recipe.loss.name in TWO_VIEWS:
        form = "views"
    elif task.fills_in:
        form = "hidden"
    return prepare(
        split, preprocessor, targets, recipe.data.memory, form=form, augment=recipe.augment, max_bytes=max_bytes
    )


def class_weights(problem: Problem) -> np.ndarray | None:
    """Return the weights that "balanced" stands for, and check the number of those given."""
    given = getattr(problem.recipe.loss, "class_weights", None)
    labels, dataset = problem.dataset.signature.labels, problem.dataset
    if given is None:
        return None
    if given != "balanced" and len(given) != len(labels):
        raise ZooError(
            f"loss.class_weights: expected {len(labels)} numbers, one for each class of {dataset.name}, "
            f"received {len(given)}"
        )
    return balanced_weights(np.bincount(dataset.train.targets.reshape(-1).astype(np.int64), minlength=len(labels)))
