"""The learning rate before a run: its schedule, and the range test that looks for it. One function for each command."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from zoo.backend.startup import start_keras
from zoo.errors import ZooError
from zoo.recipe import load_recipe
from zoo.utils.console import OUT, print_notes, print_plot
from zoo.utils.files import replacing

SILENT = Console(quiet=True, stderr=True)
_MAX_POINTS = 500  # steps of a schedule that are computed; all of them if the run has fewer
_FORMATS = (".png", ".svg")


def schedule(
    recipe: str | Path,
    overrides: Sequence[str] = (),
    *,
    steps_per_epoch: int | None = None,
    output: Path | None = None,
    console: Console = SILENT,
) -> dict[str, Any]:
    """Compute the learning rate of a recipe over its run, without training.

    Args:
        recipe: a shipped recipe (`cnn/digits`) or the path of a recipe file.
        overrides: `key.path=value`.
        steps_per_epoch: training steps of an epoch; counted on the data where it is left out.
        output: PNG or SVG file for the curve.
        console: where progress is shown.

    Returns:
        `recipe`, `epochs`, `steps_per_epoch`, `steps` (those looked at, from 0), `rates`, `groups` (`layers` and
        `rates`, of groups with a rate of their own) and `note`, what the curve cannot show.

    Raises:
        ZooError: a problem with the recipe, the data or the output file.
    """
    check_output(output)
    loaded = load_recipe(recipe, overrides)
    start_keras()
    settings, training = loaded.recipe.optimizer, loaded.recipe.training
    per_epoch = steps_per_epoch or _steps_per_epoch(loaded.recipe, console)
    total = per_epoch * training.epochs
    steps = np.unique(np.linspace(0, total - 1, min(total, _MAX_POINTS)).round().astype(int))
    groups: list[dict[str, Any]] = [
        {"layers": group.layers, "rates": _rates(group.learning_rate, per_epoch, training.epochs, steps)}
        for group in settings.groups or ()
        if group.learning_rate is not None
    ]
    rates = _rates(settings.learning_rate, per_epoch, training.epochs, steps)
    if output is not None:
        curves = {"all" if not groups else "others": rates, **{g["layers"]: g["rates"] for g in groups}}
        _draw(output, steps / per_epoch, curves, "epoch", "learning rate")
    return {
        "recipe": loaded.name,
        "epochs": training.epochs,
        "steps_per_epoch": per_epoch,
        "steps": steps.tolist(),
        "rates": rates,
        "groups": groups,
        "note": _note(settings),
    }


def find_rate(
    recipe: str | Path,
    overrides: Sequence[str] = (),
    *,
    steps: int = 100,
    low: float = 1e-6,
    high: float = 10.0,
    output: Path | None = None,
    console: Console = SILENT,
) -> dict[str, Any]:
    """Look for a learning rate by the range test, on a new model of the recipe with its loss, batches and augmentation.

    Nothing but the output file is written.

    Args:
        recipe: a shipped recipe (`cnn/digits`) or the path of a recipe file.
        overrides: `key.path=value`.
        steps: training steps.
        low: first learning rate.
        high: last learning rate.
        output: PNG or SVG file for the curve.
        console: where progress is shown.

    Returns:
        `recipe`, and the fields of `zoo.training.range_test.RangeTest`.

    Raises:
        ZooError: a problem with the recipe, the data or an argument; a recipe of a GAN.
    """
    check_output(output)
    if not 0 < low < high < float("inf"):
        raise ZooError(f"--low and --high: expected 0 < low < high, received {low:g} and {high:g}")
    loaded = load_recipe(recipe, overrides)
    if loaded.recipe.loss.name == "adversarial":
        raise ZooError(
            f"{loaded.name}: a GAN has two losses that play against each other, and no rate at which one falls"
        )
    start_keras(loaded.recipe.training.processors)
    from zoo.data.sources.load import load_dataset
    from zoo.tasks import TASKS
    from zoo.training.problem import set_up
    from zoo.training.range_test import range_test

    dataset = load_dataset(loaded.recipe.data, TASKS[loaded.recipe.task], loaded.recipe.preprocess)
    console.print(f"{loaded.name}: {steps} steps, learning rate {low:g} to {high:g}")
    found = range_test(set_up(loaded.recipe, dataset), steps, low, high)
    if output is not None:
        marks = {"steepest": found.suggestion, "a tenth of the lowest": found.tenth_of_minimum}
        _draw(output, np.array(found.rates), {"loss": found.smoothed}, "learning rate", "smoothed loss", marks)
    return {"recipe": loaded.name, **vars(found)}


def _steps_per_epoch(recipe: Any, console: Console) -> int:
    """Return the whole batches of the training split."""
    from zoo.data.sources.load import load_dataset
    from zoo.tasks import TASKS

    console.print(f"Counting the examples of {recipe.data.source}")
    examples = len(load_dataset(recipe.data, TASKS[recipe.task], recipe.preprocess).train)
    if recipe.training.batch_size > examples:
        raise ZooError(
            f"training.batch_size is {recipe.training.batch_size}, and the training split of {recipe.data.source} "
            f"has {examples} examples"
        )
    return examples // recipe.training.batch_size


def _rates(settings: Any, per_epoch: int, epochs: int, steps: np.ndarray) -> list[float]:
    """Return the learning rate at each of the steps."""
    from zoo.optimization.schedules import build_schedule

    rate = build_schedule(settings, per_epoch, epochs)
    return [float(rate(step) if callable(rate) else rate) for step in steps]


def _note(settings: Any) -> str | None:
    notes = []
    if getattr(settings.learning_rate, "schedule", None) == "reduce_on_plateau":
        notes.append("the rate goes down where the validation loss does not, which only training tells")
    if settings.layer_decay is not None or settings.unfreeze_epochs is not None:
        notes.append("this is the rate of the head; that of the layers below it is lower or begins later")
    if settings.name == "adafactor":
        notes.append("adafactor takes no more than 1 / sqrt(step)")
    return "; ".join(notes) or None


def check_output(output: Path | None) -> None:
    """Refuse a file for a curve whose name says no form that it can have."""
    if output is not None and output.suffix.lower() not in _FORMATS:
        raise ZooError(f"--output: expected a name that ends in {' or '.join(_FORMATS)}, received {output}")


def _draw(
    output: Path,
    x: np.ndarray,
    curves: dict[str, list[float]],
    along: str,
    up: str,
    marks: dict[str, Any] | None = None,
) -> None:
    """Write curves to a file; where there are marks, `x` is logarithmic and each of them a line across."""
    from zoo.evaluation.report.plots import FIRST, QUIET, SECOND, new_figure

    figure, axes = new_figure(width=6.0, height=3.5)
    for color, (name, values) in zip([FIRST, SECOND, *[None] * len(curves)], curves.items(), strict=False):
        axes.plot(x, values, color=color, label=name)
    for style, (name, value) in zip(("--", ":"), (marks or {}).items(), strict=False):
        if value is not None:
            axes.axvline(value, color=QUIET, linestyle=style, label=f"{name}: {value:.2g}")
    if marks is not None:
        axes.set_xscale("log")
    if marks is not None or len(curves) > 1:
        for text in axes.legend(loc="best", fontsize=9).get_texts():
            text.set_parse_math(False)  # a `$` in a pattern of layers is no formula; the ticks of a log axis are one
    axes.set_xlabel(along)
    axes.set_ylabel(up)
    try:
        with replacing(output) as path:
            figure.savefig(path, dpi=150)
    except OSError as error:
        raise ZooError(f"--output: cannot write {output} ({error.strerror})") from error


def print_schedule(found: dict[str, Any]) -> None:
    """Print the curves that `schedule` returned."""
    for name, values in [(found["recipe"], found["rates"]), *((g["layers"], g["rates"]) for g in found["groups"])]:
        OUT.print(f"{name}: learning rate {values[0]:.3g} … {max(values):.3g} … {values[-1]:.3g}", markup=False)
        print_plot(values, "epoch 0", f"{found['epochs']} of {found['steps_per_epoch']:,} steps")
    print_notes([found["note"]] if found["note"] else [], OUT)
