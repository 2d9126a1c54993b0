"""`zoo curve`: the learning curve of a recipe, its figure on validation against the number of training examples."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from zoo.backend.startup import start_keras
from zoo.commands.given_data import given
from zoo.commands.learning_rate import check_output
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
from zoo.recipe import LoadedRecipe
from zoo.recipe.overrides import Overrides, override_lines
from zoo.recipe.task import task_of
from zoo.utils.console import headline
from zoo.utils.files import replacing, write_json
from zoo.utils.lock import locked
from zoo.utils.notebook import default_console
from zoo.utils.stopping import StopRequests

FRACTIONS = (0.1, 0.18, 0.32, 0.56, 1.0)
MIN_STEPS = 2_000  # of training: a smaller part of the examples is trained for as many, or as many as all of them are
MIN_GAIN = 0.01  # of the error: a gain whose 95% interval begins above it is clear
MAX_LONGER = 20  # times the epochs


def curve(
    recipe: str | Path,
    overrides: Overrides = (),
    *,
    data: Any = None,
    target: str | None = None,
    fractions: Sequence[float] = FRACTIONS,
    seeds: int = 1,
    folder: str | Path | None = None,
    output: str | Path | None = None,
    console: Console | None = None,
    stop: StopRequests | None = None,
) -> dict[str, Any]:
    """Train a recipe on parts of its training examples, and fit a power law to its error on validation.

    A smaller part lies in a larger one (`data.train_fraction`), and all are validated on the same examples. A part is
    trained for more epochs, so that it has as many steps as all examples, or 2,000; at most 20 times the epochs.

    Args:
        recipe: a shipped recipe (`cnn/digits`) or the path of a recipe file.
        overrides: `key.path=value`.
        data: in place of the recipe's source, as `zoo.train` takes it.
        target: likewise.
        fractions: of the training examples, at least four.
        seeds: trainings of each part, whose errors are averaged.
        folder: where the runs are kept; `curves/` and the recipe's name where it is left out. A second call
            continues where an earlier one was stopped.
        output: PNG or SVG file for the curve, beside `curve.svg` in the folder.
        console: where progress is shown; the cell, in a notebook, and nowhere in other programs, where it is left out.
        stop: what signals ask for.

    Returns:
        What `curve.json` in the folder holds: `recipe`, `metric`, `greater_is_better`; `points`, each with `fraction`,
        `examples`, `validation`, `interval` (95%, over the validation examples), `seeds` (each one's figure), `train`
        and `runs`; `law` with `floor`, `gain`, `exponent`; `twice` with `examples`, `validation`, `interval`, `gain`
        (of error, below that of the law at all examples) and `gain_interval`; and `verdict`, a sentence.

    Raises:
        ZooError: a problem with the recipe, the data or the fractions; or a training that failed.
    """
    console = console or default_console()
    check_output(None if output is None else Path(output))
    chosen = sorted(set(fractions))
    if len(chosen) < 4 or not all(0 < fraction <= 1 for fraction in chosen):
        raise ZooError(f"--fractions: expected four or more different numbers above 0, 1 at most; received {chosen}")
    what = given(data, target)
    loaded = what.load(recipe, overrides)
    if loaded.recipe.data.train_fraction is not None or loaded.recipe.data.per_class is not None:
        raise ZooError(f"{loaded.name}: data.train_fraction or data.per_class is set, which the curve varies; leave it")
    check_comparable(loaded.recipe.task)
    start_keras(loaded.recipe.training.processors)
    place = Path(folder) if folder is not None else Path("curves") / loaded.name
    place.mkdir(parents=True, exist_ok=True)
    with locked(place / ".lock", f"{place}: another process works on this curve"):
        count = check_data(loaded, what.memory)
        console.print(headline(loaded.name, f"learning curve in {place}, {count:,} training examples"))
        points, found = [], []
        for fraction in chosen:
            runs = []
            for seed in range(loaded.recipe.training.seed, loaded.recipe.training.seed + seeds):
                part = _part(loaded, fraction, count, seed)
                run = place / f"{fraction:g}-seed-{seed}"
                console.print(f"{fraction:.0%} of the training examples, seed {seed}")
                train_trial(part, run, memory=what.memory, console=console, stop=stop)
                runs.append((run, validate(run, what.memory)))
            points.append(_point(fraction, runs))
            found.append([each for _, each in runs])
        result = _result(loaded, points, found)
        write_json(place / "curve.json", result)
        draw(place / "curve.svg", result)
        if output is not None:
            draw(Path(output), result)
    return result


def _part(loaded: LoadedRecipe, fraction: float, count: int, seed: int) -> LoadedRecipe:
    """Return the recipe for a part of the examples: with as many steps, and batches that it fills."""
    training, size = loaded.recipe.training, max(1, round(fraction * count))
    batch = min(training.batch_size, size)
    own, all_steps = size // batch, count // training.batch_size * training.epochs
    wanted = max(own * training.epochs, min(all_steps, MIN_STEPS))
    epochs = min(math.ceil(wanted / own), MAX_LONGER * training.epochs)
    changes: dict[str, Any] = {"evaluation.baseline": None, "evaluation.baselines": None, "training.seed": seed}
    if fraction < 1:
        changes |= {"data.train_fraction": fraction, "training.epochs": epochs, "training.batch_size": batch}
        early = loaded.recipe.regularization.early_stopping
        if early is not None:
            patience = round(early.patience * epochs / training.epochs)
            changes["regularization.early_stopping.patience"] = max(1, patience)
    return trial_recipe(loaded, override_lines(changes))


def _point(fraction: float, runs: list[tuple[Path, Validated]]) -> dict[str, Any]:
    reports = [each.report for _, each in runs]
    metric = runs[0][1].task.primary
    figures = [each.figure for _, each in runs]
    if any(value is None for value in figures):
        raise ZooError(f"{runs[0][0]}: {metric} on validation is not finite, and no curve goes through it")
    return {
        "fraction": fraction,
        "examples": reports[0]["data"]["splits"]["train"],
        "validation": float(np.mean([value for value in figures if value is not None])),
        "seeds": figures,
        "train": _mean_in_training(reports, metric),
        "runs": [str(run) for run, _ in runs],
    }


def _mean_in_training(reports: list[dict[str, Any]], metric: str) -> float | None:
    values = [(report["metrics"].get("train") or {}).get(metric) for report in reports]
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if len(known) == len(values) else None


def _result(loaded: LoadedRecipe, points: list[dict[str, Any]], found: list[list[Validated]]) -> dict[str, Any]:
    from zoo.evaluation.metrics.intervals import percentile_interval
    from zoo.evaluation.metrics.learning_curve import fit_power_law, resampled_laws

    task = task_of(loaded.recipe)
    rises = task.greater_is_better

    def turn(value: Any) -> Any:
        return 1 - np.asarray(value) if rises else np.asarray(value)

    drawn = np.stack([np.mean([drawn_figures(each) for each in one], axis=0) for one in found], axis=1)
    for point, column in zip(points, drawn.T, strict=True):
        point["interval"] = percentile_interval(column)
    sizes, errors = np.array([p["examples"] for p in points]), turn([p["validation"] for p in points])
    law = fit_power_law(sizes, errors)
    twice = 2 * law.largest
    laws = resampled_laws(sizes, errors, turn(drawn), seed=loaded.recipe.training.seed)
    interval = percentile_interval(turn(np.array([each.error(twice) for each in laws])))
    gains = percentile_interval(np.array([each.error(each.largest) - each.error(twice) for each in laws]))
    value = float(turn(law.error(twice)))
    gain = float(law.error(law.largest) - law.error(twice))
    result = {
        "recipe": loaded.name,
        "metric": task.primary,
        "greater_is_better": rises,
        "points": points,
        "law": {"floor": law.floor, "gain": law.gain, "exponent": law.exponent, "largest": law.largest},
        "twice": {"examples": twice, "validation": value, "interval": interval, "gain": gain, "gain_interval": gains},
    }
    return {**result, "verdict": _verdict(result)}


def _verdict(result: dict[str, Any]) -> str:
    from zoo.evaluation.metrics.names import TITLES

    twice, last = result["twice"], result["points"][-1]
    bounds = twice["interval"]
    said = f" ({bounds[0]:.4g} to {bounds[1]:.4g})" if bounds else ""
    text = (
        f"{twice['examples']:,} training examples, twice as many, would bring {TITLES[result['metric']]} from "
        f"{last['validation']:.4g} to {twice['validation']:.4g}{said}"
    )
    error = 1 - last["validation"] if result["greater_is_better"] else last["validation"]
    least = twice["gain_interval"][0] if twice["gain_interval"] else twice["gain"]
    return f"{text}: {'more data helps' if least > MIN_GAIN * abs(error) else 'no clear gain'}"


def draw(path: Path, result: dict[str, Any]) -> None:
    """Write the curve to a PNG or SVG file: the figure at each size, and the law, to twice the examples."""
    from zoo.evaluation.metrics.learning_curve import PowerLaw
    from zoo.evaluation.metrics.names import PERCENT, TITLES
    from zoo.evaluation.report.plots import FIRST, QUIET, SECOND, new_figure, percent

    law = PowerLaw(**result["law"])
    figure, axes = new_figure(width=6.0, height=3.5)
    sizes = [point["examples"] for point in result["points"]]
    values = [point["validation"] for point in result["points"]]
    bounds = [point["interval"] or [v, v] for point, v in zip(result["points"], values, strict=True)]
    spread = np.abs(np.array(bounds).T - values)
    x = np.geomspace(min(sizes), 2 * max(sizes), 200)
    errors = np.array([law.error(n) for n in x])
    axes.plot(x, 1 - errors if result["greater_is_better"] else errors, color=QUIET, label="power law")
    axes.errorbar(sizes, values, yerr=spread, fmt="o", color=FIRST, capsize=3, label="validation, 95% interval")
    twice = result["twice"]
    low, high = twice["interval"] or [twice["validation"]] * 2
    side = np.abs(np.array([[low], [high]]) - twice["validation"])
    axes.errorbar(
        [twice["examples"]], [twice["validation"]], yerr=side, fmt="o", color=SECOND, capsize=3, label="twice the data"
    )
    axes.set_xscale("log")
    axes.set_xlabel("training examples")
    axes.set_ylabel(TITLES[result["metric"]])
    if result["metric"] in PERCENT:
        percent(axes.yaxis)
    axes.legend(loc="best", fontsize=9)
    try:
        with replacing(path) as temporary:
            figure.savefig(temporary, dpi=150)
    except OSError as error:
        raise ZooError(f"--output: cannot write {path} ({error.strerror})") from error


def summary(result: dict[str, Any]) -> list[str]:
    """Return a table of the points, and what twice the data would bring, for a person to read."""
    lines = [f"{'examples':>10}  {result['metric']:>12}  95% interval"]
    for point in result["points"]:
        low, high = point["interval"] or [point["validation"]] * 2
        lines.append(f"{point['examples']:>10,}  {point['validation']:>12.4f}  {low:.4f} to {high:.4f}")
    law = result["law"]
    lines.append(f"error = {law['floor']:.4g} + {law['gain']:.4g} (n / {law['largest']:,})^-{law['exponent']:.3g}")
    return [*lines, result["verdict"]]
