"""`zoo ablate`: each technique of a recipe off in turn, and what validation says of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from zoo.backend.startup import start_keras
from zoo.commands.given_data import given
from zoo.commands.trial_runs import (
    Validated,
    check_comparable,
    check_data,
    drawn_figures,
    train_trial,
    trial_recipe,
    validate,
)
from zoo.errors import ZooError
from zoo.recipe import LoadedRecipe, overridden
from zoo.recipe.overrides import Overrides, override_lines
from zoo.tasks import words
from zoo.utils.console import headline
from zoo.utils.files import write_json
from zoo.utils.lock import locked
from zoo.utils.notebook import default_console
from zoo.utils.stopping import StopRequests

_ZEROED = ("mixup", "cutmix", "l1", "l2")
_REMOVED = ("clip_value", "clip_norm", "clip_global_norm", "ema", "swa", "layer_decay", "unfreeze_epochs", "groups")


@dataclass(frozen=True, kw_only=True)
class Technique:
    """A technique that a recipe uses, and the overrides that take it away."""

    name: str
    overrides: tuple[str, ...]


def techniques(loaded: LoadedRecipe) -> list[Technique]:
    """Return the techniques that a recipe uses, without those that it cannot do without."""
    found = [Technique(name=name, overrides=tuple(override_lines(changes))) for name, changes in _off(loaded)]
    return [technique for technique in found if _is_taken(loaded, technique)]


def _off(loaded: LoadedRecipe) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield what each technique is called, and the keys that take it away."""
    from zoo.evaluation.report.diagnosis.network import DROP_RATES, settings_of

    recipe, tree = loaded.recipe, loaded.tree()
    for i, step in enumerate(recipe.augment):
        yield words(step.kind), {"augment": [other for j, other in enumerate(tree["augment"]) if j != i]}
    if len(recipe.augment) > 1:
        yield "all augmentation", {"augment": []}
    for key in _ZEROED:
        if getattr(recipe.regularization, key):
            yield key, {f"regularization.{key}": 0.0}
    for key, title in (("label_smoothing", "label smoothing"), ("class_weights", "class weights")):
        if getattr(recipe.loss, key, None):
            yield title, {f"loss.{key}": 0.0 if key == "label_smoothing" else None}
    optimizer, rate = recipe.optimizer, recipe.optimizer.learning_rate
    if not isinstance(rate, int | float):
        if rate.schedule in ("warmup_cosine", "warmup_linear"):
            fall: dict[str, Any] = {"schedule": "cosine", "peak": rate.peak, "final": rate.final}
            if rate.schedule == "warmup_linear":
                fall = {"schedule": "polynomial", "initial": rate.peak, "final": rate.final}
            yield "warmup", {"optimizer.learning_rate": fall}
        yield "schedule", {"optimizer.learning_rate": getattr(rate, "peak", getattr(rate, "initial", None))}
    if optimizer.weight_decay:
        yield "weight decay", {"optimizer.weight_decay": 0.0}
    for key in _REMOVED:
        if getattr(optimizer, key) is not None:
            yield words(key), {f"optimizer.{key}": None}
    if recipe.regularization.early_stopping is not None:
        yield "early stopping", {"regularization.early_stopping": None}
    if recipe.training.select == "best":
        yield "best epoch", {"training.select": "last"}
    for name in DROP_RATES:
        if settings_of(recipe).get(name):
            yield words(name), {f"model.{name}": 0.0}
    if recipe.model.ensemble is not None:
        yield "ensemble", {"model.ensemble": None}
    if recipe.model.pretrained is not None:
        yield "pretrained weights", {"model.pretrained": None, "model.freeze": False, "model.lora": None}


def _is_taken(loaded: LoadedRecipe, technique: Technique) -> bool:
    try:
        return overridden(loaded, technique.overrides).recipe != loaded.recipe
    except ZooError:
        return False


