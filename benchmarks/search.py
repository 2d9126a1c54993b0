"""What a search is worth: the recipe that it finds against the recipe as it is, on the test split, with several seeds.

python benchmarks/search.py RECIPE [KEY=VALUE …] [--tuners random bayesian hyperband] [--trials 20] [--seeds 0 1 2]
    [--folder FOLDER]

Each tuner searches the recipe's own space, by the validation split alone; its best recipe is then trained with each
seed, as the recipe itself is. Stopped, the same command with the same folder resumes it.
"""

from __future__ import annotations

import argparse
import statistics
from pathlib import Path
from typing import Any

from results import SEARCHES, searches
from rich.console import Console

from zoo.commands.train import train
from zoo.commands.tune import tune
from zoo.tasks import TASKS
from zoo.training.run import hardware, versions
from zoo.utils.files import read_json, write_json

OWN = "the recipe itself"


def test_metrics(name: str, recipe: str, overrides: list[str], seeds: list[int], folder: Path, console: Console) -> Any:
    """Return the test metric of a recipe with each seed; runs that are there are not trained again."""
    found = []
    for seed in seeds:
        known = folder / f"{name} {seed}.json"
        if not known.is_file():
            run = train(recipe, [*overrides, f"training.seed={seed}"], runs=folder / "runs", export=False)
            report = read_json(run / "report.json")
            write_json(known, report["metrics"]["test"][TASKS[report["task"]].primary])
        found.append(read_json(known))
        console.print(f"{name}, seed {seed}: {found[-1]:.4f}")
    return found


def main() -> None:
    """Search, train, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe")
    parser.add_argument("overrides", nargs="*")
    parser.add_argument("--tuners", nargs="+", default=["random", "bayesian", "hyperband"])
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--folder", type=Path, default=Path("searches/benchmark"))
    given = parser.parse_args()
    console, folder = Console(stderr=True), given.folder / given.recipe
    rows: dict[str, dict[str, Any]] = {}
    for tuner in given.tuners:
        budget = [f"search.tuner={tuner}", f"search.max_trials={given.trials}"]
        report = tune(given.recipe, [*given.overrides, *budget], folder=folder / tuner, console=console)
        metrics = test_metrics(tuner, report["best_recipe"], [], given.seeds, folder, console)
        best, own = report["best"], report["own"]
        rows[tuner] = {
            "test": metrics,
            "validation": best["figure"],
            "own_validation": own["figure"],
            "values": best["values"],
            "trial": best["number"],
            "seconds": report["seconds"],
        }
    rows[OWN] = {"test": test_metrics("own", given.recipe, given.overrides, given.seeds, folder, console)}
    results = read_json(SEARCHES) if SEARCHES.is_file() else {}
    name = " ".join([given.recipe, *given.overrides])
    objective, task = report["objective"], report["task"]
    known = results.get(name, {})
    if (known.get("trials"), known.get("seeds")) == (given.trials, given.seeds):
        rows = {**known["rows"], **rows}  # of tuners that were not asked for this time
    results[name] = {
        "objective": objective,
        "metric": TASKS[task].primary,
        "trials": given.trials,
        "seeds": given.seeds,
        "rows": rows,
        "versions": versions(),
        "hardware": hardware(),
    }
    write_json(SEARCHES, results)
    for name, row in rows.items():
        console.print(f"{name}: {statistics.fmean(row['test']):.4f}")
    print(searches())


if __name__ == "__main__":
    main()
