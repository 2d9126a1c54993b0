"""Edits of the loss."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from zoo.evaluation.metrics.names import TITLES
from zoo.evaluation.report.diagnosis.edits.edit import Context, Edit, edit
from zoo.tasks import words

_LOSS_OF_METRIC = {"mae": "mean_absolute_error", "mse": "mean_squared_error", "mase": "mean_absolute_error"}
_MIN_IMBALANCE = 10  # ratio of the largest to the smallest class, below which a focal loss has nothing to even out
_MAX_WEIGHT_RATIO = 10  # of class weights that are given as numbers
_SMOOTHING = 0.1


def fitting_loss(context: Context) -> Iterator[Edit]:
    """Yield the loss that fits the task, where the recipe's aims at something else than its metric."""
    loss, task = context.recipe.loss, context.task
    quantile = getattr(loss, "quantile", 0.5)
    wanted = _LOSS_OF_METRIC.get(task.primary, task.losses[0])
    if quantile != 0.5 or "loss" in context.causes:
        what = f"the {quantile:g} quantile" if quantile != 0.5 else f"{words(loss.name)}"
        if loss.name != wanted:
            yield edit(
                "loss",
                {"loss": {"name": wanted}},
                f"The loss aims at {what}, and the figure is the {TITLES[task.primary]}: train by {words(wanted)}.",
            )
    if loss.name == "focal" and not _is_unbalanced(context) and task.classifies:
        yield edit(
            "loss",
            {"loss": {"name": wanted}},
            f"A focal loss plays down most examples, and no class is rare here: train by {words(wanted)}.",
        )
    weights = getattr(loss, "class_weights", None)
    if isinstance(weights, list) and max(weights) > _MAX_WEIGHT_RATIO * min(weights):
        yield edit(
            "loss",
            {"loss.class_weights": None},
            f"Class weights from {min(weights):g} to {max(weights):g} leave classes out: weigh examples alike.",
        )


def _is_unbalanced(context: Context) -> bool:
    y = context.situation.outputs.get("train", (None, None))[0]
    if y is None:
        return True
    counts = np.bincount(np.asarray(y, np.int64))
    counts = counts[counts > 0]
    return bool(counts.max() >= _MIN_IMBALANCE * counts.min())


def label_smoothing(context: Context) -> Iterator[Edit]:
    """Yield smoothed labels, which a network cannot be sure of."""
    given = getattr(context.recipe.loss, "label_smoothing", None)
    if given == 0 and context.recipe.loss.name != "adversarial":
        yield edit(
            "loss", {"loss.label_smoothing": _SMOOTHING}, "Smooth the labels: the network is not driven to be certain."
        )


def robust_loss(context: Context) -> Iterator[Edit]:
    """Yield a loss on which wrong targets weigh less."""
    loss, task = context.recipe.loss, context.task
    if "mean_absolute_error" in task.losses and loss.name == "mean_squared_error":
        yield edit(
            "loss",
            {"loss": {"name": "mean_absolute_error"}},
            "Train by the absolute error, on which targets far off weigh less than on the squared one.",
        )
        return
    given = getattr(loss, "label_smoothing", None)
    if given is None or loss.name == "adversarial":
        return
    more = min(0.4, max(0.2, 2 * given))
    if more > given:
        yield edit("loss", {"loss.label_smoothing": more}, "Smooth the labels: a wrong one then weighs less.")


def penalized_discriminator(context: Context) -> Iterator[Edit]:
    """Yield a discriminator that is held back."""
    loss = context.recipe.loss
    if loss.name != "adversarial":
        return
    if not loss.label_smoothing:
        yield edit("loss", {"loss.label_smoothing": 0.1}, "Smooth the discriminator's target for real images.")
    if not loss.r1 and not loss.gradient_penalty:
        yield edit("loss", {"loss.r1": 10.0}, "Penalise the discriminator's gradient on real images (R1).")
