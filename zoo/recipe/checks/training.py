"""Checks of `augment:`, `loss:`, `regularization:`, `training:` and `evaluation:`."""

from __future__ import annotations

from zoo.errors import did_you_mean
from zoo.recipe.augment_steps import PHOTOMETRIC, SPECTRAL
from zoo.recipe.checks.collect import Checks
from zoo.recipe.losses import NtXent, SupCon
from zoo.recipe.source import KeyPath
from zoo.tasks import ANALYSES, METRICS, tasks_with


def check_augment(checks: Checks) -> None:
    """Check that the examples can be augmented, and that the targets follow each step."""
    task, recipe = checks.task, checks.recipe
    takes_images, takes_audio = "image" in task.inputs, "audio" in task.inputs
    checks.refuse(
        recipe.augment and not takes_images and not takes_audio,
        ("augment",),
        f"augmentation is for images and audio, and {task.name} takes none",
    )
    checks.refuse(
        isinstance(recipe.loss, NtXent | SupCon) and not recipe.augment,
        ("augment",),
        f"required, and missing: {recipe.loss.name} compares two views of each example, which augmentation tells apart",
    )
    stays = task.labeled or task.multi_label or task.scales_targets  # classes, labels and numbers of a whole image
    follows = stays or task.labels_pixels  # a mask moves with its image
    for position, step in enumerate(recipe.augment):
        at: KeyPath = ("augment", position, step.kind)
        spectral = step.kind in SPECTRAL
        checks.refuse(
            (takes_images and spectral) or (takes_audio and not spectral),
            at,
            f"{step.kind} is for {'the spectrograms of audio' if spectral else 'images'}, and this is {task.name}",
        )
        settings = step.spec_augment
        checks.refuse(
            settings is not None and not settings.band_masks and not settings.time_masks,
            at,
            "hides nothing: give band_masks or time_masks",
        )
        checks.refuse(
            takes_images and not follows and step.kind not in PHOTOMETRIC,
            at,
            f"{step.kind} moves pixels, which the targets of {task.name} would have to follow "
            f"(possible: {', '.join(PHOTOMETRIC)})",
        )
        low, high = getattr(step.settings, "area", (0.0, 1.0))
        checks.refuse(low > high, (*at, "area"), f"the smallest fraction, {low}, is above the largest, {high}")


def check_loss(checks: Checks) -> None:
    """Check that the loss fits the task."""
    task, loss = checks.task, checks.recipe.loss
    checks.refuse(
        loss.name not in task.losses,
        ("loss", "name"),
        f"{loss.name} does not fit {task.name} (fitting: {', '.join(task.losses)})",
    )
    checks.refuse(
        task.multi_label and getattr(loss, "class_weights", None) is not None,
        ("loss", "class_weights"),
        f"weighs examples by their one class, and those of {task.name} have several labels or none; leave it out",
    )


def check_regularization(checks: Checks) -> None:
    """Check that mixup and CutMix can blend the task's inputs and targets."""
    task, recipe = checks.task, checks.recipe
    for key in ("mixup", "cutmix"):
        at: KeyPath = ("regularization", key)
        used = getattr(recipe.regularization, key)
        checks.refuse(
            used and not task.classifies,
            at,
            f"{key} blends class targets, and the targets of {task.name} are of another kind",
        )
        checks.refuse(
            used and recipe.loss.name == "sparse_categorical_crossentropy",
            at,
            f"{key} blends class targets, which sparse_categorical_crossentropy cannot take; "
            "use categorical_crossentropy",
        )
    checks.refuse(
        recipe.regularization.mixup and task.inputs == ("graph",),
        ("regularization", "mixup"),
        "mixup blends inputs, and two graphs have no nodes in common; set it to 0",
    )
    checks.refuse(
        recipe.regularization.cutmix and task.classifies and "image" not in task.inputs,
        ("regularization", "cutmix"),
        f"cutmix pastes parts of images, and {task.name} takes none; set it to 0",
    )


def check_training(checks: Checks) -> None:
    """Check the times at which training and augmentation end."""
    recipe, training = checks.recipe, checks.recipe.training
    at: KeyPath = ("training", "augment_until")
    checks.refuse(
        training.augment_until is not None and not recipe.augment,
        at,
        "there is no augmentation that could end; leave it out, or add steps to augment",
    )
    checks.refuse(
        training.augment_until is not None and isinstance(recipe.loss, NtXent | SupCon),
        at,
        f"{recipe.loss.name} compares two views of each example, which augmentation tells apart to the end",
    )
    _check_teacher(checks)


def _check_teacher(checks: Checks) -> None:
    """Check that the task has class probabilities to learn from, and one model that learns."""
    at: KeyPath = ("training", "teacher")
    task, recipe = checks.task, checks.recipe
    if recipe.training.teacher is None:
        return
    checks.refuse(
        not task.classifies,
        at,
        f"gives probabilities of classes, and the targets of {task.name} are of another kind; leave it out",
    )
    checks.refuse(
        recipe.training.distribution is not None,
        at,
        "answers on one device; leave out training.distribution",
    )
    checks.refuse(
        recipe.model.ensemble is not None,
        at,
        "is for one network, and each of model.ensemble would need a loss of its own; leave one of them out",
    )


