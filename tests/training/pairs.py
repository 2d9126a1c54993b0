"""Random pairs and triples of recipe keys over small networks: what each has to hold, whatever is combined.

`python tests/training/pairs.py --count 200` trains so many and prints the counts; a cell takes some seconds.

What holds: the saved file is the model that was measured; a run that was stopped and resumed ends in the bits of one
that was not; training is better than its start; the exported file, of each cell or of some, answers as the saved one.
"""

from __future__ import annotations

import argparse
import itertools
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from unittest import mock

import numpy as np

from zoo.backend.startup import start_keras
from zoo.errors import ZooError
from zoo.recipe import load_recipe

BASES = {
    "cnn": ("cnn/digits", ["model.widths=[4]", "model.depth=1", "augment=[]"]),
    "mlp": ("mlp/digits", ["model.widths=[8, 8]", "augment=[]", "optimizer.learning_rate.peak=0.01"]),
    "lstm": ("lstm/digits", ["model.units=6"]),
    "transformer": (
        "cnn/digits",
        ["model={name: vit_tiny, patch: 4, width: 12, depth: 1, heads: 2}", "augment=[]"],
    ),
    "gan": ("gan/digits", ["model.generator_widths=[8, 4]", "model.discriminator_widths=[4, 8]", "optimizer.ema=null"]),
    "regression": ("mlp/diabetes", ["model.widths=[8, 8]", "regularization.early_stopping=null"]),
}
SHARED = ["training.epochs=4", "training.batch_size=96", "evaluation.baseline=null"]
FIRST = {"gan": "generator*", "cnn": "stage1*", "lstm": "lstm*", "transformer": "block*"}  # layers of a group
NORM = {"cnn": ["batch", "group", "none"], "mlp": ["batch", "layer", "none"], "regression": ["batch", "layer"]}


def rate(schedule: str, **settings: object) -> str:
    """Return the override of a learning rate."""
    given = "".join(f", {key}: {value}" for key, value in settings.items())
    return f"optimizer.learning_rate={{schedule: {schedule}{given}}}"


def values(base: str) -> dict[str, list[list[str]]]:
    """Return the overrides of each key, some to choose from."""
    names = ["sgd", "adam", "adamw", "rmsprop", "adagrad", "lion", "adafactor", "muon", "lamb"]
    found = {
        "optimizer": [[f"optimizer={{name: {name}, learning_rate: {_RATES.get(name, 0.01)}}}"] for name in names],
        "schedule": [
            [rate("cosine", peak=0.01)],
            [rate("warmup_cosine", peak=0.01, warmup=1)],
            [rate("step", initial=0.01, epochs="[2]")],
            [rate("one_cycle", peak=0.01)],
            [rate("reduce_on_plateau", initial=0.01, patience=1, min_delta=0.5)],
        ],
        "ema": [["optimizer.ema=0.9"], ["optimizer.ema=0.999"]],
        "accumulate": [["optimizer.accumulate=2"], ["optimizer.accumulate=3"]],
        "groups": [[f"optimizer.groups=[{{layers: '{FIRST.get(base, '*1*')}', learning_rate: 0.005}}]"]],
        "layer_decay": [["optimizer.layer_decay=0.7"]],
        "unfreeze": [["optimizer.unfreeze_epochs=1"]],
        "clip": [
            ["optimizer.clip_global_norm=0.5"],
            [*_UNCLIPPED, "optimizer.clip_norm=0.5"],
            [*_UNCLIPPED, "optimizer.clip_value=0.1"],
        ],
        "precision": [["training.precision=mixed_bfloat16"], ["training.precision=mixed_float16"]],
        "mixup": [["regularization.mixup=0.4"]],
        "cutmix": [["regularization.cutmix=0.5"]],
        "focal": [["loss={name: focal}"]],
        "class_weights": [["loss.class_weights=balanced"]],
        "penalties": [["regularization.l2=1e-4"], ["regularization.l1=1e-5"]],
        "early_stopping": [["regularization.early_stopping={patience: 1}"]],
        "distribution": [["training.distribution={devices: 2}"]],
        "batch_size": [["training.batch_size=32"], ["training.batch_size=150"]],
        "select": [["training.select=best"], ["training.select=last"]],
    }
    if base in NORM:
        found["norm"] = [[f"model.norm={norm}"] for norm in NORM[base]]
    return found


