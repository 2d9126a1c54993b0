"""Does the diagnosis name what went wrong in a training, and does its first edit help?

    python benchmarks/training_failures.py [NAME …]

Seven failures are planted in small recipes: a rate that is 100 times too high, a network far too small, no
regularisation on 500 images, shuffled labels, a leaked test set, a wrong loss, too few epochs. Each is trained and
diagnosed, and then trained with the first edit of its diagnosis (`zoo train --apply 1`). Ten good runs are to be called
good. Names of cases run these alone. Takes some minutes; results are in `benchmarks/results/training_failures.json`.

An edit improves validation where its metric is better. Two failures have nothing to improve it by: labels that are
shuffled cannot be told, so that the log loss counts; and a leaked test set is mended where its figure comes nearer to
that of validation.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import zoo

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "training_failures.json"
CANVAS = 14  # pixels of the side of an image in which a digit of 8 is placed at random

_PLAIN = """
extends: [_base/image_classification, _base/adamw_cosine]
data: {source: "npz:%s"}
model: {name: mlp, widths: [64], norm: batch}
optimizer: {learning_rate: {peak: 3e-3}, weight_decay: 0.0}
training: {batch_size: 64, epochs: 20}
evaluation: {baseline: logistic_regression, baselines: []}
"""
_DIGITS = _PLAIN.replace('"npz:%s"', '"builtin:digits"')
_TABLE = """
extends: [_base/tabular_classification, _base/adamw_cosine]
data: {source: "npz:%s"}
model: {name: mlp, widths: [64, 64]}
optimizer: {learning_rate: {peak: 3e-3}}
training: {batch_size: 64, epochs: 40}
evaluation: {baseline: logistic_regression, baselines: []}
"""
_NUMBERS = _TABLE.replace("classification", "regression").replace("logistic_regression", "ridge")


@dataclass(frozen=True, kw_only=True)
class Case:
    """A training.

    Attributes:
        recipe: its text, or the name of a shipped one.
        overrides: `key.path=value`.
        state: the verdict that is right.
        arrays: makes what the recipe's `%s` holds.
        improves_by: what the first edit has to improve: "metric", "log_loss", or "gap" between test and validation.
    """

    recipe: str
    overrides: tuple[str, ...] = ()
    state: str = "good"
    arrays: Callable[[], dict[str, np.ndarray]] | None = None
    improves_by: str = "metric"


def _digits() -> tuple[np.ndarray, np.ndarray]:
    from zoo.data.builtin.measured import digit_images

    images, labels = digit_images()
    order = np.random.default_rng(0).permutation(len(images))
    return images[order][..., None], labels[order]


def _shuffled() -> dict[str, np.ndarray]:
    images, labels = _digits()
    return {"x": images, "y": np.random.default_rng(1).permutation(labels)}


def _scattered(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return digits at random places of a larger image."""
    images, labels = _digits()
    generator = np.random.default_rng(2)
    canvas = np.zeros((count, CANVAS, CANVAS, 1), np.uint8)
    for image, digit, (row, column) in zip(canvas, images, generator.integers(0, CANVAS - 7, (count, 2)), strict=False):
        image[row : row + 8, column : column + 8] = digit
    return canvas, labels[:count]


def _few() -> dict[str, np.ndarray]:
    x, y = _scattered(1000)
    return {"x_train": x[:500], "y_train": y[:500], "x_test": x[500:], "y_test": y[500:]}


def _leaked() -> dict[str, np.ndarray]:
    x, y = _scattered(900)
    return {"x_train": x, "y_train": y, "x_test": x[:300], "y_test": y[:300]}


def _made(name: str, **settings: Any) -> Callable[[], dict[str, np.ndarray]]:
    def make() -> dict[str, np.ndarray]:
        from sklearn import datasets

        x, y = getattr(datasets, name)(random_state=0, **settings)
        return {"x": x.astype(np.float32), "y": y}

    return make


