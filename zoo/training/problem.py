"""A recipe's data, prepared, and its model, built: what training starts from."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from zoo import registry
from zoo.backend.determinism import start_from_seed
from zoo.backend.devices import Devices, devices_for
from zoo.backend.precision import precision
from zoo.data.batches import evaluation_batches
from zoo.data.prepared import MAX_RESIDENT_BYTES_ONCE, MAX_WATCHED_BYTES, Prepared, prepare
from zoo.data.preprocessing import fit_preprocessor
from zoo.data.preprocessor import Preprocessor
from zoo.data.table_encoding import encode_settings
from zoo.errors import ZooError, listing
from zoo.layers.members import ensemble
from zoo.layers.table import with_embedded_columns
from zoo.losses import balanced_weights
from zoo.postprocessing.kinds import compact_outputs
from zoo.pretrained.build import settings_for
from zoo.pretrained.recipe_steps import unlike_expected
from zoo.pretrained.source import is_source
from zoo.tasks import TASKS
from zoo.training.adapt import adapt
from zoo.training.effect import check_steps
from zoo.training.fixed_features import compute_fixed_features
from zoo.training.kinds import KINDS
from zoo.training.lora import add_lora
from zoo.training.penalty import Penalty
from zoo.training.pretrained import load_pretrained
from zoo.training.saved_outputs import saved_outcomes
from zoo.training.targets import TargetScale, in_units_of_input
from zoo.training.views import Parts, Views, prepared_shape

if TYPE_CHECKING:
    from zoo.data.dataset import Dataset, Signature, Split
    from zoo.data.prepared import Form
    from zoo.recipe import Recipe


@dataclass(kw_only=True)
class Problem:
    """A recipe's data, prepared, and its model, not yet trained.

    Attributes:
        recipe: the recipe.
        dataset: its data.
        preprocessor: as it was fitted on the training split.
        scale: of the targets.
        views: of the model.
        train: the training split.
        validation: the split that chooses the epoch.
        pretrained: what the network begins with, where the recipe names it.
        devices: that train it.
        features: of both splits, where `views.trained` takes features that were computed once.
    """

    recipe: Recipe
    dataset: Dataset
    preprocessor: Preprocessor
    scale: TargetScale
    views: Views
    train: Prepared
    validation: Prepared
    pretrained: dict[str, Any] | None = None
    devices: Devices = field(default_factory=Devices)
    features: tuple[Prepared, Prepared] | None = None

    @property
    def trained_on(self) -> Prepared:
        """What `views.trained` takes of the training split."""
        return self.train if self.features is None else self.features[0]

    @property
    def validated_on(self) -> Prepared:
        """What `views.trained` takes of the validation split."""
        return self.validation if self.features is None else self.features[1]

    def prepare(self, split: Split) -> Prepared:
        """Prepare a split as the model's input, to be read once."""
        form = self.train.form
        return _prepare(self.recipe, split, self.preprocessor, self.scale, form=form, max_bytes=MAX_RESIDENT_BYTES_ONCE)

    def outputs(self, prepared: Prepared, model: keras.Model | None = None) -> np.ndarray:
        """Return the evaluated model's outputs, or another's, in compact form (`zoo.postprocessing.kinds`).

        Where the targets are of the image and the model sees it in a frame, they are those of the saved model.
        """
        task = TASKS[self.recipe.task]
        if KINDS[task.kind].in_frame is not None and self.preprocessor.letterbox is not None:
            return saved_outcomes(self.views.saved, prepared.split, self.dataset.signature, task)
        batches = evaluation_batches(replace(prepared, form="target"), targets=False)
        arrays = (keras.tree.map_structure(lambda x: x.numpy(), batch) for batch in batches)
        return compact_outputs(
            task.kind, (model or self.views.evaluated).predict_on_batch, arrays, prepared.split.targets
        )


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
    check_steps(recipe, len(dataset.train) // size)
    task = TASKS[recipe.task]
    training = KINDS[task.kind]
    preprocessor = fit_preprocessor(recipe.preprocess, dataset)
    if preprocessor.embedded and task.reconstructs:
        many = [c.name for c in dataset.signature.columns if c.type == "category"]
        raise ZooError(
            f"{dataset.name}: a column of more than {encode_settings(recipe.preprocess).embed_above} categories is "
            f"embedded, and {task.name} cannot put its rows together again (categories: {listing(many)}); list it "
            "under data.ignore, or take all one-hot: preprocess: [{encode: {embed_above: null}}, {standardize: {}}]"
        )
    if preprocessor.embedded and recipe.regularization.mixup:
        raise ZooError(
            "regularization.mixup: mixup blends inputs, and between two categories or texts that are embedded there is "
            "none; set it to 0"
        )
    scale = training.scale(dataset.train)
    if task.forecasts and not preprocessor.window and any(step.standardize for step in recipe.preprocess):
        scale = in_units_of_input(scale, preprocessor)
    if preprocessor.window and dataset.signature.series:
        scale = replace(scale, by_window=True)
    devices = devices_for(recipe)
    views = _build_views(recipe, dataset.signature, preprocessor, scale, devices)
    adapt(views, dataset.train, preprocessor, seed=recipe.training.seed)
    pretrained = None
    if recipe.model.pretrained is not None:
        with devices.scope():
            pretrained = load_pretrained(
                views.learner, recipe.model.pretrained, freeze=recipe.model.freeze, config=recipe.model.config
            )
            unlike = _unlike_expected(recipe, preprocessor)
            if unlike is not None:
                pretrained["notes"] = [*pretrained.get("notes", []), f"warning: {unlike}"]
            if recipe.model.lora is not None:
                pretrained["lora"] = add_lora(views.learner, **recipe.model.lora.model_dump())
    validation = dataset.validation
    if task.finds_anomalies:  # like the training split, the one that is watched in training has normal examples alone
        validation = validation.part(np.flatnonzero(validation.targets == 0))
    form = training.form(recipe, views.network)
    prepared = [
        _prepare(recipe, split, preprocessor, scale, form=form, max_bytes=most)
        for split, most in ((dataset.train, None), (validation, MAX_WATCHED_BYTES))
    ]
    problem = Problem(
        recipe=recipe,
        dataset=dataset,
        preprocessor=preprocessor,
        scale=scale,
        views=views,
        train=prepared[0],
        validation=prepared[1],
        pretrained=pretrained,
        devices=devices,
    )
    return compute_fixed_features(problem)


def _unlike_expected(recipe: Recipe, preprocessor: Preprocessor) -> str | None:
    """Return how images differ from what the weights that a recipe names expect; None where they do not."""
    if preprocessor.signature.kind != "image":
        return None
    return unlike_expected(recipe, preprocessor.scale, preprocessor.offset)


def _prepare(
    recipe: Recipe, split: Split, preprocessor: Preprocessor, scale: TargetScale, *, form: Form, max_bytes: int | None
) -> Prepared:
    training = KINDS[TASKS[recipe.task].kind]
    targets = training.targets(split, preprocessor.signature, scale)
    if training.in_frame is not None and preprocessor.letterbox is not None:
        targets = training.in_frame(targets, split, preprocessor.letterbox)
    return prepare(
        split, preprocessor, targets, recipe.data.memory, form=form, augment=recipe.augment, max_bytes=max_bytes
    )


def _build_views(
    recipe: Recipe, signature: Signature, preprocessor: Preprocessor, scale: TargetScale, devices: Devices
) -> Views:
    """Build the recipe's network for the data, and its views.

    What is trained on several devices has weights of its own; all else stays on one.
    """
    training = KINDS[TASKS[recipe.task].kind]

    def views(policy: str) -> Views:
        with precision(policy):
            network = build_network(recipe, signature, preprocessor)
        parts = Parts(
            network=network,
            recipe=recipe,
            signature=signature,
            preprocessor=preprocessor,
            scale=scale,
            put_back=training.put_back,
        )
        return training.views(parts, training.head)

    with devices.scope():
        built = views(recipe.training.precision)
        devices.prepare(built.trained)
    if recipe.training.precision != "float32" or devices.count > 1 or recipe.model.lora is not None:
        built = replace(views("float32"), learner=built.learner, trained=built.trained)
    if recipe.regularization.l1 or recipe.regularization.l2:
        built.trained.penalty = Penalty(recipe.regularization.l1, recipe.regularization.l2)
    return built


def _count_of_numbers(signature: Signature) -> int:
    """Return how many numbers are predicted of an example, at all steps of a forecast."""
    return max(1, signature.horizon) * max(1, len(signature.targets))


def build_network(recipe: Recipe, signature: Signature, preprocessor: Preprocessor) -> keras.Model:
    """Build a recipe's network for data.

    Raises:
        ZooError: the builder does not take the settings, or the shape of the data.
    """
    has_head = registry.entry(recipe.model.name).outputs is not None  # or takes classes
    shape = signature.shape if signature.kind == "graph" else prepared_shape(signature, preprocessor)
    if signature.kind == "array" and shape[0] is None and not _masks_padding(recipe.model.name):
        raise ZooError(
            f"model.name: {recipe.model.name} takes sequences of one length, and those of {recipe.data.source} differ; "
            "take lstm, gru, rnn, bilstm or tcn"
        )
    embedded = preprocessor.embedded
    if embedded:
        shape = ((shape[0] or 0) + sum(each.width - each.columns for each in embedded),)

    settings = recipe.model.config
    if is_source(recipe.model.pretrained or ""):
        settings = settings_for(recipe.model.name, recipe.model.pretrained or "", settings)

    def build() -> keras.Model:
        network = registry.build(
            recipe.model.name,
            input_shape=shape,
            outputs=(len(signature.labels) or _count_of_numbers(signature)) if has_head else None,
            vocabulary=signature.vocabulary,
            every_step=KINDS[TASKS[recipe.task].kind].every_step,
            **settings,
        )
        if not embedded:
            return network
        sizes, widths, lengths = zip(*((each.size, each.width, each.length) for each in embedded), strict=True)
        return with_embedded_columns(network, sizes, widths, lengths)

    if recipe.model.ensemble is None:
        return build()
    return ensemble([build() for _ in range(recipe.model.ensemble)])


def _masks_padding(name: str) -> bool:
    """Return whether a builder takes sequences of different lengths, whose padding changes no output.

    These are the builders that take tokens, which are padded, too.
    """
    return "vocabulary" in inspect.signature(registry.builder(name)).parameters


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
    counts = np.bincount(dataset.train.targets.reshape(-1).astype(np.int64), minlength=len(labels))
    return balanced_weights(counts[: len(labels)])  # without pixels that are ignored