_UNCLIPPED = ["optimizer.clip_global_norm=null"]
_RATES = {"sgd": 0.1, "lion": 0.002, "adafactor": 0.05}


@dataclass(frozen=True)
class Cell:
    """A network and what it is trained with."""

    base: str
    keys: tuple[str, ...]
    overrides: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.base}: {' '.join(self.overrides)}"


def cells(seed: int, *, without: tuple[str, ...] = (), bases: tuple[str, ...] = tuple(BASES)):
    """Yield cells without end, the same for each seed; what the recipe's checks refuse is among them."""
    draw = random.Random(seed)
    while True:
        base = draw.choice(bases)
        choices = {key: found for key, found in values(base).items() if key not in without}
        keys = draw.sample(sorted(choices), draw.choice((2, 3)))
        keys.sort(key=lambda key: key not in ("optimizer", "focal"))  # these replace a section; the others add to it
        yield Cell(base, tuple(keys), tuple(text for key in keys for text in draw.choice(choices[key])))


class _Stop(Exception):
    """Stands for the end of the process."""


@cache
def _dataset(source: str, task: str, base: str):
    from zoo.data.sources.load import load_dataset
    from zoo.tasks import TASKS

    recipe = load_recipe(*_first(base)).recipe
    return load_dataset(recipe.data, TASKS[task], recipe.preprocess)


def _first(base: str) -> tuple[str, list[str]]:
    name, overrides = BASES[base]
    return name, [*overrides, *SHARED]


def try_cell(cell: Cell, folder: Path, *, export: bool = False) -> str:
    """Train a cell; return "refused", "held", or what does not hold."""
    import keras
    from rich.console import Console

    from zoo.commands.export import exported
    from zoo.training.fit import fit
    from zoo.training.problem import set_up
    from zoo.training.run import create_run
    from zoo.training.saved_as_measured import check_saved
    from zoo.training.saved_model import load_model
    from zoo.utils.files import replacing, write_json

    quiet = Console(quiet=True)
    keras.backend.clear_session()
    name, overrides = _first(cell.base)
    try:
        loaded = load_recipe(name, [*overrides, "training.checkpoints.every_steps=3", *cell.overrides])
        recipe = loaded.recipe
        dataset = _dataset(recipe.data.source, recipe.task, cell.base)
        before = _loss(set_up(recipe, dataset))
        problem = set_up(recipe, dataset)
        run = create_run(loaded, folder)
        fitted = fit(problem, run.folder, quiet)
    except ZooError as error:
        return f"refused: {error}" if "not the one that was measured" not in str(error) else f"saved: {error}"
    weights = problem.views.trained.get_weights()
    with replacing(run.model_path) as path:
        problem.views.saved.save(path)
    model = load_model(run)
    try:
        check_saved(problem, model, fitted.history[fitted.kept_epoch - 1])
    except ZooError as error:
        return f"saved: {error}"
    after = fitted.history[fitted.kept_epoch - 1]["val_loss"]
    if cell.base != "gan" and not after < before:
        return f"no better than its start: {before:.4f}, then {after:.4f}"
    found = _weights_of_resumed(recipe, dataset, folder / "cut")
    if not all(np.array_equal(a, b) for a, b in zip(weights, found, strict=True)):
        return f"resumed differs by {max(float(np.abs(a - b).max()) for a, b in zip(weights, found, strict=True)):.2g}"
    if export:
        write_json(
            run.folder / "data.json", {"fingerprint": dataset.fingerprint, "source": dataset.name, "findings": []}
        )
        try:
            exported(run, dataset, model)
        except ZooError as error:
            return f"exported: {error}"
    return "held"