FAILURES = {
    "rate x100": Case(
        recipe="mlp/digits",
        overrides=("optimizer.learning_rate.peak=3", "training.epochs=20", "evaluation.baselines=[]"),
        state="diverging",
    ),
    "network far too small": Case(recipe=_DIGITS, overrides=("model.widths=[2]",), state="underfitting"),
    "no regularisation, 500 images": Case(
        recipe=_PLAIN,
        arrays=_few,
        overrides=("data.validation=0.3", "model.widths=[256]", "training.batch_size=32", "training.epochs=80"),
        state="overfitting",
    ),
    "shuffled labels": Case(recipe=_PLAIN, arrays=_shuffled, state="label noise", improves_by="log_loss"),
    "leaked test set": Case(
        recipe=_PLAIN,
        arrays=_leaked,
        overrides=("data.accept=[leaked_examples, near_duplicates]", "training.epochs=40"),
        state="suspicious",
        improves_by="gap",
    ),
    "wrong loss": Case(
        recipe="mlp/diabetes",
        overrides=(
            "loss={name: quantile, quantile: 0.95}",
            *("evaluation.baseline=ridge", "evaluation.baselines=[]"),
        ),
        state="underfitting",
    ),
    "too few epochs": Case(recipe=_DIGITS, overrides=("training.epochs=2",), state="too short"),
}
GOOD = {
    "mlp/wine": Case(recipe="mlp/wine"),
    "mlp/wine, seed 1": Case(recipe="mlp/wine", overrides=("training.seed=1",)),
    "mlp/breast_cancer": Case(recipe="mlp/breast_cancer"),
    "mlp/breast_cancer, seed 1": Case(recipe="mlp/breast_cancer", overrides=("training.seed=1",)),
    "mlp/digits": Case(recipe="mlp/digits"),
    "mlp/digits, seed 1": Case(recipe="mlp/digits", overrides=("training.seed=1",)),
    "cnn/digits, 15 epochs": Case(recipe="cnn/digits", overrides=("training.epochs=15",)),
    "moons": Case(recipe=_TABLE, arrays=_made("make_moons", n_samples=1500, noise=0.2)),
    "friedman1": Case(
        recipe=_NUMBERS,
        overrides=("model.widths=[32]", "training.epochs=20"),
        arrays=_made("make_friedman1", n_samples=1500, noise=1.0),
    ),
    "classes": Case(
        recipe=_TABLE,
        arrays=_made("make_classification", n_samples=2000, n_informative=8, n_classes=4, class_sep=1.5),
    ),
}


def run_case(name: str, case: Case, folder: Path) -> dict[str, Any]:
    """Train a case, and, where it is a failure, with the first edit; return what came of it."""
    recipe: str | Path = case.recipe
    place = folder / name.replace("/", "_").replace(" ", "_").replace(",", "")
    place.mkdir()
    if "\n" in case.recipe:
        text = case.recipe
        if case.arrays is not None:
            np.savez(place / "data.npz", allow_pickle=False, **case.arrays())
            text = text % (place / "data.npz")
        recipe = place / "case.yaml"
        recipe.write_text(text, encoding="utf-8")
    started = time.perf_counter()
    run = zoo.train(recipe, case.overrides, runs=place, export=False)
    found = _facts(run)
    diagnosis = run.report.facts["diagnosis"]
    row = {
        "name": name,
        "expected": case.state,
        "state": diagnosis["state"],
        "evidence": diagnosis["evidence"],
        "edits": diagnosis["edits"],
        "before": found,
    }
    if case.state != "good" and diagnosis["edits"]:
        after = _facts(zoo.train(run, apply=1, runs=place, export=False))
        row |= {"after": after, "improves_by": case.improves_by, "improved": _is_improved(case, found, after)}
    return row | {"seconds": round(time.perf_counter() - started, 1)}


def _facts(run: zoo.Run) -> dict[str, Any]:
    facts = run.report.facts
    metric, figures = facts["metric"], facts["metrics"]
    found = {split: figures[split][metric] for split in ("train", "validation", "test")}
    return {"metric": metric, **found, "log_loss": figures["validation"].get("log_loss")}


def _is_improved(case: Case, before: dict[str, Any], after: dict[str, Any]) -> bool:
    if case.improves_by == "gap":
        return bool(abs(after["test"] - after["validation"]) < abs(before["test"] - before["validation"]))
    if case.improves_by == "log_loss":
        return bool(after["log_loss"] < before["log_loss"])
    rises = before["metric"] == "accuracy"
    return bool(after["validation"] > before["validation"] if rises else after["validation"] < before["validation"])


def main(names: list[str]) -> int:
    """Run all cases, or those that are named; return how many are not as they should be."""
    known = json.loads(RESULTS.read_text(encoding="utf-8"))["cases"] if RESULTS.is_file() else []
    rows = {row["name"]: row for row in known}
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        for name, case in {**FAILURES, **GOOD}.items():
            if names and name not in names:
                continue
            row = rows[name] = run_case(name, case, Path(folder))
            is_right = row["state"] == case.state and row.get("improved", True)
            wrong += not is_right
            print(_line(row, is_right), flush=True)
            ordered = [rows[each] for each in (*FAILURES, *GOOD) if each in rows]
            RESULTS.write_text(json.dumps({"cases": ordered}, indent=2) + "\n", encoding="utf-8")
    print(f"{wrong} not as they should be")
    return wrong


def _line(row: dict[str, Any], is_right: bool) -> str:
    text = f"{'ok ' if is_right else 'BAD'} {row['name']:30} {row['state']:14}"
    figure = f"{row['before']['metric']} {row['before']['validation']:.4g}"
    if "after" not in row:
        return f"{text} {figure}"
    edit = " ".join(row["edits"][0]["overrides"])
    return f"{text} {figure} -> {row['after']['validation']:.4g} ({row['improves_by']}) by {edit}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
