"""What the schema's types cannot say: combinations of settings that cannot work together."""

from __future__ import annotations

from typing import Any

from zoo.errors import did_you_mean
from zoo.recipe.model_settings import model_problems
from zoo.recipe.problems import Problem
from zoo.recipe.schedules import schedule_problems
from zoo.recipe.schema import Recipe
from zoo.recipe.source import Path_
from zoo.recipe.steps import PHOTOMETRIC, SHAPE_STEPS
from zoo.tasks import TASKS


def inconsistencies(recipe: Recipe) -> list[Problem]:
    """Return the combinations in a recipe that cannot work, each with the key to change."""
    found: list[Problem] = []

    def refuse(condition: object, path: Path_, text: str) -> None:
        if condition:
            found.append(Problem(path, "inconsistent", text))

    task = TASKS[recipe.task]
    data = recipe.data
    source = data.source.partition(":")[0]
    refuse(
        source not in task.sources,
        ("data", "source"),
        f"{recipe.task} reads {', '.join(task.sources)}, not {source}",
    )
    refuse(
        data.channels is not None and source != "folder",
        ("data", "channels"),
        f"applies to folder sources, whose files are decoded here; {source} gives its images as they are",
    )
    refuse(
        source in ("csv", "parquet") and not data.target,
        ("data", "target"),
        "required, and missing: the name of the column to predict",
    )
    refuse(
        task.kind == "forecasting" and data.window is None,
        ("data", "window"),
        "required for forecasting, and missing: for example {history: 48, horizon: 12, season: 12}",
    )
    refuse(
        task.kind != "forecasting" and data.window is not None,
        ("data", "window"),
        f"is for forecasting, and {recipe.task} has no windows",
    )
    refuse(
        (task.kind == "anomaly") != bool(data.abnormal),
        ("data", "abnormal"),
        "required, and missing: the classes that training must not see, for example ['3']"
        if task.kind == "anomaly"
        else f"is for anomaly detection, and the task is {recipe.task}",
    )
    refuse(
        recipe.data.validation + recipe.data.test >= 1,
        ("data", "validation"),
        f"validation ({recipe.data.validation}) and data.test ({recipe.data.test}) leave nothing to train on",
    )

    found += _preprocessing_problems(recipe)
    images = "image" in task.inputs
    refuse(
        (recipe.training.stop_after or 0) > recipe.training.epochs,
        ("training", "stop_after"),
        f"training.epochs is {recipe.training.epochs}, and {recipe.training.stop_after} is after its end",
    )
    refuse(
        recipe.training.augment_until is not None and not recipe.augment,
        ("training", "augment_until"),
        "there is no augmentation that could end; leave it out, or add steps to augment",
    )
    refuse(
        recipe.training.augment_until is not None and recipe.loss.name in ("nt_xent", "supcon"),
        ("training", "augment_until"),
        f"{recipe.loss.name} compares two views of each example, which augmentation tells apart to the end",
    )
    refuse(recipe.augment and not images, ("augment",), f"augmentation is for images, and {recipe.task} takes none")
    for position, step in enumerate(recipe.augment):
        refuse(
            images and not task.labeled and task.kind != "segmentation" and step.kind not in PHOTOMETRIC,
            ("augment", position, step.kind),
            f"{step.kind} moves pixels, which the targets of {recipe.task} would have to follow "
            f"(possible: {', '.join(PHOTOMETRIC)})",
        )
    for position, step in enumerate(recipe.augment):
        area = getattr(step.settings, "area", None)
        if area is not None:
            low, high = area
            refuse(
                low > high,
                ("augment", position, step.kind, "area"),
                f"the smallest share, {low}, is above the largest, {high}",
            )

    refuse(
        task.reconstructs and not _reaches(recipe, 0.0, 1.0),
        ("preprocess",),
        "reconstructed pixels lie in [0, 1], and so must the inputs; use rescale alone: {scale: 1/255}",
    )
    losses = task.losses
    refuse(
        recipe.loss.name not in losses,
        ("loss", "name"),
        f"{recipe.loss.name} does not fit {recipe.task} (fitting: {', '.join(losses)})",
    )
    for key in ("mixup", "cutmix"):
        at: Path_ = ("regularization", key)
        used = getattr(recipe.regularization, key)
        refuse(
            used and task.kind != "classification",
            at,
            f"{key} blends class targets, and the targets of {recipe.task} are of another kind",
        )
        refuse(
            used and recipe.loss.name == "sparse_categorical_crossentropy",
            at,
            f"{key} blends class targets, which sparse_categorical_crossentropy cannot take; "
            "use categorical_crossentropy",
        )
    refuse(
        recipe.regularization.mixup and task.inputs == ("graph",),
        ("regularization", "mixup"),
        "mixup blends inputs, and two graphs have no nodes in common; set it to 0",
    )
    refuse(
        recipe.regularization.cutmix and task.kind == "classification" and not images,
        ("regularization", "cutmix"),
        f"cutmix pastes parts of images, and {recipe.task} takes none; set it to 0",
    )
    refuse(
        recipe.model.freeze and recipe.model.pretrained is None,
        ("model", "freeze"),
        "is for a network with model.pretrained; weights drawn at random are not worth keeping",
    )
    refuse(
        recipe.data.per_class is not None and task.kind != "classification",
        ("data", "per_class"),
        f"is for classification, and the task is {recipe.task}",
    )
    refuse(
        recipe.loss.name in ("nt_xent", "supcon") and not recipe.augment,
        ("augment",),
        f"required, and missing: {recipe.loss.name} compares two views of each example, which augmentation tells apart",
    )
    baseline = recipe.evaluation.baseline
    refuse(
        baseline is not None and baseline not in task.baselines,
        ("evaluation", "baseline"),
        f"no baseline '{baseline}' for {recipe.task}{did_you_mean(str(baseline), task.baselines)}"
        f" (valid: {', '.join(task.baselines)})",
    )
    found += _optimizer_problems(recipe)
    found += _generation_problems(recipe)
    found += model_problems(recipe)
    return found