def _weights_of_resumed(recipe, dataset, folder: Path) -> list[np.ndarray]:
    """Train until the fourth checkpoint, resume, and return the weights."""
    from rich.console import Console

    from zoo.training.callbacks.checkpoints import Checkpoints
    from zoo.training.fit import fit
    from zoo.training.problem import set_up

    quiet = Console(quiet=True)
    count, write = itertools.count(1), Checkpoints._write

    def write_or_stop(self):
        write(self)
        if next(count) == 4:
            raise _Stop

    try:
        with mock.patch.object(Checkpoints, "_write", write_or_stop):
            fit(set_up(recipe, dataset), folder, quiet)
    except _Stop:
        pass
    again = set_up(recipe, dataset)
    fit(again, folder, quiet, resume=True)
    return again.views.trained.get_weights()


def _loss(problem) -> float:
    """Return the validation loss before training."""
    from zoo.data.batches import evaluation_batches
    from zoo.training.fit import compile_for_training

    recipe = problem.recipe
    steps = len(problem.train) // recipe.training.batch_size
    compile_for_training(problem, recipe.optimizer, steps, recipe.training.epochs)
    batches, callbacks = evaluation_batches(problem.validation), list(problem.devices.callbacks)
    with problem.devices.scope():
        found = problem.views.trained.evaluate(batches, verbose=0, return_dict=True, callbacks=callbacks)
    return float(found["loss"])


def main() -> int:
    """Try cells until so many were trained; print what does not hold, and the counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=200, help="cells to train")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--export", type=int, default=5, help="export one in so many cells")
    parser.add_argument("--minutes", type=float, default=1e9, help="stop after so many minutes")
    chosen = parser.parse_args()
    start_keras(2)
    counts: Counter[str] = Counter()
    spread: dict[tuple[str, str], float] = {}
    started = time.monotonic()
    for number, cell in enumerate(cells(chosen.seed)):
        trained = counts.total() - counts["refused"]
        if trained >= chosen.count or time.monotonic() - started > 60 * chosen.minutes:
            break
        with tempfile.TemporaryDirectory() as folder, _recorded(spread, cell):
            try:
                outcome = try_cell(cell, Path(folder), export=trained % chosen.export == 0)
            except Exception as error:  # anything else is a fault, and the next cell is tried
                outcome = f"error: {type(error).__name__}: {' '.join(str(error).split())[:200]}"
        counts[outcome.partition(":")[0]] += 1
        if outcome != "held":
            print(f"{number:4} {cell}\n     {outcome[:300]}", flush=True)
    print(
        ", ".join(f"{count} {outcome}" for outcome, count in counts.most_common()),
        f"{time.monotonic() - started:.0f} s",
    )
    for (stage, precision), largest in sorted(spread.items()):
        print(f"largest difference, {stage} against measured, {precision}: {largest:.2g}")
    return 1 if set(counts) - {"held", "refused"} else 0


@contextmanager
def _recorded(spread: dict[tuple[str, str], float], cell: Cell) -> Iterator[None]:
    """Keep the largest difference between a figure and its epoch's, relative where above 1, by stage and precision."""
    from zoo.training import as_measured, saved_as_measured

    precision = next((text.partition("=")[2] for text in cell.overrides if "precision" in text), "float32")
    compare = as_measured.compare

    def kept(stage: str) -> Callable[..., None]:
        def compared(found: Mapping[str, float], row: Mapping[str, float], tolerance: float) -> None:
            sizes = [abs(found[k] - row[k]) / max(1.0, abs(row[k])) for k in found.keys() & row.keys()]
            spread[stage, precision] = max([spread.get((stage, precision), 0.0), *sizes])
            compare(found, row, tolerance)

        return compared

    with (
        mock.patch.object(as_measured, "compare", kept("trained")),
        mock.patch.object(saved_as_measured, "compare", kept("saved")),
    ):
        yield


if __name__ == "__main__":
    sys.exit(main())
