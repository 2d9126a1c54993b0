"""Checks of `preprocess:`."""

from __future__ import annotations

from zoo.recipe.checks.collect import Checks
from zoo.recipe.checks.images import check_resize
from zoo.recipe.source import KeyPath
from zoo.recipe.steps import SHAPE_STEPS

_FOR = {  # kinds of input that each step of preprocessing is for
    "encode": ("table",),
    "resize": ("image",),
    "center_crop": ("image",),
    "tokenize": ("text",),
    "log_mel": ("audio",),
    "rescale": ("image", "table", "array", "audio", "graph"),
    "standardize": ("image", "table", "array", "audio", "graph"),
    "standardize_window": ("array",),
}
_ONCE = ("encode", "tokenize", "log_mel", "standardize_window")  # steps that a recipe has at most once
TARGET_STAYS = {  # kinds of task whose targets do not follow some steps: which, and why
    "segmentation": (("center_crop",), "cuts off pixels, whose classes a picture could not be given back; take resize"),
    "detection": (("center_crop",), "cuts off what the targets of object_detection count on"),
    "transcription": (("center_crop",), "cuts off what the targets of transcription count on"),
}
_PLURAL = {"image": "images", "table": "tables", "graph": "graphs"}


def check_preprocess(checks: Checks) -> None:
    """Check each step against the task and against the steps before it, then the range of the pixels."""
    names = [step.kind for step in checks.recipe.preprocess]
    for position, name in enumerate(names):
        at: KeyPath = ("preprocess", position, name)
        _check_fit(checks, name, at)
        check_resize(checks, position, at)
        earlier = [other for other in names[:position] if other not in SHAPE_STEPS]
        checks.refuse(
            name in SHAPE_STEPS and earlier,
            at,
            f"{name} must stand before {''.join(earlier[:1])}: steps that fix the shape come first",
        )
        checks.refuse(
            name in ("standardize", "rescale") and "standardize_window" in names,
            at,
            f"standardize_window brings each window to its own unit by itself; leave {name} out",
        )
        checks.refuse(name in _ONCE and names.index(name) != position, at, f"{name} may stand only once")
        if name == "standardize":
            _check_standardize(checks, position, at)
    checks.refuse(
        checks.task.reconstructs and "image" in checks.task.inputs and not checks.maps_pixels_to(0.0, 1.0),
        ("preprocess",),
        "reconstructed pixels lie in [0, 1], and so must the inputs; use rescale alone: {scale: 1/255}",
    )
    checks.refuse(
        checks.task.makes_images and not checks.maps_pixels_to(-1.0, 1.0),
        ("preprocess",),
        "images are made from -1 to 1, and so must the inputs lie; use rescale alone: {scale: 2/255, offset: -1}",
    )


def _check_fit(checks: Checks, name: str, at: KeyPath) -> None:
    """Check one step against the task."""
    task = checks.task
    step_is_for = _PLURAL.get(_FOR[name][0], _FOR[name][0])
    task_takes = " or ".join(_PLURAL.get(kind, kind) for kind in task.inputs)
    checks.refuse(
        not set(_FOR[name]) & set(task.inputs), at, f"{name} is for {step_is_for}, and this task takes {task_takes}"
    )
    checks.refuse(
        name == "standardize_window" and not task.forecasts,
        at,
        f"standardize_window is for forecasting, and the task is {task.name}",
    )
    checks.refuse(
        name == "tokenize" and task.reads_corpus,
        at,
        "language modeling reads characters, all that occur in the training text; leave tokenize out",
    )
    source = checks.recipe.data.source.partition(":")[0]
    checks.refuse(
        name == "tokenize" and (source == "ts" or bool(checks.recipe.data.series_columns)),
        at,
        "is for texts, and these are sequences of numbers; take _base/series_classification or _base/series_regression",
    )
    tokenize = checks.recipe.preprocess[at[1]].tokenize if name == "tokenize" else None  # type: ignore[index]
    checks.refuse(
        task.labels_tokens and tokenize is not None and (tokenize.level != "whitespace" or tokenize.length is not None),
        at,
        f"each word has its tag, so {task.name} takes level: whitespace, without a length",
    )
    steps, reason = TARGET_STAYS.get(task.kind, ((), ""))
    checks.refuse(name in steps, at, f"{name} {reason}")


def _check_standardize(checks: Checks, position: int, at: KeyPath) -> None:
    """Check the given mean and deviation of one step."""
    step = checks.recipe.preprocess[position].settings
    checks.refuse(
        (step.mean is None) != (step.std is None),
        at,
        "give both mean and std, or neither to have them fitted on the training split",
    )
    checks.refuse(
        step.mean and step.std and len(step.mean) != len(step.std),
        at,
        "mean and std must hold one value each for every channel or column, and differ in length",
    )