def _optimizer_problems(recipe: Recipe) -> list[Problem]:
    """Return what does not fit in the optimiser's section: schedules, clipping, groups, depth."""
    found: list[Problem] = []

    def refuse(condition: object, path: Path_, text: str) -> None:
        if condition:
            found.append(Problem(path, "inconsistent", text))

    optimizer = recipe.optimizer
    at: Path_ = ("optimizer", "learning_rate")
    rates: list[tuple[Path_, Any]] = [(at, optimizer.learning_rate)]
    for position, group in enumerate(optimizer.groups or ()):
        rates.append((("optimizer", "groups", position, "learning_rate"), group.learning_rate))
        for key in ("beta_1", "beta_2"):
            refuse(
                getattr(group, key) is not None and not hasattr(optimizer, key),
                ("optimizer", "groups", position, key),
                f"{optimizer.name} has no {key}",
            )
        refuse(
            optimizer.name == "lion" and group.beta_1 == 0,
            ("optimizer", "groups", position, "beta_1"),
            "must be greater than 0 for lion, received 0",
        )
    for path, rate in rates:
        for key, text in schedule_problems(rate, recipe.training.epochs):
            refuse(True, (*path, key), text)
    plateau = getattr(optimizer.learning_rate, "schedule", "") == "reduce_on_plateau"
    refuse(
        plateau and optimizer.unfreeze_epochs is not None,
        ("optimizer", "unfreeze_epochs"),
        "blocks that wait have a schedule of their own, which reduce_on_plateau cannot lower; choose another schedule",
    )
    clips = [c for c in ("clip_value", "clip_norm", "clip_global_norm") if getattr(optimizer, c) is not None]
    refuse(
        len(clips) > 1,
        ("optimizer", clips[-1] if clips else ""),
        f"{' and '.join(clips)} are set; keep one, and set the other to null",
    )
    depth = [k for k in ("layer_decay", "unfreeze_epochs") if getattr(optimizer, k) is not None]
    refuse(
        depth and optimizer.groups,
        ("optimizer", depth[0] if depth else ""),
        "goes by the depth of the layers, and optimizer.groups by their names; keep one",
    )
    return found


def _reaches(recipe: Recipe, low: float, high: float) -> bool:
    """Return whether the preprocessing takes pixels, 0 to 255, to the range from `low` to `high`."""
    ends = [0.0, 255.0]
    for step in recipe.preprocess:
        if step.standardize is not None:
            return False
        if step.rescale is not None:
            ends = [end * step.rescale.scale + step.rescale.offset for end in ends]
    return all(abs(end - wanted) < 1e-3 for end, wanted in zip(ends, (low, high), strict=True))


