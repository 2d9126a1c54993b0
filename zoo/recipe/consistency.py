"""What the schema's types cannot say: combinations of settings that cannot work together."""

from __future__ import annotations

from zoo import registry
from zoo.errors import ZooError, did_you_mean
from zoo.recipe.optimization import WarmupCosine
from zoo.recipe.problems import Problem
from zoo.recipe.schema import Recipe
from zoo.recipe.source import Path_
from zoo.recipe.steps import SHAPE_STEPS
from zoo.tasks import TASKS

_IMAGE_SOURCES = ("tfds", "builtin", "folder", "npz")
_TABLE_SOURCES = ("tfds", "builtin", "csv", "parquet", "npz")


def inconsistencies(recipe: Recipe) -> list[Problem]:
    """Return the combinations in a recipe that cannot work, each with the key to change."""
    found: list[Problem] = []

    def refuse(condition: object, path: Path_, text: str) -> None:
        if condition:
            found.append(Problem(path, "inconsistent", text))

    task = TASKS[recipe.task]
    images = task.inputs == ("image",)
    source = recipe.data.source.partition(":")[0]
    sources = _IMAGE_SOURCES if images else _TABLE_SOURCES
    refuse(source not in sources, ("data", "source"), f"{recipe.task} reads {', '.join(sources)}, not {source}")
    refuse(
        recipe.data.channels is not None and source != "folder",
        ("data", "channels"),
        f"applies to folder sources, whose files are decoded here; {source} gives its images as they are",
    )
    refuse(
        source in ("csv", "parquet") and not recipe.data.target,
        ("data", "target"),
        "required, and missing: the name of the column to predict",
    )
    refuse(
        recipe.data.validation + recipe.data.test >= 1,
        ("data", "validation"),
        f"validation ({recipe.data.validation}) and data.test ({recipe.data.test}) leave nothing to train on",
    )

    kinds = [step.kind for step in recipe.preprocess]
    for position, kind in enumerate(kinds):
        at: Path_ = ("preprocess", position, kind)
        refuse(images and kind == "encode", at, "encode is for tables, and this task takes images")
        refuse(
            not images and kind in ("resize", "center_crop"), at, f"{kind} is for images, and this task takes tables"
        )
        earlier = [k for k in kinds[:position] if k not in SHAPE_STEPS]
        refuse(
            kind in SHAPE_STEPS and earlier,
            at,
            f"{kind} must stand before {''.join(earlier[:1])}: steps that fix the shape come first",
        )
        refuse(kind == "encode" and kinds.index(kind) != position, at, "encode may stand only once")
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
    refuse(recipe.augment and not images, ("augment",), f"augmentation is for images, and {recipe.task} takes none")
    for position, step in enumerate(recipe.augment):
        if step.random_erasing is not None:
            low, high = step.random_erasing.area
            refuse(
                low > high,
                ("augment", position, "random_erasing", "area"),
                f"the smallest share, {low}, is above the largest, {high}",
            )

    losses = task.losses
    refuse(
        recipe.loss.name not in losses,
        ("loss", "name"),
        f"{recipe.loss.name} does not fit {recipe.task} (fitting: {', '.join(losses)})",
    )
    refuse(
        recipe.regularization.mixup and task.kind != "classification",
        ("regularization", "mixup"),
        "mixup blends class targets, and this task predicts numbers",
    )
    rate = recipe.optimizer.learning_rate
    refuse(
        isinstance(rate, WarmupCosine) and rate.warmup_epochs >= recipe.training.epochs,
        ("optimizer", "learning_rate", "warmup_epochs"),
        f"the warmup must end before the run does, and training.epochs is {recipe.training.epochs}",
    )
    clips = [c for c in ("clip_value", "clip_norm", "clip_global_norm") if getattr(recipe.optimizer, c) is not None]
    refuse(
        len(clips) > 1,
        ("optimizer", clips[-1] if clips else ""),
        f"{' and '.join(clips)} are set; keep one, and set the other to null",
    )
    baseline = recipe.evaluation.baseline
    refuse(
        baseline is not None and baseline not in task.baselines,
        ("evaluation", "baseline"),
        f"no baseline '{baseline}' for {recipe.task}{did_you_mean(str(baseline), task.baselines)}"
        f" (valid: {', '.join(task.baselines)})",
    )
    found += _model_problems(recipe)
    return found


def _model_problems(recipe: Recipe) -> list[Problem]:
    try:
        entry = registry.entry(recipe.model.name)
    except ZooError as error:
        return [Problem(("model", "name"), "inconsistent", str(error))]
    if recipe.task not in entry.tasks:
        text = f"{entry.name} serves {', '.join(entry.tasks)}, not {recipe.task}"
        return [Problem(("model", "name"), "inconsistent", text)]
    try:
        registry.validate_config(entry.name, recipe.model.config)
    except registry.ModelConfigError as error:
        text = str(error).removeprefix(f"model '{entry.name}': {error.key}: ")
        return [Problem(("model", error.key), "inconsistent", text)]
    return []