def check_evaluation(checks: Checks) -> None:
    """Check that metric and baseline fit the task."""
    evaluation, valid = checks.recipe.evaluation, checks.task.baselines
    named: list[tuple[str | None, KeyPath]] = [(evaluation.baseline, ("evaluation", "baseline"))]
    named += [(name, ("evaluation", "baselines", i)) for i, name in enumerate(evaluation.baselines or ())]
    for name, at in named:
        checks.refuse(
            name is not None and name not in valid,
            at,
            f"no baseline '{name}' for {checks.task.name}{did_you_mean(str(name), valid)} (valid: {', '.join(valid)})",
        )
    checks.refuse(
        bool(evaluation.baselines) and evaluation.baseline is None,
        ("evaluation", "baselines"),
        "nothing is compared, as evaluation.baseline is null; name one there",
    )
    checks.refuse(
        evaluation.intervals is not None and not checks.task.scales_targets,
        ("evaluation", "intervals"),
        f"are bounds of numbers that are predicted, and {checks.task.name} predicts none; leave it out",
    )
    for name in ANALYSES:
        checks.refuse(
            getattr(evaluation, name) and name not in checks.task.analyses,
            ("evaluation", name),
            f"is not computed for {checks.task.name}, only for {', '.join(tasks_with(name))}; leave it out",
        )
    _check_metric(checks)
    checks.refuse(
        evaluation.representation and checks.recipe.model.ensemble is not None,
        ("evaluation", "representation"),
        "probes the features before the head, and each network of model.ensemble has its own; leave one of them out",
    )
    _check_folds(checks)
    _check_budget(checks)


def _check_budget(checks: Checks) -> None:
    """Check that the budget of the smaller file is in the metric by which it is measured."""
    metric = checks.recipe.evaluation.metric or checks.task.primary
    for name in checks.recipe.export.budget or {}:
        checks.refuse(
            name != metric,
            ("export", "budget", name),
            f"the loss of a smaller file is measured in {metric}, the metric of the run; name that one",
        )


def _check_metric(checks: Checks) -> None:
    """Check that the task has the metric, and that its settings have an effect."""
    evaluation, task = checks.recipe.evaluation, checks.task
    metric, valid = evaluation.metric, METRICS[task.kind]
    if not task.labels_tokens:
        valid = tuple(name for name in valid if not name.startswith("span_"))
    checks.refuse(
        metric is not None and metric not in valid,
        ("evaluation", "metric"),
        f"no metric '{metric}' for {task.name}{did_you_mean(str(metric), valid)} (valid: {', '.join(valid)})",
    )
    checks.refuse(
        metric == "coverage" and evaluation.features is None,
        ("evaluation", "metric"),
        "coverage counts the classes of generated images: name their classifier in evaluation.features",
    )
    checks.refuse(
        evaluation.beta is not None and metric != "f_beta",
        ("evaluation", "beta"),
        f"is the weight of recall in f_beta, and evaluation.metric is {metric or task.primary}; leave it out",
    )
    for key in ("temperature", "cost", "conformal", "ood"):
        checks.refuse(
            getattr(evaluation, key) and not task.classifies,
            ("evaluation", key),
            f"is for the probabilities of classes, and the task is {task.name}; leave it out",
        )
    cost = evaluation.cost
    checks.refuse(
        cost is not None and cost.matrix is not None and bool(cost.false_positive or cost.false_negative),
        ("evaluation", "cost"),
        "false_positive and false_negative are in the matrix already; leave them out",
    )
    checks.refuse(
        evaluation.positive is not None and not task.classifies,
        ("evaluation", "positive"),
        f"is one of two classes, and {task.name} has none; leave it out",
    )


def _check_folds(checks: Checks) -> None:
    """Check that examples can be held out in any order, and that each has a target."""
    task, data, folds = checks.task, checks.recipe.data, checks.recipe.evaluation.folds
    by_time = task.forecasts or task.reads_corpus
    without_target = task.reconstructs or task.finds_anomalies or task.makes_images or task.embeds
    fits = not (by_time or without_target)
    for asked, at in ((folds, ("evaluation", "folds")), (data.fold, ("data", "fold"))):
        checks.refuse(
            asked is not None and not fits,
            at,
            f"cross-validation is for tasks with a target for each of many examples, and the task is {task.name}; "
            "leave it out",
        )
        checks.refuse(
            asked is not None and fits and data.time is not None,
            at,
            f"a fold would be predicted by what came after it, as data.time is '{data.time}'; leave one of them out",
        )
    checks.refuse(
        folds is not None and data.fold is not None,
        ("data", "fold"),
        f"is one fold, and evaluation.folds trains {folds}; leave one of them out",
    )
    checks.refuse(
        data.fold is not None and data.fold.number > data.fold.of,
        ("data", "fold", "number"),
        f"there are {data.fold.of if data.fold else 0} folds",
    )
