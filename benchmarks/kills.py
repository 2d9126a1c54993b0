"""Kill trainings at random instants, resume them, and compare the end with that of a run that was never stopped.

python benchmarks/kills.py [--kills 100] [--seed 0] [--folder FOLDER]

Small runs of five families, each with a checkpoint every other step, get SIGKILL at an instant drawn evenly from the
time that the whole run took, again and again until they end by themselves. Weights, best weights and each epoch's
metrics are compared bit by bit. It ends with an error if anything differs or no checkpoint can be read.
"""

from __future__ import annotations

import argparse
import multiprocessing
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
from rich.console import Console

from zoo.utils.files import write_json

STEPS = ["training.epochs=4", "training.steps_per_execution=1", "training.checkpoints.every_steps=2"]
RUNS = {
    "mlp": ("mlp/digits", ["model.widths=[32]", "model.dropout=0.2", "training.batch_size=64"]),
    "cnn": (
        "cnn/digits",
        [
            *("model.widths=[8, 16]", "model.depth=1", "training.batch_size=64", "regularization.mixup=0.3"),
            "augment=[{random_translation: {height: 0.2, width: 0.2}}, {gaussian_noise: {std: 0.05}}]",
        ],
    ),
    "lstm": ("lstm/digits", ["model.units=8", "model.dropout=0.2", "training.batch_size=64"]),
    "gan": (
        "gan/digits",
        ["model.generator_widths=[16, 8]", "model.discriminator_widths=[8, 16]", "training.batch_size=64"],
    ),
    "diffusion": ("diffusion/digits", ["model.widths=[8, 16]", "model.groups=4", "training.batch_size=64"]),
}


def train(name: str, folder: Path) -> None:
    """Train a run, or resume it; what it ends with is in `folder/end.npz`."""
    from zoo.data.sources.load import load_dataset
    from zoo.recipe import load_recipe
    from zoo.tasks import TASKS
    from zoo.training.callbacks.state import state_files
    from zoo.training.fit import fit
    from zoo.training.problem import set_up

    source, overrides = RUNS[name]
    recipe = load_recipe(source, [*overrides, *STEPS]).recipe
    problem = set_up(recipe, load_dataset(recipe.data, TASKS[recipe.task], recipe.preprocess))
    with open(folder / "said.txt", "a") as said:
        going_on = bool(state_files(folder / "checkpoints"))
        fitted = fit(problem, folder, Console(file=said, width=200), resume=going_on)
    rows = [[value for key, value in row.items() if key != "seconds"] for row in fitted.history]
    weights = {f"w{i}": w for i, w in enumerate(problem.views.trained.get_weights())}
    np.savez(folder / ".end.npz", rows=np.array(rows), kept=np.array(fitted.kept_epoch), **weights)
    (folder / ".end.npz").rename(folder / "end.npz")


def run(context: multiprocessing.context.ForkServerContext, name: str, folder: Path, limit: float | None) -> bool:
    """Train in a process of its own, killed after some seconds; return whether it ended by itself."""
    process = context.Process(target=train, args=(name, folder))
    process.start()
    process.join(limit)
    if process.is_alive():
        process.kill()
        process.join()
        return False
    if process.exitcode:
        raise SystemExit(f"{name}: the run in {folder} failed")
    return True


def main() -> None:
    """Kill and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, default=None, help="a temporary one where left out")
    given = parser.parse_args()
    root = given.folder or Path(tempfile.mkdtemp())
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tensorflow", "keras", "zoo.training.fit", "zoo.data.sources.load"])
    generator, console = np.random.default_rng(given.seed), Console()
    took, kills, ended, differing = {}, Counter[str](), Counter[str](), []
    damaged = 0
    for name in RUNS:
        (root / name / "whole").mkdir(parents=True)
        started = time.perf_counter()
        run(context, name, root / name / "whole", None)
        took[name] = time.perf_counter() - started
        console.print(f"{name}: the whole run took {took[name]:.1f} s")
    while sum(kills.values()) < given.kills:
        for name in RUNS:
            folder = root / name / f"cut{ended[name]}"
            folder.mkdir()
            while not run(context, name, folder, float(generator.uniform(0, took[name]))):
                kills[name] += 1
            damaged += (folder / "said.txt").read_text().count("is damaged")
            ended[name] += 1
            with np.load(root / name / "whole" / "end.npz") as one, np.load(folder / "end.npz") as other:
                same = set(one) == set(other) and all(np.array_equal(one[k], other[k]) for k in one)
            if not same:
                differing.append(str(folder))
            else:
                shutil.rmtree(folder)
            console.print(
                f"{name}: {kills[name]} kills, {ended[name]} runs ended{'' if same else ', this one DIFFERS'}"
            )
    write_json(root / "kills.json", {"kills": kills, "ended": ended, "damaged": damaged, "differing": differing})
    console.print(
        f"{sum(kills.values())} kills, {sum(ended.values())} resumed runs, {len(differing)} differ from the whole run, "
        f"{damaged} checkpoints not readable"
    )
    sys.exit(bool(differing or damaged))


if __name__ == "__main__":
    main()
