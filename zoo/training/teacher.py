"""Knowledge distillation (Hinton, Vinyals and Dean, 2015, arXiv:1503.02531): learning from another model's answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import ops

from zoo.errors import ZooError
from zoo.layers.head import FEATURES
from zoo.layers.members import has_members
from zoo.training.penalty import Penalized, plus_penalty

if TYPE_CHECKING:
    from zoo.training.problem import Problem

MIN_PROBABILITY = 1e-7  # below it the logarithm of a float32 probability tells little


@dataclass(frozen=True, kw_only=True)
class Teacher:
    """What a trained model answers, for the examples that another is trained on.

    Exactly one of `answers` and `answer` is given.

    Attributes:
        answers: class probabilities for the training examples `(examples, classes)`, followed by features where the
            recipe asks for them.
        answer: takes a batch of prepared images as the student sees them; returns the same for it.
        features: how many numbers follow the probabilities.
        facts: what a run's `data.json` says of the teacher.
    """

    answers: np.ndarray | None = None
    answer: Callable[[Any], Any] | None = None
    features: int = 0
    facts: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Distillation:
    """How the loss of a student is made.

    Attributes:
        temperature: both models' logits are divided by it.
        weight: of the distance from the teacher's answers; the rest is that of the recipe's loss.
        features: weight of the cosine distance between the features, which the student's reach by a linear map.
        classes: number of classes.
        answer: see `Teacher`; None where the answers follow the targets.
    """

    temperature: float
    weight: float
    features: float
    classes: int
    answer: Callable[[Any], Any] | None = None

    def distance(self, answers: Any, outputs: Any) -> Any:
        """Return the mean distance of a batch: temperature² * KL(teacher, student), and that of the features."""
        probabilities = ops.maximum(answers[:, : self.classes], MIN_PROBABILITY)
        teacher = ops.log_softmax(ops.log(probabilities) / self.temperature)  # a softmax's logits, up to a constant
        student = ops.log_softmax(outputs[:, : self.classes] / self.temperature)
        divergence = ops.sum(ops.exp(teacher) * (teacher - student), axis=-1)
        loss = self.weight * self.temperature**2 * ops.mean(divergence)
        if self.features:
            unit = [ops.normalize(x[:, self.classes :], axis=-1) for x in (answers, outputs)]
            loss += self.features * ops.mean(1 - ops.sum(unit[0] * unit[1], axis=-1))
        return loss


@keras.saving.register_keras_serializable("zoo")
class Taught(Penalized):
    """A functional model whose training loss has the distance from a teacher's answers.

    Targets are `(batch, classes)`, in training followed by the teacher's answers unless it is asked for them; outputs
    are logits, followed by the features' linear map where these are compared. A saved one has no teacher.
    """

    distillation: Distillation | None = None

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        """Return the loss, in training with the distance from the teacher."""
        own = self.distillation
        if own is None:
            return super().compute_loss(x, y, y_pred, sample_weight, training)
        targets, logits = y[:, : own.classes], y_pred[:, : own.classes]
        loss = keras.Model.compute_loss(self, x, targets, logits, sample_weight, training)
        if not training:
            return loss
        answers = y[:, own.classes :] if own.answer is None else ops.stop_gradient(own.answer(x))
        loss = (1 - own.weight) * loss + own.distance(ops.cast(answers, "float32"), ops.cast(y_pred, "float32"))
        return plus_penalty(loss, self, training)

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Return the metrics of the logits."""
        own = self.distillation
        if own is not None:
            y, y_pred = y[:, : own.classes], y_pred[:, : own.classes]
        return super().compute_metrics(x, y, y_pred, sample_weight)


def teach(problem: Problem, teacher: Teacher) -> Problem:
    """Return a problem whose trained model learns from a teacher.

    Raises:
        ZooError: the network has no features that could be compared, or holds several members.
    """
    settings, views = problem.recipe.training.teacher, problem.views
    assert settings is not None
    if has_members(views.network):
        raise ZooError("training.teacher: each member of the network would need a loss of its own; take another model")
    outputs = _with_features(problem, teacher.features) if settings.features else views.trained.output
    trained = Taught(views.trained.input, outputs, name="trained")
    trained.penalty = getattr(views.trained, "penalty", None)
    classes = len(problem.dataset.signature.labels)
    trained.distillation = Distillation(
        temperature=settings.temperature,
        weight=settings.weight,
        features=settings.features,
        classes=classes,
        answer=teacher.answer,
    )
    train = problem.train
    if teacher.answers is not None:
        train = replace(train, targets=np.concatenate([train.targets, teacher.answers], axis=1).astype(np.float32))
    return replace(problem, views=replace(views, trained=trained), train=train)


def _with_features(problem: Problem, width: int) -> Any:
    """Return logits and the linear map of the features, side by side, of the trained model's input."""
    network, prepared = problem.views.learner, problem.views.trained.input
    features = next((layer.output for layer in network.layers if layer.name == FEATURES), None)
    if features is None or len(features.shape) != 2 or isinstance(prepared, dict | list):
        raise ZooError(
            f"training.teacher.features: {problem.recipe.model.name} has no vector of features before its head that "
            "could be compared; set it to 0"
        )
    both = keras.Model(network.input, [network.output, features])
    normalize = None if problem.dataset.signature.vocabulary else problem.preprocessor.normalize()
    logits, found = both(prepared if normalize is None else normalize(prepared))
    mapped = keras.layers.Dense(width, dtype="float32", name="teacher_features")(found)
    return keras.layers.Concatenate(dtype="float32", name="logits_and_features")([logits, mapped])