def _generation_problems(recipe: Recipe) -> list[Problem]:
    """Return what does not fit in the sections of models that make images."""
    found: list[Problem] = []

    def refuse(condition: object, path: Path_, text: str) -> None:
        if condition:
            found.append(Problem(path, "inconsistent", text))

    loss, sampling, generates = recipe.loss, recipe.sampling, TASKS[recipe.task].kind == "generation"
    denoises = loss.name == "denoising"
    refuse(
        denoises != (sampling is not None),
        ("sampling",),
        "required, and missing: how the model makes images, for example {sampler: ddim, steps: 50}"
        if denoises
        else f"is for the loss denoising, and the loss is {loss.name}",
    )
    refuse(
        recipe.evaluation.samples is not None and not generates,
        ("evaluation", "samples"),
        f"is for image generation, and the task is {recipe.task}",
    )
    refuse(
        generates != (recipe.evaluation.features is not None),
        ("evaluation", "features"),
        "required, and missing: the recipe of a classifier of such images, for example cnn/digits"
        if generates
        else f"is for image generation, and the task is {recipe.task}",
    )
    refuse(
        recipe.optimizer.ema is not None and recipe.training.select != "last",
        ("optimizer", "ema"),
        "the average is taken at the end of the run; set training.select to last",
    )
    refuse(
        generates and recipe.training.select != "last",
        ("training", "select"),
        "the loss does not say which epoch makes the best images; set it to last",
    )
    refuse(
        generates and not _reaches(recipe, -1.0, 1.0),
        ("preprocess",),
        "images are made from -1 to 1, and so must the inputs lie; use rescale alone: {scale: 2/255, offset: -1}",
    )
    if loss.name == "denoising" and sampling is not None:
        flow = loss.schedule == "rectified_flow"
        refuse(
            flow != (loss.prediction == "velocity"),
            ("loss", "prediction"),
            f"{loss.schedule} goes with {'velocity' if flow else 'noise, x0 or v'}, received {loss.prediction}",
        )
        refuse(
            flow != (sampling.sampler == "euler"),
            ("sampling", "sampler"),
            f"{loss.schedule} goes with {'euler' if flow else 'ddim or ddpm'}, received {sampling.sampler}",
        )
    if loss.name == "adversarial":
        both = loss.gradient_penalty and loss.r1
        refuse(
            both, ("loss", "r1"), "gradient_penalty and r1 are two forms of one thing; keep one, and set the other to 0"
        )
    return found


_STEP_KINDS = {  # what each step of preprocessing is for
    "encode": ("table",),
    "resize": ("image",),
    "center_crop": ("image",),
    "tokenize": ("text",),
    "rescale": ("image", "table", "array", "graph"),
    "standardize": ("image", "table", "array", "graph"),
    "standardize_window": ("array",),
}


def _preprocessing_problems(recipe: Recipe) -> list[Problem]:
    found: list[Problem] = []

    def refuse(condition: object, path: Path_, text: str) -> None:
        if condition:
            found.append(Problem(path, "inconsistent", text))

    task = TASKS[recipe.task]
    plural = {"image": "images", "table": "tables", "graph": "graphs"}
    takes = " or ".join(plural.get(kind, kind) for kind in task.inputs)
    kinds = [step.kind for step in recipe.preprocess]
    for position, kind in enumerate(kinds):
        at: Path_ = ("preprocess", position, kind)
        wanted = " or ".join(plural.get(k, k) for k in _STEP_KINDS[kind][:1])
        refuse(
            not set(_STEP_KINDS[kind]) & set(task.inputs), at, f"{kind} is for {wanted}, and this task takes {takes}"
        )
        refuse(
            kind == "standardize_window" and task.kind != "forecasting",
            at,
            f"standardize_window is for forecasting, and the task is {recipe.task}",
        )
        refuse(
            kind == "tokenize" and task.reads_corpus,
            at,
            "language modeling reads characters, all that occur in the training text; leave tokenize out",
        )
        refuse(
            kind in ("resize", "center_crop") and task.kind == "segmentation",
            at,
            f"{kind} changes the size of the image, and the mask keeps its own",
        )
        refuse(
            kind == "center_crop" and task.kind in ("detection", "transcription"),
            at,
            f"center_crop cuts off what the targets of {recipe.task} count on",
        )
        earlier = [k for k in kinds[:position] if k not in SHAPE_STEPS]
        refuse(
            kind in SHAPE_STEPS and earlier,
            at,
            f"{kind} must stand before {''.join(earlier[:1])}: steps that fix the shape come first",
        )
        once = kind in ("encode", "tokenize", "standardize_window")
        refuse(once and kinds.index(kind) != position, at, f"{kind} may stand only once")
        settings = recipe.preprocess[position].settings
        refuse(
            kind == "standardize" and (settings.mean is None) != (settings.std is None),
            at,
            "give both mean and std, or neither to have them fitted on the training split",
        )
        refuse(
            kind == "standardize" and settings.mean and settings.std and len(settings.mean) != len(settings.std),
            at,
            "mean and std must hold one value each for every channel or column, and differ in length",
        )
    return found
