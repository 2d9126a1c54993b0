"""Checks of `data.image`, and of how images of another shape are resized."""

from __future__ import annotations

from zoo.recipe.checks.collect import Checks
from zoo.recipe.image_column import columns_of
from zoo.recipe.source import KeyPath
from zoo.tasks import TABLE_SOURCES

_FOLLOWED_MODES = {  # kinds of task whose targets do not follow all modes of resize: those that they follow
    "segmentation": ("stretch", "pad"),
    "detection": ("stretch", "pad"),
    "transcription": ("stretch", "pad"),
}


def check_image(checks: Checks, source: str) -> None:
    """Check that images from a table have their column, and that no other input is asked for beside them."""
    if source in checks.task.sources:
        check_files(checks, source, "image", "image" in checks.task.inputs)


def check_files(checks: Checks, source: str, key: str, takes: bool) -> None:
    """Check that files from a table have their column, and that no other input is asked for beside them.

    Args:
        checks: where problems are added.
        source: the recipe's kind of source.
        key: of the recipe, which names the column: "image" or "audio".
        takes: whether the task takes what the files hold.
    """
    task, data = checks.task, checks.recipe.data
    pattern, several = getattr(data, key), {"image": "images", "audio": "clips"}[key]
    takes = takes and source in TABLE_SOURCES
    checks.refuse(
        takes and not pattern,
        ("data", key),
        f"required, and missing: the name of the column with the paths of the {several}",
    )
    if pattern is None:
        return
    at, names = ("data", key), columns_of(pattern)
    checks.refuse(
        not takes,
        at,
        f"is for tasks on {several} that read {', '.join(TABLE_SOURCES)}, and this is {task.name} from {source}",
    )
    checks.refuse(len(names) > 1, at, f"names one column, received {' and '.join(names)}")
    for other, others in (("target", data.targets), ("ignore", data.ignore)):
        checks.refuse(names[0] in others, at, f"the column '{names[0]}' is under data.{other}, too")
    checks.refuse(
        bool(data.categorical),
        ("data", "categorical"),
        f"is for the inputs of tables, and the input here is the {key} '{pattern}'",
    )


def check_resize(checks: Checks, position: int, at: KeyPath) -> None:
    """Check that targets follow the way in which a step resizes images of another shape."""
    step, task = checks.recipe.preprocess[position].resize, checks.task
    if step is None:
        return
    follows = _FOLLOWED_MODES.get(task.kind, (step.mode,))
    checks.refuse(
        step.mode not in follows,
        (*at, "mode"),
        f"the targets of {task.name} follow {' and '.join(follows)} alone, received {step.mode}",
    )
    checks.refuse(step.fill and step.mode != "pad", (*at, "fill"), f"is for mode pad, and the mode is {step.mode}")