def ablate(
    recipe: str | Path,
    overrides: Overrides = (),
    *,
    data: Any = None,
    target: str | None = None,
    seeds: int = 1,
    folder: str | Path | None = None,
    console: Console | None = None,
    stop: StopRequests | None = None,
) -> dict[str, Any]:
    """Train a recipe as it is, and without each of its techniques, and compare them on validation.

    Args:
        recipe: a shipped recipe (`cnn/digits`) or the path of a recipe file.
        overrides: `key.path=value`.
        data: in place of the recipe's source, as `zoo.train` takes it.
        target: likewise.
        seeds: trainings of each, whose figures are averaged.
        folder: where the runs are kept; `ablations/` and the recipe's name where it is left out. A second call
            continues where an earlier one was stopped.
        console: where progress is shown; the cell, in a notebook, and nowhere in other programs, where it is left out.
        stop: what signals ask for.

    Returns:
        What `ablation.json` in the folder holds: `recipe`, `metric`, `greater_is_better`, `validation` and `seeds` of
        the recipe itself; and `techniques`, each with `name`, `overrides`, `validation`, `difference` (what it brings:
        positive is better with it), `interval` (95%, paired, over the validation examples), `seeds` (the difference of
        each), `relation` (`helps`, `harms` or `no clear difference`), `note` and `runs`.

    Raises:
        ZooError: a problem with the recipe or the data; a recipe without techniques; or its own training failed.
    """
    console = console or default_console()
    what = given(data, target)
    loaded = what.load(recipe, overrides)
    check_comparable(loaded.recipe.task)
    start_keras(loaded.recipe.training.processors)
    parts = techniques(loaded)
    if not parts:
        raise ZooError(f"{loaded.name} uses no technique that could be left out")
    place = Path(folder) if folder is not None else Path("ablations") / loaded.name
    place.mkdir(parents=True, exist_ok=True)
    with locked(place / ".lock", f"{place}: another process works on this ablation"):
        check_data(loaded, what.memory)
        console.print(headline(loaded.name, f"{len(parts)} techniques, each left out in turn, in {place}"))
        first = loaded.recipe.training.seed

        def train(name: str, changes: tuple[str, ...]) -> list[Validated]:
            found = []
            for seed in range(first, first + seeds):
                console.print(f"{name}, seed {seed}", markup=False)
                without_baseline = override_lines({"evaluation.baseline": None, "evaluation.baselines": None})
                one = trial_recipe(loaded, [*without_baseline, *changes, f"training.seed={seed}"])
                run = place / f"{name.replace(' ', '_')}-seed-{seed}"
                train_trial(one, run, memory=what.memory, console=console, stop=stop)
                found.append(validate(run, what.memory))
            return found

        own = train("recipe", ())
        result: dict[str, Any] = {
            "recipe": loaded.name,
            "metric": own[0].task.primary,
            "greater_is_better": own[0].task.greater_is_better,
            "validation": _mean(own),
            "seeds": [each.figure for each in own],
            "techniques": [],
        }
        for part in parts:
            try:
                found, note = train(f"without {part.name}", part.overrides), ""
            except ZooError as error:
                found, note = [], str(error)
            result["techniques"].append(_row(part, own, found, note))
            write_json(place / "ablation.json", result)
    return result


def _mean(runs: list[Validated]) -> float | None:
    figures = [each.figure for each in runs]
    known = [value for value in figures if value is not None]
    return float(np.mean(known)) if known and len(known) == len(figures) else None


def _row(part: Technique, own: list[Validated], found: list[Validated], note: str) -> dict[str, Any]:
    from zoo.evaluation.metrics.intervals import percentile_interval

    row: dict[str, Any] = {"name": part.name, "overrides": list(part.overrides), "validation": _mean(found)}
    row |= {"difference": None, "interval": None, "seeds": [], "relation": "not trained", "note": note}
    if not found or row["validation"] is None or _mean(own) is None:
        return row
    sign = 1 if own[0].task.greater_is_better else -1
    row["seeds"] = [sign * (a.figure - b.figure) for a, b in zip(own, found, strict=True) if a.figure and b.figure]
    row["difference"] = sign * ((_mean(own) or 0.0) - row["validation"])
    drawn = [drawn_figures(a) - drawn_figures(b) for a, b in zip(own, found, strict=True)]
    row["interval"] = percentile_interval(sign * np.mean(drawn, axis=0)) if len(drawn[0]) > 1 else None
    low, high = row["interval"] or (row["difference"], row["difference"])
    row["relation"] = "helps" if low > 0 else "harms" if high < 0 else "no clear difference"
    return row


def summary(result: dict[str, Any]) -> list[str]:
    """Return a table of what each technique brings, the most helpful first, for a person to read."""
    metric, own = result["metric"], result["validation"]
    lines = [f"{result['recipe']}: {metric} on validation {'not finite' if own is None else f'{own:.4f}'}"]
    lines.append(f"{'without':28} {metric:>12}  {'brings':>9}  95% interval")
    order = sorted(result["techniques"], key=lambda row: -(row["difference"] or 0.0))
    for row in order:
        if row["difference"] is None:
            lines.append(f"{row['name']:28} {row['note'] or 'not finite'}")
            continue
        low, high = row["interval"] or [row["difference"]] * 2
        bounds = f"{low:+.4f} to {high:+.4f}"
        lines.append(
            f"{row['name']:28} {row['validation']:>12.4f}  {row['difference']:>+9.4f}  {bounds:20} {row['relation']}"
        )
    return lines
