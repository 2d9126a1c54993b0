"""How much an encoder that was trained without labels helps where labels are scarce, on Fashion-MNIST.

python benchmarks/scarce_labels.py --simclr RUN --mae RUN [--labels 10 100] [--seeds 0 1 2] [--ways WAY …]

RUN is a run of representation/fashion_mnist_simclr or representation/fashion_mnist_mae. The network of the encoder is
trained on N labelled images of each class (`--labels N`) in three ways, with the same recipe: from scratch, from the
encoder's weights, and with the encoder frozen. The fourth way is a linear probe: logistic regression on the encoder's
embeddings, scaled to unit length because training compares directions; its penalty is chosen on validation.
"""

from __future__ import annotations

import argparse
import statistics
from pathlib import Path
from typing import Any

import numpy as np
from results import SCARCE, scarce_labels
from rich.console import Console
from sklearn.linear_model import LogisticRegression

from zoo.commands.train import train
from zoo.data.sources.load import load_dataset
from zoo.recipe import load_recipe
from zoo.tasks import TASKS
from zoo.training.run import hardware, open_run, versions
from zoo.training.saved_model import load_model
from zoo.training.saved_outputs import saved_outcomes
from zoo.utils.files import read_json, write_json

RECIPES = {"simclr": "cnn/fashion_mnist_scarce", "mae": "transformer/fashion_mnist_vit_scarce"}
WAYS = {
    "from scratch": [],
    "fine-tuned": ["model.pretrained={run}", "optimizer.layer_decay=0.7"],
    "head alone": ["model.pretrained={run}", "model.freeze=true", "optimizer.learning_rate.peak=0.03"],
}
PROBE = "linear probe"
PENALTIES = (0.01, 0.1, 1.0, 10.0)


def linear_probe(name: str, run: str, overrides: list[str]) -> float:
    """Return the test accuracy of logistic regression on the embeddings of the labelled images."""
    recipe = load_recipe(RECIPES[name], overrides).recipe
    dataset = load_dataset(recipe.data, TASKS[recipe.task], recipe.preprocess)
    splits, model = (dataset.train, dataset.validation, dataset.test), load_model(open_run(run))
    task = TASKS["representation_learning"]
    embeddings = (saved_outcomes(model, split, dataset.signature, task) for split in splits)
    train, validation, test = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in embeddings)
    mean, unit = train.mean(0), float(train.std(0).mean())  # one unit: few examples cannot tell noise from what matters
    train, validation, test = ((x - mean) / unit for x in (train, validation, test))
    y = [split.targets for split in splits]
    fitted = [LogisticRegression(C=c, max_iter=1000).fit(train, y[0]) for c in PENALTIES]
    best = max(fitted, key=lambda candidate: candidate.score(validation, y[1]))
    return float(best.score(test, y[2]))


def measure(
    name: str, run: str, *, labels: int, seeds: list[int], ways: list[str], runs: Path, console: Console
) -> dict[str, Any]:
    """Train in each of the ways and return the test accuracies."""
    row: dict[str, Any] = {"encoder": open_run(run).name, "recipe": RECIPES[name], "labels": labels, "accuracy": {}}
    for way in ways:
        found = []
        for seed in seeds:
            drawn = [f"data.per_class={labels}", f"data.split_seed={seed}"]
            if way == PROBE:
                found.append(linear_probe(name, run, drawn))
                continue
            given = [*(o.format(run=run) for o in WAYS[way]), *drawn, f"training.seed={seed}"]
            if labels > 10:
                given += ["training.epochs=40"]
            folder = train(RECIPES[name], given, runs=runs, export=False, console=Console(quiet=True))
            found.append(read_json(folder / "report.json")["metrics"]["test"]["accuracy"])
        row["accuracy"][way] = found
        console.print(f"{name}, {labels} a class, {way}: {statistics.mean(found):.4f} {found}")
    return {**row, "versions": versions(), "hardware": hardware()}


def main() -> None:
    """Measure and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in RECIPES:
        parser.add_argument(f"--{name}", metavar="RUN")
    parser.add_argument("--labels", type=int, nargs="+", default=[10, 100])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--ways", nargs="+", default=[*WAYS, PROBE], choices=[*WAYS, PROBE], metavar="WAY")
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    given = parser.parse_args()
    chosen = {name: getattr(given, name) for name in RECIPES if getattr(given, name)}
    if not chosen:
        parser.error("give --simclr RUN, --mae RUN, or both")
    console = Console()
    kept = read_json(SCARCE)["rows"] if SCARCE.is_file() else []
    for name, run in chosen.items():
        for labels in given.labels:
            row = measure(
                name, run, labels=labels, seeds=given.seeds, ways=given.ways, runs=given.runs, console=console
            )
            same = [r for r in kept if (r["encoder"], r["labels"]) == (row["encoder"], row["labels"])]
            row["accuracy"] = {**(same[0]["accuracy"] if same else {}), **row["accuracy"]}
            kept = [r for r in kept if r not in same] + [row]
            write_json(SCARCE, {"seeds": given.seeds, "rows": kept})
    console.print(scarce_labels(), markup=False)
    console.print(f"Kept in {SCARCE}; `python benchmarks/results.py write` puts it into the README")


if __name__ == "__main__":
    main()
