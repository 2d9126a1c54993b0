"""How well an autoencoder detects a class that it has not seen, each class in turn, beside both baselines.

python benchmarks/anomaly.py [--recipe autoencoder/digits_anomaly] [--seeds 0] [--runs FOLDER]

Each class of the recipe's data is held out once as the abnormal one; results are areas under the ROC curve on test.
"""

from __future__ import annotations

import argparse
import statistics
from pathlib import Path

from results import ANOMALY, anomaly
from rich.console import Console
from sklearn.metrics import roc_auc_score

from zoo.commands.train import train
from zoo.data.sources.load import load_dataset
from zoo.evaluation.baselines.run import run_baseline
from zoo.recipe import load_recipe
from zoo.tasks import TASKS
from zoo.training.problem import set_up
from zoo.training.run import hardware, versions
from zoo.utils.files import read_json, write_json

FOREST = "isolation_forest"


def measure(recipe: str, abnormal: str, seed: int, runs: Path) -> dict[str, float]:
    """Train with one class held out and return the areas of the model and of both baselines."""
    overrides = [f'data.abnormal=["{abnormal}"]', f"training.seed={seed}"]
    folder = train(recipe, [*overrides, "evaluation.baseline=pca_error"], runs=runs, export=False)
    report = read_json(folder / "report.json")
    loaded = load_recipe(recipe, [*overrides, f"evaluation.baseline={FOREST}"]).recipe
    problem = set_up(loaded, load_dataset(loaded.data, TASKS[loaded.task], loaded.preprocess))
    scores = run_baseline(loaded, problem.dataset, problem.preprocessor, name=str(loaded.evaluation.baseline))["test"]
    return {
        report["model"]: report["metrics"]["test"]["auroc"],
        "PCA error": report["baseline"]["test"]["auroc"],
        "isolation forest": float(roc_auc_score(problem.dataset.test.targets, scores)),
    }


def main() -> None:
    """Measure and keep the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", default="autoencoder/digits_anomaly")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    given = parser.parse_args()
    console = Console()
    data = load_recipe(given.recipe).recipe.data
    rows = []
    for abnormal in load_dataset(data, TASKS["image_classification"]).signature.labels:
        found = [measure(given.recipe, abnormal, seed, given.runs) for seed in given.seeds]
        areas = {way: [f[way] for f in found] for way in found[0]}
        rows.append({"abnormal": abnormal, "auroc": areas})
        means = {way: statistics.mean(values) for way, values in areas.items()}
        console.print(f"{abnormal} held out: " + ", ".join(f"{way} {mean:.4f}" for way, mean in means.items()))
    machine = {"versions": versions(), "hardware": hardware()}
    write_json(ANOMALY, {"recipe": given.recipe, "seeds": given.seeds, "rows": rows, **machine})
    console.print(anomaly(), markup=False)
    console.print(f"Kept in {ANOMALY}; `python benchmarks/results.py write` puts it into the README")


if __name__ == "__main__":
    main()
